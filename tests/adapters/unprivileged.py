"""Lets a test feel file permissions although the test run is root's."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

NOBODY = 65534


@contextmanager
def unprivileged(directory: Path) -> Iterator[None]:
    """Runs its body as nobody where the run is root's; the way to the directory is opened for that long."""
    if os.geteuid() != 0:
        yield
        return
    closed = [(path, path.stat().st_mode & 0o7777) for path in directory.parents if not path.stat().st_mode & 0o001]
    for path, mode in closed:
        path.chmod(mode | 0o011)
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)
        for path, mode in closed:
            path.chmod(mode)
