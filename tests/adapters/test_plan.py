from __future__ import annotations

from pathlib import Path

import pytest

from orch_tui.adapters.plan import PlanFiles
from orch_tui.model.errors import ConfigError

ENV = {"XDG_CONFIG_HOME": "/nowhere"}


def test_problems_of_both_files_come_together(tmp_path: Path) -> None:
    (tmp_path / "tasks.md").write_text("# E\n## Stream 1: A (2 agents)\n- [ ] t\n")
    (tmp_path / "orch.toml").write_text("[streams.b]\n[agents]\nx = 1\n")
    epic, _, problems = PlanFiles(tmp_path, {}, ENV).load()
    assert [problem.text for problem in problems] == [
        "orch.toml:3: agents.x: unknown key; there is backend, max_running, quiet, runner, stalled",
        'tasks.md:2: stream "A" says 2 agents, its tasks add up to 1',
        'orch.toml:1: streams.b: the plan has no stream "b"; there is a',
    ]
    assert epic.agents == 1


def test_a_mission_without_a_plan_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="there is no") as caught:
        PlanFiles(tmp_path, {}, ENV).load()
    assert "orch-tui init" in caught.value.hint


def test_a_box_is_ticked_and_a_blueprint_composed(tmp_path: Path) -> None:
    (tmp_path / "tasks.md").write_text("# E\n## Stream 1: A\n- [ ] t\n")
    files = PlanFiles(tmp_path, {}, ENV)
    files.tick(3, "t")
    assert files.load()[0].streams[0].tasks[0].done
    assert "GDPR" in files.blueprint("api", ("gdpr",)).text
