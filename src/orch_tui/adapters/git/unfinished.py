"""Remembers which directory a git of ours is writing, so that a kill in the middle can be told from a person's work.

A mark is made before the writing starts and goes when it has ended. The next writer of the same directory
finds the mark and knows that half-written files and left lock files may be ours.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import tempfile
import time
from pathlib import Path

from orch_tui.adapters.git.porcelain import raw


class Unfinished:
    """The marks of one state directory."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._since = time.time()

    def says(self, place: Path) -> str | None:
        """Returns what the mark of a directory says; None without one."""
        try:
            return self._mark(place).read_text(encoding="ascii")
        except FileNotFoundError:
            return None

    def begin(self, place: Path, what: str = "") -> None:
        """Marks the directory before the writing starts; an older mark stays as old as it is."""
        if self.says(place) == what:
            return
        with tempfile.NamedTemporaryFile("w", dir=self._directory, delete=False) as file:
            file.write(what)
            file.flush()
            os.fsync(file.fileno())
        Path(file.name).replace(self._mark(place))

    def end(self, place: Path) -> None:
        """Takes the mark away."""
        self._mark(place).unlink(missing_ok=True)

    def unlock(self, place: Path, lock: Path) -> None:
        """Removes a lock file if only a git that was killed while the mark stood can have left it."""
        with contextlib.suppress(FileNotFoundError):
            begun = self._mark(place).stat().st_mtime
            if begun <= lock.stat().st_mtime <= self._since:
                lock.unlink()

    def _mark(self, place: Path) -> Path:
        return self._directory / hashlib.sha256(raw(str(place))).hexdigest()
