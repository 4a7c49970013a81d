from __future__ import annotations

import json

import pytest

from orch_tui.model.verbs import Outcome, Review
from tests.cli.conftest import HEAD


@pytest.fixture(autouse=True)
def answered(mission):
    mission.answers[Review] = Outcome("api-1 approved at 1234567890.")


def test_without_a_verdict_it_shows_what_there_is_to_judge(run, mission, doors, snapshot):
    result = run("review", "--stream", "api")
    assert result.stdout == snapshot
    assert (result.exit_code, mission.done, doors.opened[0][0]) == (0, [], "view")


def test_the_work_in_json(run):
    (agent,) = json.loads(run("review", "--agent", "api-1", "--json").stdout)
    assert (agent["id"], agent["commit"]) == ("api-1", HEAD)


@pytest.mark.parametrize("yes", [[], ["--yes"]])
def test_an_approval_names_the_commit(run, mission, yes):
    result = run("review", "--agent", "api-1", "--approve", "--note", "well done", *yes)
    assert (result.exit_code, result.stdout) == (0, "api-1 approved at 1234567890.\n")
    assert mission.done == [(Review("approve", agent="api-1", note="well done", expect=HEAD), "")]


def test_a_request_for_changes_carries_its_text(run, mission):
    run("review", "--agent", "api-1", "--request-changes", "test the empty list")
    assert mission.done[0][0] == Review("changes", agent="api-1", note="test the empty list", expect=HEAD)


def test_a_stream_is_judged_as_a_whole(run, mission):
    run("review", "--stream", "api", "--reject")
    assert mission.done[0][0] == Review("reject", stream="api")


def test_a_shortened_commit_is_completed_and_another_one_refused(run, mission):
    assert run("review", "--agent", "api-1", "--approve", "--commit", HEAD[:8].upper()).exit_code == 0
    assert mission.done[0][0].expect == HEAD
    result = run("review", "--agent", "api-1", "--approve", "--commit", "f" * 40)
    assert result.exit_code == 1
    assert "has moved on" in result.stderr


@pytest.mark.parametrize(
    ("args", "reason"),
    [
        (["--agent", "api-2", "--approve"], "api-2 has no commits to review"),
        (["--agent", "infra-1", "--reject"], "infra-1 has landed"),
        (["--agent", "api-1", "--request-changes", " "], "needs a text"),
        (["--stream", "nope", "--approve"], "there is no stream 'nope'"),
        (["--agent", "nope-1"], "there is no agent 'nope-1'"),
    ],
)
def test_a_refusal_says_why(run, args, reason):
    result = run("review", *args)
    assert result.exit_code == 1
    assert reason in result.stderr


@pytest.mark.parametrize(
    "args",
    [
        [],
        ["--agent", "api-1", "--stream", "api"],
        ["--agent", "api-1", "--approve", "--reject"],
        ["--stream", "api", "--approve", "--commit", "abc"],
    ],
)
def test_a_command_line_that_makes_no_sense_is_two(run, args):
    assert run("review", *args).exit_code == 2


def test_who_could_not_be_judged_is_told_and_one(run, mission):
    mission.answers[Review] = Outcome("approved api-1", ("api-2 has no commits to review",))
    result = run("review", "--stream", "api", "--approve")
    assert (result.exit_code, result.stdout) == (1, "approved api-1\n")
    assert result.stderr == "orch-tui: api-2 has no commits to review\n"
    result = run("review", "--stream", "api", "--approve", "--json")
    assert result.exit_code == 1
    assert json.loads(result.stdout)["lines"] == ["api-2 has no commits to review"]
