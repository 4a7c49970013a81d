"""Starts the meter's process: a session of its own, the real key on a pipe, no descriptor of ours left in its hands."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from orch_tui.model.errors import EnvironmentProblem

SECRET_PREFIXES = ("ANTHROPIC", "CLAUDE")


def clean_environment(env: Mapping[str, str], key: str) -> dict[str, str]:
    """Returns an environment without the real key, under whatever name, and without settings of the model's clients."""
    return {
        name: value
        for name, value in env.items()
        if not name.startswith(SECRET_PREFIXES) and not (key and key in value)
    }


def start(argv: Sequence[str], key: str, log: Path) -> tuple[int, int]:
    """Starts a meter; returns its process id and a descriptor from which its first line can be read.

    Raises:
        EnvironmentProblem: it cannot be started.
    """
    with contextlib.ExitStack() as mine:
        try:
            log_to = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
            mine.callback(os.close, log_to)
            key_from, key_to = os.pipe()
            mine.callback(os.close, key_from)
            with os.fdopen(key_to, "wb") as hand_over:
                hand_over.write(key.encode() + b"\n")
            said, say = os.pipe()
            mine.callback(os.close, say)
            pid = os.posix_spawn(
                argv[0],
                list(argv),
                clean_environment(os.environ, key),
                file_actions=[
                    (os.POSIX_SPAWN_DUP2, mine_fd, fd) for mine_fd, fd in ((key_from, 0), (say, 1), (log_to, 2))
                ],
                setsid=True,
            )
        except OSError as problem:
            hint = "Run `orch-tui doctor`; it checks the installation and the state directory."
            raise EnvironmentProblem("The meter cannot be started", f"{argv[0]}: {problem}", hint) from problem
    return pid, said


async def first_line(descriptor: int) -> bytes:
    """Returns what a starting meter says first, b"" if it ends without a word; closes the descriptor."""
    reader = asyncio.StreamReader()
    transport, _ = await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(descriptor, "rb", buffering=0)
    )
    try:
        return await reader.readline()
    finally:
        transport.close()


def ended(pid: int) -> bool:
    """Says whether a child has ended, and takes its exit status, so that it does not stay as a zombie."""
    try:
        return os.waitpid(pid, os.WNOHANG) != (0, 0)
    except ChildProcessError:
        return True
