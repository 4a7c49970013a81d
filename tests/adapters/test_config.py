from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from orch_tui.adapters.config import explain, find_root, load_settings, read_settings, user_file
from orch_tui.model.errors import ConfigError, OrchError
from tests.adapters.unprivileged import unprivileged


@pytest.fixture
def root(tmp_path: Path) -> Path:
    path = tmp_path / "repo"
    path.mkdir()
    return path


@pytest.fixture
def env(tmp_path: Path) -> dict[str, str]:
    return {"XDG_CONFIG_HOME": str(tmp_path / "config")}


def users(env: dict[str, str], text: str) -> None:
    user_file(env).parent.mkdir(parents=True, exist_ok=True)
    user_file(env).write_text(text)


def problems(root: Path, env: dict[str, str]) -> list[str]:
    return [problem.text for problem in read_settings(root, {}, env)[1]]


def test_nothing_configured_is_the_defaults(root: Path, env: dict[str, str]) -> None:
    settings = load_settings(root, {}, env)
    assert settings.agents.max_running == 50
    assert {row.source for row in explain(settings)} == {"default"}


def test_the_nearest_source_wins_and_each_value_names_its_own(root: Path, env: dict[str, str]) -> None:
    users(env, '[agents]\nbackend = "theirs"\nrunner = "theirs"\nmax_running = 3\n[budget]\ndaily_usd = 1\n')
    (root / "orch.toml").write_text(
        '[agents]\nbackend = "ours"\nrunner = "ours"\n\n[budget]\ndaily_usd = 2\nalert = 0.5\n'
    )
    env |= {"CLAUDE_BUDGET_LIMIT": "3.50", "CLAUDE_TRACK_USAGE": "false", "CLAUDE_BUDGET_ALERT": ""}
    settings = load_settings(root, {"agents.backend": "flag", "agents.runner": None}, env)
    rows = {row.key: (row.value, row.source) for row in explain(settings)}
    assert rows["agents.backend"] == ('"flag"', "command line")
    assert rows["agents.runner"] == ('"ours"', "orch.toml:3")
    assert rows["agents.max_running"] == ("3", f"{user_file(env)}:4")
    assert rows["agents.quiet"] == ("3m", "default")
    assert rows["budget.daily_usd"] == ("3.5", "environment CLAUDE_BUDGET_LIMIT")
    assert rows["budget.alert"] == ("0.5", "orch.toml:7")
    assert rows["budget.track"] == ("false", "environment CLAUDE_TRACK_USAGE")
    assert settings.budget.daily_micros == 3_500_000


def test_every_variable_reaches_its_key(root: Path, env: dict[str, str]) -> None:
    env |= {"ORCH_STATE": "/s", "ORCH_METER_UPSTREAM": "http://127.0.0.1:1", "CLAUDE_BUDGET_ALERT": "0.9"}
    settings = load_settings(root, {}, env)
    assert (settings.paths.state, settings.meter.upstream, settings.budget.alert) == ("/s", "http://127.0.0.1:1", 0.9)


def test_keys_of_plug_ins_pass_through_with_their_lines(root: Path, env: dict[str, str]) -> None:
    (root / "orch.toml").write_text('[backends.command]\nargv = ["sh", "{task_file}"]\n[backends."a b"]\nx.y = 1\n')
    rows = {row.key: row for row in explain(load_settings(root, {}, env))}
    assert rows["backends.command.argv"].value == '["sh", "{task_file}"]'
    assert rows["backends.a b.x.y"].source == "orch.toml:4"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[streams.core]\naftr = []\n", 'orch.toml:2: streams.core.aftr: unknown key; did you mean "after"?'),
        ("[agent]\n", 'orch.toml:1: agent: unknown key; did you mean "agents"?'),
        ("agents = 3\n", "orch.toml:1: agents: expected a table"),
        ("[[streams]]\n", "orch.toml:1: streams: expected a table"),
        ("[agents]\nmax_running = 'x'\n", "orch.toml:2: agents.max_running: expected a whole number, got text"),
        (
            "[gates.t]\nargv=['x']\ntimeout = 'x'\n",
            'orch.toml:3: gates.t.timeout: expected a duration such as "90s", "10m" or "2h"',
        ),
        (
            "[budget]\ntimezone = '../../etc/passwd'\n",
            'orch.toml:2: budget.timezone: there is no time zone "../../etc/passwd"',
        ),
        ("x = = 1\n", "orch.toml:1: not TOML: Invalid value"),
        ("[agents\n", "orch.toml:1: not TOML: Expected ']' at the end of a table declaration"),
        ('a = "', "orch.toml: not TOML: Unterminated string at the end of the file"),
        ("a = " + "[" * 5000, "orch.toml: not TOML: nested too deeply"),
        ("a = " + "9" * 5000, "orch.toml: not TOML: Exceeds the limit"),
        ("[agents]\nbackend='a'\nbackend='b'\n", "orch.toml:3: not TOML: Cannot overwrite a value"),
    ],
)
def test_a_file_broken_at_any_level_is_one_clear_line(root: Path, env: dict[str, str], text: str, said: str) -> None:
    (root / "orch.toml").write_text(text)
    found = problems(root, env)
    assert len(found) == 1
    assert found[0].startswith(said)
    with pytest.raises(ConfigError) as caught:
        load_settings(root, {}, env)
    assert caught.value.title.startswith(said)
    assert caught.value.hint


