"""Files that others read, replaced as a whole: a reader sees the old bytes or the new ones, never a part.

The data is written to a temporary name beside the target, synced and renamed. A symbolic link at the
target is replaced, not followed.
"""

from __future__ import annotations

import contextlib
import os
import secrets
from pathlib import Path

from orch_tui.adapters.files import beneath
from orch_tui.model.errors import StorageError


def write_atomic(path: Path, data: bytes, *, mode: int = 0o600) -> None:
    """Replaces the file at `path` by one with this data, durably.

    Raises:
        StorageError: the disk refused; what was at `path` before is still there.
    """
    try:
        with beneath.directory(path.parent) as directory:
            replace_in(directory, path.name, data, mode=mode)
    except OSError as error:
        raise refused(path, error) from error


def replace_in(directory: int, name: str, data: bytes, *, mode: int = 0o600) -> None:
    """Replaces the file `name` in an open directory, durably.

    Raises:
        OSError: the disk refused; what was there before is still there.
    """
    temporary = f".{name[:200]}.{secrets.token_hex(6)}.tmp"
    try:
        _write_new(directory, temporary, data, mode)
        os.replace(temporary, name, src_dir_fd=directory, dst_dir_fd=directory)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(temporary, dir_fd=directory)
        raise
    os.fsync(directory)


def refused(path: Path, error: OSError) -> StorageError:
    """Returns what to tell a person when a file could not be written."""
    return StorageError(
        "A file could not be written",
        f"{path}: {error.strerror or error}",
        "Check that the disk has room and that the directory is yours to write.",
    )


def _write_new(directory: int, name: str, data: bytes, mode: int) -> None:
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    descriptor = os.open(name, flags, mode, dir_fd=directory)
    with os.fdopen(descriptor, "wb", buffering=0) as file:
        os.fchmod(descriptor, mode)  # whatever the umask says
        left = memoryview(data)
        while left:
            left = left[file.write(left) :]
        os.fsync(descriptor)
