"""A git that is killed, together with the engine that runs it, at a system call of one's choice."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest


class KillingGit:
    """Puts a git on the PATH that runs one kind of command under strace."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        directory.mkdir()

    def run(self, script: str, command: str, syscall: str, point: int, *args: object) -> bool:
        """Runs a script in which the command is killed at its n-th such call; says whether that happened."""
        shim = self._directory / "git"
        trace = f"strace -f -qq -o {self._directory}/trace -e trace={syscall}"
        shim.write_text(
            "#!/bin/sh\n"
            f'PATH="{os.environ["PATH"]}"; export PATH\n'
            'case " $* " in\n'
            '*" -n "*) exec git "$@" ;;\n'
            f'*" {command} "*) {trace} -e inject={syscall}:signal=KILL:when={point} git "$@"; status=$?\n'
            f"  grep -q 'killed by SIGKILL' {self._directory}/trace && kill -9 $PPID; exit $status ;;\n"
            '*) exec git "$@" ;;\n'
            "esac\n"
        )
        shim.chmod(0o755)
        done = subprocess.run(
            [sys.executable, "-c", script, *map(str, args)],
            env={**os.environ, "PATH": f"{self._directory}:{os.environ['PATH']}"},
            capture_output=True,
            check=False,
        )
        assert done.returncode in (0, -9), done.stderr.decode()
        return done.returncode == -9


def require_strace() -> None:
    """Skips where strace is missing; fails there if every tool is required, as in CI."""
    if shutil.which("strace") is None:
        missing = pytest.fail if os.environ.get("ORCH_TEST_REQUIRE_TOOLS") else pytest.skip
        missing("strace is needed to kill git at a system call")
