from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from orch_tui.meter.plays import Ask, Step, next_step, read_plays
from orch_tui.model.errors import ConfigError

TOOLS = [
    {"name": name}
    for name in ("read_file", "write_file", "edit_file", "list_files", "search", "run_command", "note", "report")
]


def ask(*messages: tuple[str, Any], tools: list[dict[str, str]] | None = None) -> Ask:
    turns = [{"role": role, "content": content} for role, content in messages]
    return msgspec.convert({"messages": turns, "tools": tools or []}, Ask)


def result(text: str) -> list[dict[str, Any]]:
    return [{"type": "tool_result", "tool_use_id": "t", "content": text}]


def play_out(prompt: str, task: str, plays: dict[str, list[Step]] | None = None) -> list[Step]:
    """Plays a whole conversation with an agent whose every tool answers with the task."""
    messages: list[tuple[str, Any]] = [("user", prompt)]
    steps = []
    for _ in range(20):
        step = next_step(ask(*messages, tools=TOOLS), plays or {})
        steps.append(step)
        if not step.tool:
            return steps
        messages += [("assistant", [{"type": "tool_use", "name": step.tool}]), ("user", result(task))]
    raise AssertionError("the play has no end")


def test_a_script_in_the_prompt_is_played_step_by_step() -> None:
    prompt = 'Do it. <<stub [{"say":"hi","tool":"Write","input":{"a":1}},{"say":"done"}] stub>>'
    assert next_step(ask(("user", prompt)), {}) == Step(say="hi", tool="Write", input={"a": 1})
    assert next_step(ask(("user", prompt), ("assistant", "hi"), ("user", result("ok"))), {}).say == "done"
    assert not next_step(ask(("user", prompt), *[("assistant", "x"), ("user", "y")] * 4), {}).tool


def test_a_script_may_be_dressed_to_nest_in_another() -> None:
    inner = base64.b64encode(b'[{"say":"inner"}]').decode()
    assert next_step(ask(("user", f"<<stub {inner} stub>>")), {}).say == "inner"


def test_the_newest_script_wins_and_may_come_from_a_file() -> None:
    old, new = ('<<stub [{"say":"' + word + '"}] stub>>' for word in ("old", "new"))
    assert next_step(ask(("user", old), ("assistant", "x"), ("user", result(new))), {}).say == "new"


def test_a_broken_script_is_no_script() -> None:
    assert "offline stand-in" in next_step(ask(("user", "<<stub [{oops stub>>")), {}).say


def test_the_longest_key_chooses_the_play() -> None:
    plays = {"Endpoints": [Step(say="short")], "Endpoints 2/3": [Step(say="long")]}
    assert next_step(ask(("user", "Task: Endpoints 2/3")), plays).say == "long"
    assert next_step(ask(("user", "Task: Endpoints 1/3")), plays).say == "short"


def test_a_play_goes_on_by_the_turns_since_its_prompt() -> None:
    plays = {"first": [Step(say="1"), Step(say="2")], "changes": [Step(say="again")]}
    conversation = [("user", "first"), ("assistant", "1"), ("user", result("changes are listed here"))]
    assert next_step(ask(*conversation), plays).say == "2"
    assert next_step(ask(*conversation, ("assistant", "2"), ("user", "changes, please")), plays).say == "again"


def test_a_key_that_a_tool_brings_begins_the_play_once() -> None:
    steps = play_out("Read TASK.md.", "# Ledger API", {"Ledger API": [Step(tool="note"), Step(say="end")]})
    assert [step.tool or step.say for step in steps] == ["read_file", "note", "end"]


def test_any_coding_task_is_written_up_committed_and_reported() -> None:
    steps = play_out("Read TASK.md and do it.", "# Task: VPC modules, part 1/3\n\nYou are agent `infra-1`, number 1.\n")
    assert [step.tool for step in steps] == [
        *("read_file", "note", "list_files", "write_file", "note", "run_command", "run_command", "report", "")
    ]
    document = steps[3].input
    assert document["path"] == "docs/vpc-modules-part-1-3-infra-1.md"
    assert "VPC modules" in document["content"]
    assert steps[6].input["argv"][:2] == ["git", "commit"]
    assert steps[7].input["state"] == "done"


def test_slices_of_one_task_do_not_share_a_file() -> None:
    paths = {play_out("Do it.", f"# One task\n\nSlice {number}")[3].input["path"] for number in range(5)}
    assert len(paths) == 5


def test_a_hostile_task_stays_inside_docs() -> None:
    path = play_out("Do it.", "# ../../etc/passwd\n$(rm -rf /)")[3].input["path"]
    assert path.startswith("docs/etc-passwd")


def test_a_second_prompt_starts_the_general_play_again() -> None:
    conversation = [("user", "Do it."), ("assistant", "done"), ("user", "Please add a section.")]
    assert next_step(ask(*conversation, tools=TOOLS), {}).tool == "read_file"


def test_a_reminder_is_answered_by_a_report_alone() -> None:
    conversation = [("user", "Do it."), ("assistant", "done"), ("user", "You have not reported an end.")]
    assert next_step(ask(*conversation, tools=TOOLS), {}).tool == "report"


def test_plays_are_read_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "plays.json"
    path.write_text(json.dumps({"Ledger": [{"say": "hi", "delay": 0.5}]}))
    assert read_plays(path) == {"Ledger": [Step(say="hi", delay=0.5)]}


@pytest.mark.parametrize("text", ["", "[]", '{"a": [{"sya": "typo"}]}'])
def test_plays_of_another_shape_are_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "plays.json"
    path.write_text(text)
    with pytest.raises(ConfigError) as caught:
        read_plays(path)
    assert "plays.json" in caught.value.detail
