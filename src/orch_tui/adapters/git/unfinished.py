"""Remembers what a git of ours is writing, so that a kill in the middle can be told from a person's work.

A mark is made before the writing starts and goes when it has ended. It names the lock files that the
writing may leave behind: those, and only those, may be removed by the engine that comes next.
"""

from __future__ import annotations

import contextlib
import hashlib
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from orch_tui.adapters.files.atomic import write_atomic
from orch_tui.adapters.git.porcelain import raw, text

REF = "ref"


class Mark(msgspec.Struct, frozen=True):
    """What was begun and has not ended."""

    what: str
    locks: tuple[str, ...] = ()
    """Lock files as hexadecimal digits of their paths, which may hold any bytes."""


class Unfinished:
    """The marks of one state directory."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._since = time.time()

    def says(self, subject: str | Path) -> str:
        """Returns what the mark of a directory or a ref says; "" without one."""
        mark = self._read(self._path(subject))
        return mark.what if mark else ""

    def begin(self, subject: str | Path, what: str, locks: Sequence[Path] = ()) -> None:
        """Marks a directory or a ref before the writing starts; the same mark again stays as old as it is."""
        mark = Mark(what, tuple(raw(str(lock)).hex() for lock in locks))
        if self._read(self._path(subject)) == mark:
            return
        write_atomic(self._path(subject), msgspec.json.encode(mark))

    def end(self, subject: str | Path) -> None:
        """Takes the mark away."""
        self._path(subject).unlink(missing_ok=True)

    @contextlib.contextmanager
    def marked(self, ref: str, locks: Sequence[Path]) -> Iterator[None]:
        """Marks a ref while it is written; an error ends the writing as well, only a kill does not."""
        self.begin(ref, REF, locks)
        try:
            yield
        finally:
            self.end(ref)

    def unlock(self) -> None:
        """Removes the lock files that an engine before this one, and nobody else, can have left.

        A lock goes if a mark names it and it is younger than the mark and older than this engine.
        """
        for path in self._directory.iterdir():
            mark = self._read(path)
            if mark is None:
                path.unlink(missing_ok=True)
                continue
            begun = path.stat().st_mtime
            for lock in (Path(text(bytes.fromhex(name))) for name in mark.locks):
                _remove(lock, begun, self._since)
            if mark.what == REF:
                path.unlink(missing_ok=True)

    def _path(self, subject: str | Path) -> Path:
        return self._directory / hashlib.sha256(raw(str(subject))).hexdigest()

    def _read(self, path: Path) -> Mark | None:
        try:
            return msgspec.json.decode(path.read_bytes(), type=Mark)
        except (FileNotFoundError, msgspec.DecodeError):
            return None


def _remove(lock: Path, begun: float, until: float) -> None:
    with contextlib.suppress(FileNotFoundError, NotADirectoryError):
        if begun <= lock.stat().st_mtime <= until:
            lock.unlink()
