"""Runs one program for the agent and comes back with what it printed; nothing stays behind.

Output goes to a file, not a pipe, so a program that leaves children cannot keep the agent waiting;
the whole session that it opened is killed when it ends or its time is up.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, NamedTuple

HEAD, TAIL = 10_000, 20_000


class Done(NamedTuple):
    """How a program ended; `rc` is negative for a signal, None when its time was up."""

    rc: int | None
    output: str


def run(argv: Sequence[str], cwd: Path, env: Mapping[str, str], timeout: float) -> Done:
    """Runs a program to its end, without a shell and without input.

    Raises:
        OSError: it cannot be started.
    """
    with tempfile.TemporaryFile() as output:
        program = subprocess.Popen(
            list(argv),
            cwd=cwd,
            env=dict(env),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        rc: int | None = None
        try:
            with contextlib.suppress(subprocess.TimeoutExpired):
                rc = program.wait(timeout)
        finally:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(program.pid, signal.SIGKILL)
            program.wait()
        return Done(rc, _capped(output))


def _capped(output: IO[bytes]) -> str:
    size = output.seek(0, os.SEEK_END)
    output.seek(0)
    if size <= HEAD + TAIL:
        return output.read().decode(errors="replace")
    head = output.read(HEAD).decode(errors="replace")
    output.seek(size - TAIL)
    return f"{head}\n[{size - HEAD - TAIL} bytes left out]\n{output.read().decode(errors='replace')}"
