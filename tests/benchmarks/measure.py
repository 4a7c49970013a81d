"""What benchmarks share: rows of the report, a program behind a pseudo-terminal, and the figures of processes."""

from __future__ import annotations

import ctypes
import fcntl
import os
import pty
import select
import statistics
import struct
import sys
import tempfile
import termios
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil
from msgspec import Struct

from tests.fleet import Fleet

FIFTY = {name: [10] for name in ("Alpha", "Beta", "Gamma", "Delta", "Epsilon")}
MS = 1e-6
"""Nanoseconds to milliseconds."""


class Row(Struct, frozen=True):
    """One line of the report; the ratio is measured against the anchor in the same run."""

    what: str
    value: str
    anchor: str = ""
    ratio: float | None = None
    target: str = ""


def median(samples: Sequence[float]) -> float:
    """Returns the middle value."""
    return statistics.median(samples)


def p99(samples: Sequence[float]) -> float:
    """Returns the value that one in a hundred exceeds."""
    return sorted(samples)[min(len(samples) - 1, round(0.99 * (len(samples) - 1)))]


def say(words: str) -> None:
    """Tells on standard error how far it is."""
    sys.stderr.write(f"{words}\n")
    sys.stderr.flush()


@contextmanager
def a_fleet(streams: Mapping[str, Sequence[int]] = FIFTY, *, settings: str = "", files: int = 0) -> Iterator[Fleet]:
    """Yields a mission of puppets in a temporary directory; nothing of it stays."""
    with tempfile.TemporaryDirectory(prefix="orch-bench-", ignore_cleanup_errors=True) as place:
        fleet = Fleet(Path(place), streams, settings=settings, files=files)
        try:
            yield fleet
        finally:
            fleet.close()


class Screen:
    """A program behind a pseudo-terminal; what it paints arrives here with the time."""

    def __init__(
        self, argv: Sequence[str], *, cwd: Path, env: Mapping[str, str], size: tuple[int, int] = (160, 48)
    ) -> None:
        self.began = time.perf_counter_ns()
        self.pid, self.handle = pty.fork()
        if self.pid == 0:
            os.chdir(cwd)
            os.execve(argv[0], list(argv), dict(env))  # noqa: S606  no shell is the point
        fcntl.ioctl(self.handle, termios.TIOCSWINSZ, struct.pack("HHHH", size[1], size[0], 0, 0))
        self._seen = b""

    def press(self, keys: str) -> None:
        """Types keys."""
        os.write(self.handle, keys.encode())

    def read(self) -> int:
        """Takes what is there; returns when it was taken."""
        self._seen = (self._seen + os.read(self.handle, 65536))[-262144:]
        return time.perf_counter_ns()

    def shows(self, words: str) -> bool:
        """Says whether these words were painted since the last `forget`."""
        return words.encode() in self._seen

    def forget(self) -> None:
        """Forgets what was painted."""
        self._seen = b""

    def wait(self, words: str, seconds: float = 60.0) -> int:
        """Returns when these words were painted.

        Raises:
            TimeoutError: they were not.
        """
        deadline = time.monotonic() + seconds
        while True:
            ready, _, _ = select.select([self.handle], [], [], 0.5)
            now = self.read() if ready else 0
            if now and self.shows(words):
                return now
            if time.monotonic() > deadline:
                raise TimeoutError(f"{words!r} was not painted; the end was {self._seen[-2000:]!r}")

    def drain(self, seconds: float) -> None:
        """Takes what is painted for some time."""
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            ready, _, _ = select.select([self.handle], [], [], left)
            if ready:
                self.read()

    def close(self) -> None:
        """Ends the program."""
        with suppress(ProcessLookupError):
            os.kill(self.pid, 9)
        os.close(self.handle)
        os.waitpid(self.pid, 0)


@contextmanager
def a_screen(
    argv: Sequence[str], *, cwd: Path, env: Mapping[str, str], size: tuple[int, int] = (160, 48)
) -> Iterator[Screen]:
    """Yields a program behind a pseudo-terminal."""
    screen = Screen(argv, cwd=cwd, env=env, size=size)
    try:
        yield screen
    finally:
        screen.close()


class Inotify:
    """Raw inotify on one file, without a library."""

    def __init__(self, path: Path) -> None:
        self._libc = ctypes.CDLL(None, use_errno=True)
        self.handle: int = self._libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
        if self.handle < 0 or self._libc.inotify_add_watch(self.handle, os.fsencode(path), 0x2) < 0:
            raise OSError(ctypes.get_errno(), "inotify", str(path))

    def read(self) -> int:
        """Takes the events; returns when."""
        os.read(self.handle, 65536)
        return time.perf_counter_ns()

    def close(self) -> None:
        """Lets go."""
        os.close(self.handle)


def cpu_ns(pid: int) -> int:
    """Returns the processor time that a process and its threads have used."""
    total = 0
    for task in Path(f"/proc/{pid}/task").iterdir():
        with suppress(OSError):
            total += int((task / "schedstat").read_text().split()[0])
    return total


def memory_mb(pid: int) -> tuple[float, float]:
    """Returns the resident memory of a process: its own share, and all."""
    found = {}
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        name, _, rest = line.partition(":")
        if name in ("Pss", "Rss"):
            found[name] = int(rest.split()[0]) / 1024
    return found["Pss"], found["Rss"]


def meter_of(fleet: Fleet) -> int:
    """Returns the pid of the fleet's meter."""
    return _one(fleet, lambda words: "meter" in words)


def _one(fleet: Fleet, fits: Callable[[list[str]], bool]) -> int:
    for process in fleet.home.processes():
        with suppress(psutil.Error):
            if fits(process.cmdline()):
                return int(process.pid)
    raise LookupError("no such process")


def table(rows: Sequence[Row]) -> str:
    """Returns rows as a Markdown table."""
    lines = ["| what | measured | anchor in the same run | ratio | target |", "| --- | --- | --- | --- | --- |"]
    for row in rows:
        ratio = "" if row.ratio is None else f"{row.ratio:.2f}×"
        lines.append(f"| {row.what} | {row.value} | {row.anchor} | {ratio} | {row.target} |")
    return "\n".join(lines)