def test_several_mistakes_are_told_together(root: Path, env: dict[str, str]) -> None:
    (root / "orch.toml").write_text("[mission]\nx = 1\n[agents]\ny = 1\n")
    with pytest.raises(ConfigError, match="2 problems") as caught:
        load_settings(root, {}, env | {})
    assert "orch.toml:2: mission.x" in caught.value.detail
    assert "orch.toml:4: agents.y" in caught.value.detail


def test_a_mistake_in_the_environment_names_the_variable(root: Path, env: dict[str, str]) -> None:
    env |= {"CLAUDE_BUDGET_LIMIT": "much", "CLAUDE_TRACK_USAGE": "maybe", "CLAUDE_BUDGET_ALERT": "80"}
    assert problems(root, env) == [
        'environment CLAUDE_BUDGET_LIMIT: expected a number, got "much"',
        'environment CLAUDE_TRACK_USAGE: expected true or false, got "maybe"',
        "environment CLAUDE_BUDGET_ALERT: budget.alert: expected a number <= 1.0",
    ]


def test_what_is_no_text_file_is_said_clearly(root: Path, env: dict[str, str]) -> None:
    (root / "orch.toml").mkdir()
    assert problems(root, env) == ["orch.toml: is not a regular file; expected a TOML file"]
    (root / "orch.toml").rmdir()
    (root / "orch.toml").write_bytes(b"[agents]\nbackend = '\xff'\n")
    assert problems(root, env) == ["orch.toml:2: byte 0xff is not UTF-8"]
    (root / "orch.toml").unlink()
    os.mkfifo(root / "orch.toml")
    assert problems(root, env) == ["orch.toml: is not a regular file; expected a TOML file"]


def test_a_file_without_permission_is_said_clearly(root: Path, env: dict[str, str]) -> None:
    (root / "orch.toml").write_text("")
    (root / "orch.toml").chmod(0)
    with unprivileged(root):
        assert problems(root, env) == ["orch.toml: cannot be read: Permission denied"]


def test_windows_line_ends_and_a_byte_order_mark_are_fine(root: Path, env: dict[str, str]) -> None:
    (root / "orch.toml").write_bytes(b"\xef\xbb\xbf[agents]\r\nbackend = 'x'\r\n")
    assert load_settings(root, {}, env).origin("agents.backend").text == "orch.toml:2"


def test_the_users_own_file_is_checked_under_its_own_name(root: Path, env: dict[str, str]) -> None:
    users(env, "[agents]\nbakend = 'x'\n")
    assert problems(root, env) == [f'{user_file(env)}:2: agents.bakend: unknown key; did you mean "backend"?']


@hypothesis_settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=60) | st.text(alphabet="[]=.\"'agents#\n1 x{},-T:", max_size=60).map(str.encode))
def test_no_file_makes_reading_raise(root: Path, env: dict[str, str], data: bytes) -> None:
    (root / "orch.toml").write_bytes(data)
    read_settings(root, {}, env)


def test_the_root_is_the_nearest_mission_above(root: Path) -> None:
    (root / ".git").mkdir()
    deep = root / "a" / "b"
    deep.mkdir(parents=True)
    assert find_root(deep) == root.resolve()
    (root / "a" / "orch.toml").touch()
    assert find_root(deep) == (root / "a").resolve()


def test_a_linked_worktree_belongs_to_the_main_one(root: Path, tmp_path: Path) -> None:
    def git(*words: str) -> None:
        identity = ["-c", "user.name=t", "-c", "user.email=t@example.com", "-c", "commit.gpgsign=false"]
        subprocess.run(["git", "-C", str(root), *identity, *words], check=True, capture_output=True)

    git("init", "-q")
    git("commit", "-q", "--allow-empty", "-m", "start")
    git("worktree", "add", "-q", str(tmp_path / "linked"))
    (tmp_path / "linked" / "orch.toml").touch()
    assert find_root(tmp_path / "linked") == root.resolve()


def test_no_mission_is_said_with_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(OrchError, match="no mission here") as caught:
        find_root(Path("/proc"))
    assert "orch-tui init" in caught.value.hint
