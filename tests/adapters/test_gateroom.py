"""Gates run in a room of their own, and nothing that they start can keep the mission waiting."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path

import pytest

from orch_tui.adapters.gateroom import GateRoom
from orch_tui.api import API_VERSION
from orch_tui.model.ids import Oid
from orch_tui.model.running import GateResult
from orch_tui.model.settings import GateSettings

COMMIT = Oid("c" * 40)
RUNAWAY = """
import os, time
if os.fork() == 0:
    os.setsid()
    print(os.getpid(), flush=True)
    time.sleep(600)
time.sleep({seconds})
"""


async def run(rooms: Path, *argv: str, timeout: str = "1m", intact: bool = True) -> GateResult:
    async def export(commit: Oid, into: Path) -> Oid:
        (into / "file").write_text(commit)
        return Oid("t" * 40)

    async def unchanged(commit: Oid, room: Path) -> bool:
        return intact

    gates = {"tests": GateSettings(argv=argv, timeout=timeout)}
    room = GateRoom(rooms, export, unchanged, lambda: gates, os.environ, api_version=API_VERSION)
    return await asyncio.wait_for(room.run("tests", COMMIT, COMMIT), 30)


async def test_a_gate_sees_the_commit_and_nothing_from_before(tmp_path: Path):
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "stale").touch()
    result = await run(tmp_path, "ls")
    assert (result.status, result.log) == ("passed", "file\n")


async def test_a_gate_that_changes_what_it_judges_has_failed(tmp_path: Path):
    assert (await run(tmp_path, "true", intact=False)).status == "failed"


@pytest.mark.parametrize(("seconds", "timeout", "status"), [(0.2, "1m", "passed"), (600, "1s", "timeout")])
async def test_what_outlives_a_gate_does_not_hold_it(tmp_path: Path, seconds: float, timeout: str, status: str):
    result = await run(tmp_path, sys.executable, "-c", RUNAWAY.format(seconds=seconds), timeout=timeout)
    os.kill(int(result.log), signal.SIGKILL)
    assert result.status == status
