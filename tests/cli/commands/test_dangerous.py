"""merge, rollback and stop: the plan first, the deed only when agreed."""

from __future__ import annotations

import json

import pytest
from msgspec.structs import replace

from orch_tui.model.errors import Busy, Refused
from orch_tui.model.fleet import Conflict
from orch_tui.model.ids import AgentId, BatchId, Oid
from orch_tui.model.preview import Preview
from orch_tui.model.states import AgentState
from orch_tui.model.verbs import Landing, Merge, Outcome, Rollback, RolledBack, Stop
from tests.cli.conftest import HEAD, LANDED

PREVIEW = Preview("Do it?", ("first this", "then \x1b[31mthat"), ("one file",), "abc123")
DANGERS = {
    "merge": (["merge", "--stream", "api"], Merge("api")),
    "rollback": (["rollback"], Rollback("")),
    "stop": (["stop", "--agent", "api-2"], Stop(agent="api-2")),
}


@pytest.fixture(params=sorted(DANGERS))
def danger(request, mission):
    args, verb = DANGERS[request.param]
    mission.fleet = mission.fleet.with_stream(
        "api",
        lambda s: replace(
            s,
            agents=tuple(replace(a, state=AgentState.APPROVED, verdict="approved", verdict_oid=HEAD) for a in s.agents),
        ),
    )
    mission.previews[type(verb)] = PREVIEW
    mission.answers |= {
        Merge: Landing(
            BatchId("20270115-api-1"),
            "api",
            "pre-feature-batch-20270115-api-1",
            LANDED,
            (AgentId("api-1"), AgentId("api-2")),
            ("/home/me/shop/x",),
        ),
        Rollback: RolledBack(BatchId("20270115-infra-1"), "reset", Oid("e" * 40)),
        Stop: Outcome("Stopped 1 agent.", ("api-2",)),
    }
    return args, verb


def test_without_yes_the_plan_shows_and_nothing_is_done(run, mission, danger):
    result = run(*danger[0])
    assert result.exit_code == 1
    assert result.stdout == "Do it?\n  first this\n  then ␛[31mthat\nWhat goes:\n  one file\n"
    assert "add --yes" in result.stderr
    assert mission.done == []


def test_a_plan_that_was_asked_for_is_a_success(run, mission, danger):
    result = run(*danger[0], "--plan")
    assert (result.exit_code, result.stderr) == (0, "")
    assert mission.done == []


def test_a_plan_in_json_names_its_digest(run, danger):
    assert json.loads(run(*danger[0], "--plan", "--json").stdout)["digest"] == "abc123"


def test_yes_agrees_to_exactly_the_plan(run, mission, danger, snapshot):
    args, verb = danger
    result = run(*args, "--yes")
    assert result.exit_code == 0
    assert mission.done == [(verb, "abc123")]
    assert result.stdout == snapshot


def test_the_answer_in_json(run, danger, snapshot):
    assert run(*danger[0], "--yes", "--json").stdout == snapshot


def test_a_plan_that_no_longer_holds_is_refused(run, mission, danger):
    mission.answers[type(danger[1])] = Refused("the branch moved", "api-1", "Look at the plan again.")
    result = run(*danger[0], "--yes")
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == "orch-tui: the branch moved: api-1\n  Look at the plan again.\n"


def test_somebody_else_at_work_is_busy(run, mission, danger):
    mission.answers[type(danger[1])] = Busy("another landing is on its way")
    assert run(*danger[0], "--yes").exit_code == 4


def test_plan_and_yes_exclude_each_other(run, danger):
    assert run(*danger[0], "--plan", "--yes").exit_code == 2


@pytest.mark.parametrize("way", ["--plan", "--yes", None])
@pytest.mark.parametrize(
    ("args", "reason"),
    [
        (["merge", "--stream", "nope"], "there is no stream 'nope'; the streams are: 1 infra, 2 api, 3 web"),
        (["merge", "--stream", "infra"], "infra has landed already as 20270115-infra-1"),
        (["merge", "--stream", "3"], "web waits for api to land first"),
        (["merge", "--stream", "api"], "2 of 2 agents of api are not approved: api-1 (review), api-2 (blocked)"),
        (["rollback", "20200101-x-1"], "there is no batch '20200101-x-1'"),
        (["stop", "--agent", "web-1"], "web-1 has no process"),
        (["stop", "--stream", "infra"], "infra-1 has no process"),
        (["stop", "--agent", "nope-1"], "there is no agent 'nope-1'; `orch-tui status` lists them"),
    ],
)
def test_a_refusal_is_one_and_says_why(run, mission, args, reason, way):
    result = run(*args, *([way] if way else []))
    assert result.exit_code == 1
    assert result.stdout == ""
    assert result.stderr.startswith(f"orch-tui: {reason}")


def test_a_conflict_names_both_sides(run, mission):
    conflict = Conflict(AgentId("api-1"), "api-2", ("a.py",))
    mission.fleet = mission.fleet.with_stream(
        "api",
        lambda s: replace(s, conflict=conflict, agents=tuple(replace(a, state=AgentState.APPROVED) for a in s.agents)),
    )
    assert "api-1 conflicts with api-2 in a.py" in run("merge", "--stream", "api", "--plan").stderr


def test_stop_takes_one_scope(run):
    assert run("stop", "--agent", "api-1", "--stream", "api").exit_code == 2
