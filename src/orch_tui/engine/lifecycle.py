"""That there is exactly one engine: `hold` is how an engine becomes the one, `Starter` how a client finds or starts it.

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
from collections.abc import Awaitable, Callable, Iterator, Sequence
from pathlib import Path
from typing import Final, Protocol

from orch_tui import __version__
from orch_tui.core.ports import MissionVerbs
from orch_tui.engine.server import Server
from orch_tui.model.errors import Busy, EngineAway, EnvironmentProblem
from orch_tui.model.plain import visible
from orch_tui.model.verbs import EngineInfo

_TAIL_LINES: Final = 8
_TAIL_BYTES: Final = 8192


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


def answers(path: Path) -> bool:
    """Says whether an engine takes connections there."""
    with sockets.socket(sockets.AF_UNIX, sockets.SOCK_STREAM) as probe:
        probe.settimeout(1.0)
        try:
            probe.connect(os.fspath(path))
        except BlockingIOError:
            return True  # its queue of connections is full
        except OSError:
            return False
    return True


class Starter:
    """Finds the engine of a mission, or starts one; callable again whenever it is lost.

    Args:
        find: says where the engine's socket lies, whether anybody listens there or not.
        argv: what starts an engine; it gets a session of its own.
        log: the file that takes its output.
        timeout_s: how long it has until it takes connections.
    """

    def __init__(self, find: Callable[[], Path], argv: Sequence[str], log: Path, *, timeout_s: float = 60.0) -> None:
        self._find = find
        self._argv = argv
        self._log = log
        self._timeout_s = timeout_s
        self._child = 0
        self._earlier: set[int] = set()
        self._logged = 0

    async def __call__(self) -> Path:
        """Returns the socket of an engine that takes connections.

        Raises:
            EngineAway: it ended while it was starting, or took too long; the error shows the end of its log.
        """
        clock = asyncio.get_running_loop().time
        deadline = clock() + self._timeout_s
        pause = 0.005
        self._forget()
        while not answers(path := self._find()):
            if not self._starting():
                self._spawn()
            if clock() > deadline:
                raise self._away(f"The engine did not answer within {self._timeout_s:g} seconds")
            await asyncio.sleep(pause)
            pause = min(pause * 1.5, 0.05)
        return path

    def _forget(self) -> None:
        """Takes the exit status of earlier engines that have ended, so that none stays as a zombie."""
        if self._child:
            self._earlier.add(self._child)
            self._child = 0
        self._earlier = {pid for pid in self._earlier if os.waitpid(pid, os.WNOHANG) == (0, 0)}

    def _starting(self) -> bool:
        """Says whether our child still runs; one that found another engine in its place is no failure."""
        if not self._child:
            return False
        pid, status = os.waitpid(self._child, os.WNOHANG)
        if not pid:
            return True
        self._child = 0
        code = os.waitstatus_to_exitcode(status)
        if code not in (0, Busy.exit_code):
            raise self._away(f"The engine ended while it was starting (status {code})")
        return False

    def _spawn(self) -> None:
        try:
            self._log.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._logged = self._log.stat().st_size if self._log.exists() else 0
            self._child = os.posix_spawn(
                self._argv[0],
                list(self._argv),
                os.environ,
                file_actions=(
                    (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
                    (os.POSIX_SPAWN_OPEN, 1, os.fspath(self._log), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600),
                    (os.POSIX_SPAWN_DUP2, 1, 2),
                ),
                setsid=True,
            )
        except OSError as error:
            raise EngineAway(
                "The engine cannot be started",
                f"{self._log.parent}: {error.strerror}",
                "the state directory must be yours to write; [paths] state in orch.toml or ORCH_STATE names another",
            ) from error

    def _away(self, title: str) -> EngineAway:
        hint = f"its log is {self._log}; `orch-tui doctor` checks the machine"
        return EngineAway(title, _tail(self._log, self._logged), hint)


async def ensure(find: Callable[[], Path], argv: Sequence[str], log: Path) -> Path:
    """Returns the socket of the mission's one engine, started if none runs.

    Raises:
        EngineAway: it cannot be started.
    """
    return await Starter(find, argv, log)()


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


def _tail(log: Path, start: int) -> str:
    """Returns the last lines that were written to a log from some offset on."""
    try:
        with log.open("rb") as file:
            end = file.seek(0, os.SEEK_END)
            file.seek(max(start, end - _TAIL_BYTES))
            text = file.read().decode("utf-8", "replace")
    except OSError:
        return ""
    return visible("\n".join(text.splitlines()[-_TAIL_LINES:]))
