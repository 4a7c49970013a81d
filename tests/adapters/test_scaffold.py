from __future__ import annotations

import os
import subprocess
import tomllib
from pathlib import Path

import pytest

from orch_tui.adapters.config import load_settings
from orch_tui.adapters.plan import PlanFiles
from orch_tui.adapters.scaffold import STARTER_DOMAINS, init
from orch_tui.model.errors import ConfigError, EnvironmentProblem
from tests.adapters.unprivileged import NOBODY, unprivileged


def tree(root: Path) -> dict[str, bytes]:
    return {str(path.relative_to(root)): path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file()}


def test_an_empty_repository_becomes_a_mission(tmp_path: Path) -> None:
    report = init(tmp_path)
    assert set(report.written) == set(tree(tmp_path))
    assert report.kept == ()
    assert {"orch.toml", "CLAUDE.md", "tasks.md", "scripts/merge-helper.sh"} < set(report.written)
    assert {f"blueprints/{domain}/{name}" for domain in STARTER_DOMAINS for name in ("CLAUDE.md", "tasks.md")} < set(
        report.written
    )
    epic, settings, problems = PlanFiles(tmp_path, {}, {"XDG_CONFIG_HOME": "/nowhere"}).load()
    assert problems == ()
    assert (epic.size, epic.agents, len(epic.streams)) == ("mvp", 5, 3)
    assert settings.agents.backend == "builtin"
    assert any("commit" in note for note in report.notes)


def test_a_second_init_writes_nothing(tmp_path: Path) -> None:
    first = init(tmp_path)
    before = tree(tmp_path)
    second = init(tmp_path)
    assert (second.written, second.kept, second.notes) == ((), first.written, ())
    assert tree(tmp_path) == before


def test_what_a_person_wrote_stays_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "tasks.md").write_text("mine")
    (tmp_path / "CLAUDE.md").symlink_to("gone")
    (tmp_path / "blueprints").mkdir()
    (tmp_path / "blueprints" / "CLAUDE-backend.md").write_text("mine too")
    report = init(tmp_path)
    assert (tmp_path / "tasks.md").read_text() == "mine"
    assert not (tmp_path / "gone").exists()
    assert not (tmp_path / "blueprints" / "backend" / "CLAUDE.md").exists()
    assert {"tasks.md", "CLAUDE.md", "blueprints/backend/CLAUDE.md"} == set(report.kept)


def test_compliance_profiles_come_into_force(tmp_path: Path) -> None:
    report = init(tmp_path, compliance=["PCI-DSS", "soc 2", "hipaa", "GDPR", "gdpr"], target="trunk")
    settings = load_settings(tmp_path, {}, {"XDG_CONFIG_HOME": "/nowhere"})
    assert settings.mission.compliance == ("pci-dss", "soc2", "hipaa", "gdpr")
    assert settings.mission.target == "trunk"
    assert "blueprints/compliance/hipaa.md" in report.written


def test_a_configuration_that_was_there_is_explained_not_changed(tmp_path: Path) -> None:
    init(tmp_path)
    before = (tmp_path / "orch.toml").read_bytes()
    report = init(tmp_path, compliance=["gdpr"])
    assert (tmp_path / "orch.toml").read_bytes() == before
    assert report.written == ("blueprints/compliance/gdpr.md",)
    assert 'compliance = ["gdpr"]' in report.notes[0]


@pytest.mark.parametrize("target", ['we"ird', "a\\b", "ünï", "a\nb"])
def test_any_name_of_a_branch_is_written_as_toml(tmp_path: Path, target: str) -> None:
    init(tmp_path, target=target)
    assert tomllib.loads((tmp_path / "orch.toml").read_text())["mission"]["target"] == target


def test_domains_can_be_chosen(tmp_path: Path) -> None:
    report = init(tmp_path, domains=["frontend", "frontend"])
    assert [name for name in report.written if name.startswith("blueprints")] == [
        "blueprints/frontend/CLAUDE.md",
        "blueprints/frontend/tasks.md",
    ]
    with pytest.raises(ConfigError, match='did you mean "backend"'):
        init(tmp_path, domains=["backed"])
    with pytest.raises(ConfigError, match="iso"):
        init(tmp_path, compliance=["iso"])


@pytest.mark.parametrize("name", ["blueprints", "scripts"])
def test_a_link_out_of_the_repository_stops_everything(tmp_path: Path, name: str) -> None:
    root, outside = tmp_path / "repo", tmp_path / "outside"
    root.mkdir()
    outside.mkdir()
    (root / name).symlink_to(outside)
    with pytest.raises(ConfigError, match="out of the repository"):
        init(root)
    assert tree(root) == {}
    assert tree(outside) == {}


def test_a_file_in_the_way_of_a_directory_stops_everything(tmp_path: Path) -> None:
    (tmp_path / "scripts").write_text("")
    with pytest.raises(ConfigError, match="not a directory"):
        init(tmp_path)
    assert list(tree(tmp_path)) == ["scripts"]


def test_no_directory_is_not_made_up(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no such directory"):
        init(tmp_path / "none")


def test_a_read_only_directory_is_said_clearly(tmp_path: Path) -> None:
    tmp_path.chmod(0o555)
    with unprivileged(tmp_path), pytest.raises(EnvironmentProblem, match=r"orch\.toml cannot be written") as caught:
        init(tmp_path)
    assert "nothing was written" in caught.value.detail
    tmp_path.chmod(0o755)


def test_a_failure_halfway_says_what_was_written(tmp_path: Path) -> None:
    (tmp_path / "blueprints").mkdir()
    (tmp_path / "blueprints").chmod(0o555)
    if os.geteuid() == 0:
        os.chown(tmp_path, NOBODY, -1)
    with unprivileged(tmp_path), pytest.raises(EnvironmentProblem, match="blueprints/infrastructure") as caught:
        init(tmp_path)
    assert "written before: orch.toml, CLAUDE.md, tasks.md" in caught.value.detail
    (tmp_path / "blueprints").chmod(0o755)


@pytest.mark.parametrize(
    ("script", "words", "called"),
    [
        ("merge-helper.sh", ["--stream", "infra structure"], "merge|--stream|infra structure|"),
        ("orchestrate.sh", ["--yes"], "launch|--yes|"),
        ("orchestrate-team.sh", ["core services", "--yes"], "launch|--stream|core services|--yes|"),
        ("orchestrate-team.sh", ["--stream", "2"], "launch|--stream|2|"),
    ],
)
def test_the_scripts_call_the_program_from_the_root(tmp_path: Path, script: str, words: list[str], called: str) -> None:
    root = tmp_path / "a repo"
    root.mkdir()
    init(root)
    fake = tmp_path / "bin" / "orch-tui"
    fake.parent.mkdir()
    fake.write_text("#!/bin/sh\nprintf '%s|' \"$@\"\npwd -P\n")
    fake.chmod(0o755)
    path = f"{fake.parent}:{os.environ['PATH']}"
    command = [str(root / "scripts" / script), *words]
    run = subprocess.run(
        command, env={"PATH": path, "CDPATH": "/"}, cwd="/", capture_output=True, text=True, check=True
    )
    assert run.stdout == f"{called}{root.resolve()}\n"


def test_the_team_script_without_a_stream_says_how_it_is_used(tmp_path: Path) -> None:
    init(tmp_path)
    run = subprocess.run(
        [str(tmp_path / "scripts" / "orchestrate-team.sh")], capture_output=True, text=True, check=False
    )
    assert run.returncode == 2
    assert "usage" in run.stderr
