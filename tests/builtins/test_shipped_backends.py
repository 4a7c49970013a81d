"""Each shipped backend through the local runner, in a root with an odd name that nobody configured."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import msgspec
import pytest

import orch_tui.adapters
from orch_tui.api import AgentId, AgentTask, Backend, StreamKey
from orch_tui.builtins.backends.builtin import BuiltinBackend, BuiltinOptions
from orch_tui.builtins.backends.command import CommandBackend, CommandOptions
from orch_tui.builtins.runners.local import LocalRunner
from orch_tui.testing.contracts_runner import Bench
from tests.builtins.model_server import ModelServer, say, use

TASK = AgentTask(AgentId("api-1"), StreamKey("api"), "orch/api/api-1", "title", "prompt")
SCRIPT = Path(orch_tui.adapters.__file__).parent / "orch_report.sh"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    home = tmp_path / "moved é 'root'"
    (home / "bin").mkdir(parents=True)
    shutil.copy(SCRIPT, home / "bin" / "orch-report")
    return home


@pytest.mark.parametrize("backend", [CommandBackend(), BuiltinBackend()], ids=lambda backend: backend.name)
async def test_it_starts_works_and_reports(home: Path, backend: Backend) -> None:
    bench = Bench(LocalRunner(home / "runs"), home)
    told = ["sh", "-c", 'cat "$1" && orch-report done "from a command"', "-", "{task_file}"]
    options = {"command": CommandOptions(tuple(told)), "builtin": BuiltinOptions()}[backend.name]
    launch = backend.launch(TASK, options)
    assert not any("/" in item for item in launch.argv[1:])
    with ModelServer([say("hm"), use("report", state="done", summary="from the agent")]) as server:
        order = bench.order(
            launch.argv, env=launch.env, stdin=launch.stdin, ladder=backend.ladder, meter=server.url, stream="api"
        )
        Path(order.task_file).write_text("the task\n")
        await bench.runner.launch(order)
        event = await bench.ended(order, within=60)
    assert (event.rc, event.reason) == (0, ""), bench.output(order)
    claim = json.loads((Path(order.worktree) / ".orch" / "status.json").read_text())
    assert (claim["run"], claim["state"]) == (order.run, "done")
    assert msgspec.json.encode(event)
    await bench.close()
