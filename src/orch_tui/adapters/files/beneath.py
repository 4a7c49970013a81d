"""Directories and files under a root that a stranger can write to, opened without following any link.

An agent owns its worktree and may put a symbolic link where a directory was. Every step below the
root is therefore opened by descriptor, relative to the one before, and a link is refused.
"""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Iterator
from pathlib import Path

from orch_tui.model.errors import StorageError

_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


@contextlib.contextmanager
def directory(root: Path, *parts: str, create: bool = False) -> Iterator[int]:
    """Opens the directory `root/parts…` and gives its descriptor, which is closed at the end.

    Args:
        root: a directory of ours; links on the way to it are followed.
        parts: names below it; a link in place of one is refused.
        create: whether missing directories below the root are made.

    Raises:
        FileNotFoundError: a directory is missing.
        StorageError: a name below the root is a link or no directory.
    """
    descriptor = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        path = root
        for part in parts:
            path = path / part
            below = _step(descriptor, part, path, create=create)
            os.close(descriptor)
            descriptor = below
        yield descriptor
    finally:
        os.close(descriptor)


def open_file(name: str | Path, *, directory: int | None = None) -> int:
    """Opens a regular file for reading and returns its descriptor; never waits, never follows a link.

    Raises:
        OSError: it is missing, a link, or not a regular file (a pipe would make its reader wait for ever).
    """
    descriptor = os.open(name, _FILE, dir_fd=directory)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(0, "is not a regular file", str(name))
    return descriptor


def _step(directory: int, part: str, path: Path, *, create: bool) -> int:
    if create:
        with contextlib.suppress(FileExistsError):
            os.mkdir(part, 0o755, dir_fd=directory)
    try:
        return os.open(part, _DIRECTORY, dir_fd=directory)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise StorageError(
            "Not a directory of the worktree",
            f"{path} is a symbolic link or no directory ({error.strerror})",
            "Look at it and remove it; nothing was written through it.",
        ) from error
