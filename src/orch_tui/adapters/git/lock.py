"""The git lock: one writer in the operator's repository at a time, over the death of the engine.

The lock is an open file that writing children inherit. When the engine is killed, it stays held until the
last of those children ends, so that the next engine never works beside a git that is still at work.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil

from orch_tui.model.errors import Busy, StorageError

PATIENCE_SECONDS = 60.0
_POLL_SECONDS = 0.02


class GitLock:
    """A lock file of the state directory."""

    def __init__(
        self, path: Path, *, patience: float = PATIENCE_SECONDS, at_first: Callable[[], None] | None = None
    ) -> None:
        """Names the lock file.

        Args:
            path: The file.
            patience: How many seconds to wait for another process.
            at_first: Called once, as soon as the lock is held for the first time: no git of an engine before this
                one is at work any more.
        """
        self.path = path
        self._patience = patience
        self._at_first = at_first
        self._own = threading.Lock()

    @contextlib.contextmanager
    def held(self) -> Iterator[int]:
        """Holds the lock alone and yields the descriptor that writing children inherit.

        Raises:
            Busy: Somebody else holds it for longer than our patience.
            StorageError: The state directory cannot be written.
        """
        with self._own, self._locked(fcntl.LOCK_EX) as descriptor:
            if self._at_first is not None:
                self._at_first()
                self._at_first = None
            yield descriptor

    @contextlib.contextmanager
    def shared(self) -> Iterator[int]:
        """Holds the lock together with others of its kind.

        Raises:
            Busy: Somebody holds it alone for longer than our patience.
            StorageError: The state directory cannot be written.
        """
        with self._locked(fcntl.LOCK_SH) as descriptor:
            yield descriptor

    @contextlib.contextmanager
    def _locked(self, kind: int) -> Iterator[int]:
        descriptor = self._open()
        try:
            self._wait(descriptor, kind)
            yield descriptor
        finally:
            # Closing, not unlocking: a child that outlived its parent keeps what it inherited.
            os.close(descriptor)

    def _open(self) -> int:
        try:
            return os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise StorageError("The git lock cannot be opened", str(error), "Make the directory writable.") from error

    def _wait(self, descriptor: int, kind: int) -> None:
        limit = time.monotonic() + self._patience
        while True:
            try:
                fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() > limit:
                    raise self._busy() from None
                time.sleep(_POLL_SECONDS)
            else:
                return

    def _busy(self) -> Busy:
        names = ", ".join(holders(self.path)) or "an unknown process"
        return Busy("The git lock is held", f"{self.path} by {names}", "Wait for it to end, or end it, then try again.")


def holders(path: Path) -> tuple[str, ...]:
    """Returns the processes, other than this one, that have the file open: "git (4711)"."""
    found = []
    for process in psutil.process_iter(["name"]):
        if process.pid == os.getpid():
            continue
        with contextlib.suppress(psutil.Error, OSError):
            if any(opened.path == str(path) for opened in process.open_files()):
                found.append(f"{process.info['name']} ({process.pid})")
    return tuple(found)
