"""One holder at a time across processes: `flock` on a file that also names its holder.

The kernel lets go when the last descriptor closes, so a lock never outlives those who hold it. The
file stays: removing a lock file lets two processes hold two locks of the same name.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import time
from pathlib import Path
from types import TracebackType
from typing import Self

from orch_tui.model.errors import Busy, StorageError

_FIRST_PAUSE = 0.005
_LONGEST_PAUSE = 0.1


class FileLock:
    """A lock on a path, exclusive between processes and between two objects of one process.

    Args:
        path: the lock's file; made with its directories when it is first taken.
        what: what the lock stands for, in the words of a message: "the engine of this mission".
        timeout: how many seconds `with` waits for it.
    """

    def __init__(self, path: Path, *, what: str = "", timeout: float = 0.0) -> None:
        self._path = path
        self._what = what or path.name
        self._timeout = timeout
        self._descriptor: int | None = None

    @property
    def held(self) -> bool:
        """Whether this object holds the lock."""
        return self._descriptor is not None

    def fileno(self) -> int:
        """Returns the descriptor; a child that inherits it keeps the lock held until it ends.

        Raises:
            ValueError: the lock is not held.
        """
        if self._descriptor is None:
            raise ValueError("The lock is not held")
        return self._descriptor

    def holder(self) -> int | None:
        """Returns the process id that took the lock last, as it wrote it down; it may be gone."""
        try:
            text = self._path.read_bytes()[:20]
        except OSError:
            return None
        return int(text) if text.strip().isdigit() else None

    def try_acquire(self) -> bool:
        """Takes the lock if it is free; returns whether it is held now.

        Raises:
            StorageError: the lock's file cannot be opened.
        """
        if self._descriptor is not None:
            return True
        descriptor = self._open()
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return False
        except BaseException:
            os.close(descriptor)
            raise
        self._descriptor = descriptor
        self._sign()
        return True

    def acquire(self, timeout: float = 0.0) -> None:
        """Takes the lock, waiting for it in this thread; the event loop's own thread must not wait.

        Raises:
            Busy: it was not free within `timeout` seconds.
            StorageError: the lock's file cannot be opened.
        """
        deadline = time.monotonic() + timeout
        pause = _FIRST_PAUSE
        while not self.try_acquire():
            left = deadline - time.monotonic()
            if left <= 0:
                raise self._busy()
            time.sleep(min(pause, left))  # the kernel reports no event with a time limit for flock
            pause = min(pause * 2, _LONGEST_PAUSE)

    def release(self) -> None:
        """Lets go; does nothing if the lock is not held."""
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            os.close(descriptor)

    def __enter__(self) -> Self:
        self.acquire(self._timeout)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()

    def _open(self) -> int:
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            return os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise StorageError(
                "A lock file cannot be opened",
                f"{self._path}: {error.strerror}",
                "Check that its directory is yours to write and that it is no symbolic link.",
            ) from error

    def _sign(self) -> None:
        with contextlib.suppress(OSError):  # a full disk does not make the lock less held
            os.ftruncate(self.fileno(), 0)
            os.pwrite(self.fileno(), b"%d\n" % os.getpid(), 0)

    def _busy(self) -> Busy:
        pid = self.holder()
        by = f"process {pid}" if pid else "another process"
        return Busy(f"{self._what} is busy", f"{self._path} is held by {by}", "Wait for it to end, or end it.")
