"""What needs no engine, on real directories: tasks check, init, doctor, config, blueprint, audit."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from orch_tui.cli import group
from tests.adapters.unprivileged import unprivileged

PLAN = """# Epic: Shop
## Stream 1: Infrastructure (2 agents)
- [ ] Modules (2 agents)
## Stream 2: Core Services (1 agent)
- [x] Orders (1 agent)
"""
RUN = "from orch_tui.cli import group; group()"


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A home of its own, without the variables that set something."""
    for name in ("XDG_STATE_HOME", "XDG_CONFIG_HOME", "HOME"):
        monkeypatch.setenv(name, str(tmp_path / "home"))
    for name in ("ORCH_STATE", "ANTHROPIC_API_KEY", "CLAUDE_BUDGET_LIMIT", "CLAUDE_BUDGET_ALERT", "CLAUDE_TRACK_USAGE"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "home").mkdir()
    return tmp_path


def git(directory: Path, *args: str) -> None:
    identity = {"GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_NOSYSTEM": "1", "PATH": os.environ["PATH"]}
    names = ("-c", "user.name=t", "-c", "user.email=t@example.org")
    subprocess.run(["git", *names, *args], cwd=directory, env=identity, check=True, capture_output=True)


@pytest.fixture
def shop(home) -> Path:
    """A repository with one commit on `main`."""
    root = home / "shop"
    root.mkdir()
    git(root, "init", "-q", "-b", "main")
    git(root, "commit", "-q", "--allow-empty", "-m", "first")
    return root


def orch(directory: Path, *args: str) -> Result:
    return CliRunner().invoke(group, ["-C", str(directory), *args], catch_exceptions=False)


