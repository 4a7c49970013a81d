from __future__ import annotations

import sys

import pytest

from orch_tui.api import Activity, AgentId, AgentTask, Backend, ConfigError, StreamKey
from orch_tui.builtins.agent.__main__ import main
from orch_tui.builtins.backends.builtin import BuiltinBackend, BuiltinOptions

TASK = AgentTask(AgentId("api-1"), StreamKey("api"), "orch/api/api-1", "title", "prompt")


def test_its_command_is_understood_by_the_agent(tmp_path, monkeypatch, capsys):
    backend: Backend = BuiltinBackend()
    launch = backend.launch(TASK, BuiltinOptions(allow=("git", "python*")))
    assert launch.argv[:4] == (sys.executable, "-P", "-m", "orch_tui.builtins.agent")
    assert launch.env["ANTHROPIC_BASE_URL"] == "{meter}"
    monkeypatch.delenv("ANTHROPIC_BASE_URL", raising=False)
    filled = [item.replace("{worktree}", str(tmp_path)) for item in launch.argv[4:]]
    assert main(filled) == 1
    assert "no meter" in capsys.readouterr().out


def test_the_tasks_model_wins():
    assert "--model=claude-sonnet-5-5" in BuiltinBackend().launch(TASK, BuiltinOptions()).argv
    task = AgentTask(AgentId("a"), StreamKey("s"), "b", "t", "p", model="claude-haiku-5-5")
    assert "--model=claude-haiku-5-5" in BuiltinBackend().launch(task, BuiltinOptions()).argv


def test_a_time_limit_is_a_duration():
    assert "--command-timeout=120" in BuiltinBackend().launch(TASK, BuiltinOptions(command_timeout="2m")).argv
    with pytest.raises(ConfigError, match="time limit"):
        BuiltinBackend().launch(TASK, BuiltinOptions(command_timeout="soon"))


@pytest.mark.parametrize(
    ("line", "activity"),
    [
        (b"turn: 3", (Activity("turn", "3"),)),
        (b"tool: read_file [red]x", (Activity("tool", "read_file [red]x"),)),
        (b"say: \xff", (Activity("say", "\ufffd"),)),
        (b"DONE", ()),
        (b"note: x", ()),
        (b"", ()),
    ],
)
def test_lines(line, activity):
    assert BuiltinBackend().parse(line) == activity
