"""That there is exactly one engine: `hold` is how a process becomes the one, hosts its mission and ends.

The lock is a `flock`, gone with its holder however that ends. The socket is listened on only when the engine is ready,
so a connection that is accepted is an engine that answers.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import signal
import socket as sockets
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Protocol

from orch_tui import __version__
from orch_tui.core.ports import MissionVerbs
from orch_tui.engine.server import Server
from orch_tui.engine.starter import answers
from orch_tui.model.errors import Busy, EnvironmentProblem
from orch_tui.model.verbs import EngineInfo


class Hosted(MissionVerbs, Protocol):
    """What an engine hosts: a mission that knows whether it needs an engine."""

    @property
    def idle(self) -> bool:
        """Says whether nothing of the mission needs an engine now."""

    async def close(self, reason: str) -> None:
        """Lets go of the mission; what it started goes on."""


async def hold(
    *,
    lock: Path,
    socket: Path,
    make: Callable[[], Awaitable[Hosted]],
    linger_s: float,
    publish: Callable[[], None] = lambda: None,
    patience_s: float = 5.0,
) -> str:
    """Hosts a mission as its one engine until nobody needs it; returns why it ended.

    It ends when a client or a signal says so, or when for a while no client was there and the mission was idle.

    Args:
        lock: the file whose lock makes this engine the one.
        socket: where clients find it.
        make: opens the mission; called once this engine has its place.
        linger_s: how long it stays without a client and without work.
        publish: makes known where the socket lies, once this engine has its place.
        patience_s: how long an engine that is just ending may take to let go.

    Raises:
        Busy: another engine hosts this mission.
        EnvironmentProblem: the lock or the socket cannot be made.
    """
    with _locked(lock) as handle:
        await _take(handle, lock, socket, patience_s)
        publish()
        with _bound(socket) as listener:
            mission = await make()
            reason = "an error"
            try:
                reason = await _serve(mission, listener, socket, linger_s)
            finally:
                await mission.close(reason)
    return reason


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[int]:
    """Opens the lock file; closing it is what lets the lock go."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle = os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise EnvironmentProblem(
            "The state directory cannot be written",
            f"{path.parent}: {error.strerror}",
            "[paths] state in orch.toml or ORCH_STATE names another",
        ) from error
    try:
        yield handle
    finally:
        os.close(handle)


async def _take(handle: int, lock: Path, socket: Path, patience_s: float) -> None:
    clock = asyncio.get_running_loop().time
    deadline = clock() + patience_s
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError as error:
            if answers(socket) or clock() > deadline:
                raise Busy("An engine runs already", str(lock.parent), "`orch-tui engine status` shows it") from error
        await asyncio.sleep(0.02)


@contextlib.contextmanager
def _bound(path: Path) -> Iterator[sockets.socket]:
    """Binds the socket, for its owner alone; nobody can connect until it is listened on."""
    listener = sockets.socket(sockets.AF_UNIX, sockets.SOCK_STREAM)
    before = os.umask(0o177)
    try:
        path.unlink(missing_ok=True)
        listener.bind(os.fspath(path))
    except OSError as error:
        listener.close()
        raise EnvironmentProblem("The engine's socket cannot be made", f"{path}: {error.strerror or error}") from error
    finally:
        os.umask(before)
    try:
        yield listener
    finally:
        listener.close()
        path.unlink(missing_ok=True)


async def _serve(mission: Hosted, listener: sockets.socket, socket: Path, linger_s: float) -> str:
    server = Server(mission, EngineInfo(os.getpid(), mission.fleet.engine.since, str(socket), 0, __version__))
    watch = asyncio.create_task(_stop_when_idle(server, mission, linger_s))
    try:
        with _signals(server.stop):
            return await server.run(listener)
    finally:
        watch.cancel()


@contextlib.contextmanager
def _signals(stop: Callable[[str], None]) -> Iterator[None]:
    """Ends the engine in good order when it is asked to by a signal."""
    loop = asyncio.get_running_loop()
    asked = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
    for number in asked:
        loop.add_signal_handler(number, stop, number.name)
    try:
        yield
    finally:
        for number in asked:
            loop.remove_signal_handler(number)


async def _stop_when_idle(server: Server, mission: Hosted, linger_s: float) -> None:
    clock = asyncio.get_running_loop().time
    step = min(max(linger_s / 4, 0.02), 5.0)
    since = clock()
    while clock() - since < linger_s:
        await asyncio.sleep(step)
        since = clock() if server.busy or not mission.idle else max(since, server.last_seen)
    server.stop("idle")
