"""How a client finds the engine of its mission, or starts one; it loads nothing of what an engine needs itself."""

from __future__ import annotations

import asyncio
import os
import signal
import socket as sockets
import struct
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from orch_tui.model.errors import Busy, EngineAway
from orch_tui.model.plain import visible

_TAIL_LINES: Final = 8
_TAIL_BYTES: Final = 8192


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


def _listener(path: Path) -> int:
    """Returns the process id of who listens there; 0 where the system does not tell."""
    option = getattr(sockets, "SO_PEERCRED", None)
    if option is None:
        return 0
    with sockets.socket(sockets.AF_UNIX, sockets.SOCK_STREAM) as probe:
        probe.settimeout(1.0)
        try:
            probe.connect(os.fspath(path))
            pid, _, _ = struct.unpack("3i", probe.getsockopt(sockets.SOL_SOCKET, option, struct.calcsize("3i")))
        except OSError:
            return 0
    return int(pid)


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
        self._dismiss_surplus(path)
        return path

    def _dismiss_surplus(self, path: Path) -> None:
        """Ends a child of ours that lost the race: it would come up when the engine that won is stopped on purpose."""
        if self._child and (listener := _listener(path)) and listener != self._child and self._starting():
            os.kill(self._child, signal.SIGTERM)

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