def in_a_process(directory: Path, *args: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", RUN, *args], cwd=directory, capture_output=True, text=True, timeout=60)


class TestTasksCheck:
    def test_json_has_exactly_the_documented_fields(self, home, snapshot):
        (home / "tasks.md").write_text(PLAN)
        result = orch(home, "tasks", "check", "--json")
        assert (result.exit_code, result.stderr) == (0, "")
        assert result.stdout == snapshot

    def test_problems_are_told_on_stderr_with_their_place(self, shop):
        (shop / "tasks.md").write_text(PLAN.replace("(2 agents)\n- [ ] Modules", "(3 agents)\n- [ ] Modules"))
        result = orch(shop, "tasks", "check")
        assert result.exit_code == 2
        assert result.stderr == 'tasks.md:2: stream "Infrastructure" says 3 agents, its tasks add up to 2\n'
        (problem,) = json.loads(orch(shop, "tasks", "check", "--json").stdout)["problems"]
        assert problem == {"file": "tasks.md", "line": 2, "message": problem["message"]}

    def test_a_warning_alone_is_no_failure(self, home):
        (home / "tasks.md").write_text(PLAN.replace("# Epic: Shop\n", ""))
        result = orch(home, "tasks", "check")
        assert result.exit_code == 0
        assert "tasks.md:1: warning: the epic has no title" in result.stderr

    def test_the_configuration_counts_for_the_missions_own_plan_only(self, shop):
        (shop / "tasks.md").write_text(PLAN)
        (shop / "other.md").write_text("# Epic: E\n## Stream 1: Web (1 agent)\n- [ ] Page (1 agent)\n")
        (shop / "orch.toml").write_text('[streams.core-services]\nafter = []\n[streams.cor]\nbackend = "x"\n')
        result = orch(shop, "tasks", "check")
        assert result.exit_code == 2
        assert (
            'orch.toml:3: streams.cor: the plan has no stream "cor"; there is core-services, infrastructure'
            in result.stderr
        )
        assert json.loads(orch(shop, "tasks", "check", "--json").stdout)["streams"][1]["after"] == []
        assert orch(shop, "tasks", "check", "other.md").exit_code == 0

    @pytest.mark.parametrize(
        ("content", "code", "streams"),
        [
            (PLAN.replace("\n", "\r\n").encode(), 0, 2),
            (b"\xef\xbb\xbf" + PLAN.encode(), 0, 2),
            (b"", 2, 0),
            (PLAN.replace("Orders", "Or\udcffders").encode("utf-8", "surrogateescape"), 2, 2),
            ("# Epic: Long\n## Stream 1: All (9998 agents)\n" + "- [ ] One (1 agent)\n" * 9998, 0, 1),
            (b"\0" * 100, 2, 0),
        ],
        ids=["crlf", "bom", "empty", "not-utf-8", "10000-lines", "nulls"],
    )
    def test_odd_files_in_a_real_process(self, home, content, code, streams):
        (home / "tasks.md").write_bytes(content if isinstance(content, bytes) else content.encode())
        result = in_a_process(home, "tasks", "check", "--json")
        assert result.returncode == code
        assert "Traceback" not in result.stderr
        plan = json.loads(result.stdout)
        assert len(plan["streams"]) == streams
        if code:
            assert result.stderr.startswith("tasks.md")
            assert plan["problems"]

    def test_names_that_mean_nothing_are_told(self, shop):
        (shop / "tasks.md").write_text(PLAN)
        (shop / "orch.toml").write_text('[agents]\nbackend = "comand"\n[streams.infrastructure]\ngates = ["x"]\n')
        result = orch(shop, "tasks", "check")
        assert result.exit_code == 2
        assert 'orch.toml:2: agents.backend: there is no backend "comand"; did you mean "command"?' in result.stderr
        assert (
            "orch.toml:4: warning: streams.infrastructure.gates: there is no [gates.x]; known: human" in result.stderr
        )

    def test_a_link_that_leads_to_itself_is_one_clear_line(self, shop):
        (shop / "tasks.md").symlink_to("tasks.md")
        result = in_a_process(shop, "tasks", "check")
        assert result.returncode == 2
        assert result.stderr.startswith("tasks.md: tasks.md cannot be read: ")
        assert len(result.stderr.splitlines()) == 1

    def test_a_plan_that_may_not_be_read_is_one_clear_line(self, home):
        path = home / "tasks.md"
        path.write_text(PLAN)
        assert orch(home, "tasks", "check").exit_code == 0  # loads, as root, what a check needs
        path.chmod(0)
        with unprivileged(home):
            result = orch(home, "tasks", "check")
        assert (result.exit_code, result.stdout) == (2, "")
        assert result.stderr.startswith("tasks.md: tasks.md cannot be read: ")
        assert result.stderr.endswith("Permission denied\n")
        assert result.stderr.count("\n") == 1

    @pytest.mark.parametrize("kind", ["directory", "missing", "fifo"])
    def test_what_cannot_be_read_is_one_clear_line(self, home, kind):
        path = home / "tasks.md"
        if kind == "directory":
            path.mkdir()
        elif kind == "fifo":
            os.mkfifo(path)
        result = in_a_process(home, "tasks", "check")
        assert (result.returncode, result.stdout) == (2, "")
        assert result.stderr.startswith("tasks.md: ")
        assert result.stderr.count("\n") == 1

    def test_text_shows_the_plan(self, home, snapshot):
        (home / "tasks.md").write_text(PLAN)
        assert orch(home, "tasks", "check").stdout == snapshot


class TestInit:
    def test_it_writes_what_is_missing_and_leaves_the_rest(self, shop):
        (shop / "CLAUDE.md").write_text("mine")
        first = json.loads(orch(shop, "init", "--compliance", "pci-dss,soc2", "--domain", "api", "--json").stdout)
        assert "CLAUDE.md" in first["kept"]
        assert {"orch.toml", "blueprints/api/CLAUDE.md", "blueprints/compliance/soc2.md"} <= set(first["written"])
        assert (shop / "CLAUDE.md").read_text() == "mine"
        again = json.loads(orch(shop, "init", "--compliance", "pci-dss", "--compliance", "soc2", "--json").stdout)
        assert "orch.toml" in again["kept"]

    def test_it_says_what_it_wrote_and_left(self, shop):
        (shop / "CLAUDE.md").write_text("mine")
        out = orch(shop, "init").stdout
        assert "wrote orch.toml\n" in out
        assert "left  CLAUDE.md\n" in out

    def test_the_target_is_the_branch_that_is_checked_out(self, shop):
        git(shop, "switch", "-q", "-c", "trunk")
        orch(shop, "init")
        settings = json.loads(orch(shop, "config", "show", "--json").stdout)["settings"]
        assert {"key": "mission.target", "value": '"trunk"'}.items() <= settings[0].items()

    def test_what_is_no_mission_to_be_is_told(self, home, shop):
        bare, empty, plain = home / "bare", home / "empty", home / "plain"
        for place in (bare, empty, plain):
            place.mkdir()
        git(bare, "init", "-q", "--bare")
        git(empty, "init", "-q")
        git(shop, "switch", "-q", "--detach")
        for place, words in ((bare, "bare"), (empty, "no commit"), (plain, "not a git"), (shop, "no branch")):
            result = orch(place, "init")
            assert result.exit_code == 3
            assert words in result.stderr
            assert not (place / "orch.toml").exists()

    @pytest.mark.parametrize("args", [["--compliance", "pci-dss,nope"], ["--domain", "nope"]])
    def test_an_unknown_profile_or_domain_is_two_and_writes_nothing(self, shop, args):
        assert orch(shop, "init", *args).exit_code == 2
        assert sorted(path.name for path in shop.iterdir()) == [".git"]


class TestDoctor:
    def test_a_sound_mission_has_no_problem(self, shop):
        orch(shop, "init")
        result = orch(shop, "doctor", "--json")
        findings = {finding["name"]: finding for finding in json.loads(result.stdout)}
        assert result.exit_code == 0
        assert findings["git"]["text"].startswith("2.")
        assert findings["engine"]["text"].startswith("does not run")
        assert findings["state"]["text"].startswith(str(shop.parent / "home"))
        assert findings["key"]["severity"] == "note"

    def test_it_changes_nothing(self, shop):
        before = sorted(shop.parent.rglob("*"))
        orch(shop, "doctor")
        assert sorted(shop.parent.rglob("*")) == before

    def test_a_key_is_never_shown(self, shop, monkeypatch):
        monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-secret")
        result = orch(shop, "doctor")
        assert "ANTHROPIC_API_KEY is set" in result.stdout
        assert "sk-secret" not in result.output

    def test_problems_are_told_with_a_hint_and_one(self, shop):
        (shop / "orch.toml").write_text('[mission]\ntarget = "nope"\n[agents]\nbackend = "nope"\nrunne = 1\n')
        result = orch(shop, "doctor")
        assert result.exit_code == 1
        for words in (
            "there is no branch nope",
            "not installed: nope",
            'did you mean "runner"',
            "there is no tasks.md",
        ):
            assert words in result.stdout

    def test_hooks_and_odd_configuration_are_named_and_not_run(self, shop):
        hook = shop / ".git" / "hooks" / "post-checkout"
        hook.parent.mkdir(exist_ok=True)
        hook.write_text("#!/bin/sh\ntouch ran\n")
        hook.chmod(0o755)
        git(shop, "config", "core.fsmonitor", str(hook))
        out = orch(shop, "doctor").stdout
        assert "post-checkout" in out
        assert "core.fsmonitor" in out
        assert not (shop / "ran").exists()

    def test_outside_of_a_repository_it_says_so(self, home):
        result = orch(home, "doctor")
        assert result.exit_code == 1
        assert "not a git repository" in result.stdout


class TestConfig:
    def test_each_value_names_its_source(self, shop, monkeypatch):
        (shop / "orch.toml").write_text("[budget]\ndaily_usd = 7\nalert = 0.5\n")
        monkeypatch.setenv("CLAUDE_BUDGET_LIMIT", "9")
        rows = {row["key"]: row for row in json.loads(orch(shop, "config", "show", "--json").stdout)["settings"]}
        assert rows["budget.daily_usd"]["source"] == "environment CLAUDE_BUDGET_LIMIT"
        assert rows["budget.alert"]["source"] == "orch.toml:3"
        assert rows["mission.target"]["source"] == "default"
        assert "budget.alert" in orch(shop, "config", "show").stdout

    def test_what_does_not_fit_is_told_and_two(self, shop):
        (shop / "orch.toml").write_text("[agents]\nmax_runing = 3\n")
        result = orch(shop, "config", "show")
        assert result.exit_code == 2
        assert 'orch.toml:2: agents.max_runing: unknown key; did you mean "max_running"?' in result.stderr


class TestBlueprint:
    @pytest.mark.parametrize("name", ["infrastructure-1", "infrastructure", "1"])
    def test_an_agent_a_stream_and_a_domain_have_one(self, shop, name):
        orch(shop, "init", "--compliance", "gdpr")
        sections = json.loads(orch(shop, "blueprint", "show", name, "--json").stdout)["sections"]
        sources = {source for section in sections for source in section["sources"]}
        assert {"CLAUDE.md", "blueprints/infrastructure/CLAUDE.md", "blueprints/compliance/gdpr.md"} <= sources

    def test_text_ends_with_the_provenance(self, shop):
        orch(shop, "init")
        out = orch(shop, "blueprint", "show", "security").stdout
        assert out.startswith("# ")
        assert "blueprints/security/CLAUDE.md" in out
        assert orch(shop, "blueprint", "show", "security", "--provenance").stdout.startswith("section")

    def test_an_unknown_name_is_two_with_a_suggestion(self, shop):
        result = orch(shop, "blueprint", "show", "securty")
        assert result.exit_code == 2
        assert 'did you mean "security"?' in result.stderr


class TestAudit:
    def test_without_a_journal_it_says_so(self, shop):
        result = orch(shop, "audit", "verify")
        assert result.exit_code == 3
        assert "no journal" in result.stderr


class TestBareRepository:
    @pytest.mark.parametrize("command", ["launch", "status", "init"])
    def test_it_is_said_and_three(self, home, command):
        bare = home / "bare.git"
        bare.mkdir()
        git(bare, "init", "-q", "--bare")
        result = orch(bare, command)
        assert result.exit_code == 3
        assert result.stderr.startswith("orch-tui: The repository is bare or this is inside its .git directory: ")


class TestErrors:
    def test_each_problem_has_a_line_of_its_own(self, shop):
        (shop / "orch.toml").write_text('[agents]\nquiet = "x"\nbackendd = "x"\n')
        result = orch(shop, "status")
        assert result.exit_code == 2
        first, *rest = result.stderr.splitlines()
        assert first == "orch-tui: the configuration has 2 problems:"
        assert [line.split(": ")[0] for line in rest[:2]] == ["  orch.toml:2", "  orch.toml:3"]

    @pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is full")
    @pytest.mark.parametrize("args", [["tasks", "check", "--json"], ["tasks", "check"], ["--help"], ["--version"]])
    def test_output_that_cannot_be_written_is_one_line(self, shop, args):
        (shop / "tasks.md").write_text(PLAN)
        with Path("/dev/full").open("w") as full:
            argv = [sys.executable, "-c", RUN, *args]
            done = subprocess.run(argv, cwd=shop, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
        assert done.returncode == 3
        assert done.stderr.splitlines()[0] == "orch-tui: cannot write the output: No space left on device"
