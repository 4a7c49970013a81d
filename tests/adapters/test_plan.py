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


def problems(root: Path, toml: str) -> list[str]:
    (root / "tasks.md").write_text("# E\n## Stream 1: A\n- [ ] t\n")
    (root / "orch.toml").write_text(toml)
    return [f"{each.severity}: {each.text}" for each in PlanFiles(root, {}, ENV).load()[2]]


@pytest.mark.parametrize(
    ("toml", "said"),
    [
        ('[agents]\nbackend = "comand"\n', 'orch.toml:2: agents.backend: there is no backend "comand"; did you mean'),
        ('[streams.a]\nbackend = "zzz"\n', 'orch.toml:2: streams.a.backend: there is no backend "zzz"; there is '),
        ('[agents]\nrunner = "slurm"\n', 'orch.toml:2: agents.runner: there is no runner "slurm"; there is local'),
        ('[agents]\nbackend = "command"\n', "orch.toml:2: backends.command.argv: is needed"),
        ('[streams.a]\nbackend = "command"\n[backends.command]\n', "orch.toml:3: backends.command.argv: is needed"),
        (
            '[agents]\nbackend = "command"\n[backends.command]\nargv = ["x"]\nenf = {}\n',
            "orch.toml:5: backends.command.enf: unknown key",
        ),
    ],
)
def test_a_name_that_means_nothing_is_an_error_at_its_place(tmp_path: Path, toml: str, said: str) -> None:
    (found,) = problems(tmp_path, toml)
    assert found.startswith(f"error: {said}")


def test_a_misspelt_plug_in_shows_what_is_installed(tmp_path: Path) -> None:
    (found,) = problems(tmp_path, '[agents]\nbackend = "comand"\n')
    assert 'did you mean "command"? (installed: ' in found
    assert "builtin" in found


def test_a_gate_that_no_table_describes_is_a_warning(tmp_path: Path) -> None:
    toml = '[streams.a]\ngates = ["human", "tests", "lint"]\n[gates.tests]\nargv = ["true"]\n'
    assert problems(tmp_path, toml) == [
        "warning: orch.toml:2: streams.a.gates: there is no [gates.lint]; known: human, tests"
    ]


def test_a_backend_that_no_stream_uses_needs_no_options(tmp_path: Path) -> None:
    assert problems(tmp_path, '[agents]\nbackend = "command"\n[streams.a]\nbackend = "builtin"\n') == []
