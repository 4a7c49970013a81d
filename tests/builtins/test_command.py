from __future__ import annotations

import msgspec
import pytest

from orch_tui.api import DEFAULT_LADDER, AgentId, AgentTask, Backend, Launch, StreamKey
from orch_tui.builtins.backends.command import CommandBackend, CommandOptions

TASK = AgentTask(AgentId("api-1"), StreamKey("api"), "orch/api/api-1", "title", "prompt")


def test_the_command_is_passed_on_as_it_stands():
    backend: Backend = CommandBackend()
    options = CommandOptions(argv=("sh", "{repository}/agent.sh", "{task_file}"), env={"A": "{branch}"})
    assert backend.launch(TASK, options) == Launch(options.argv, {"A": "{branch}"})
    assert backend.ladder == DEFAULT_LADDER
    assert CommandBackend().parse(b"turn: 3\n") == ()


def test_unknown_options_are_refused():
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"argv": ["x"], "shell": True}, CommandOptions)
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({}, CommandOptions)
