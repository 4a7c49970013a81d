from __future__ import annotations

import json

import pytest
from msgspec.structs import replace

from orch_tui.model.facts import AgentJudged, BatchLanded, LandingIntended, NotesGrew
from orch_tui.model.fleet import Fleet, Member
from orch_tui.model.ids import AgentId, BatchId, Oid, StreamKey
from orch_tui.model.states import AgentState
from tests.cli.conftest import BASE, HEAD, LANDED


def judged(agent: str, state: AgentState, reason: str = "") -> AgentJudged:
    return AgentJudged(AgentId(agent), state, reason)


@pytest.fixture
def at_work(mission):
    """api-1 and api-2 work; facts end when the script does."""
    for name in ("api-1", "api-2"):
        mission.fleet = mission.fleet.with_agent(name, lambda a: replace(a, state=AgentState.WORKING, reason=""))
    mission.endless = True
    return mission


def test_done_is_when_every_agent_of_the_scope_has_delivered(run, at_work):
    at_work.facts = [
        judged("api-1", AgentState.REVIEW),
        NotesGrew(AgentId("api-2"), 5),
        judged("api-2", AgentState.APPROVED),
    ]
    result = run("wait", "--stream", "api", "--json")
    assert result.exit_code == 0
    assert json.loads(result.stdout) == {
        "result": "done",
        "stuck": {},
        "agents": {"api-1": "review", "api-2": "approved"},
    }


def test_what_is_done_already_needs_no_fact(run, mission):
    mission.endless = True
    assert run("wait", "--stream", "1").stdout == "done: infra-1 landed\n"


def test_landed_is_when_the_stream_is_on_the_target(run, at_work):
    members = (Member(AgentId("api-1"), HEAD), Member(AgentId("api-2"), HEAD))
    batch = BatchId("20270115-api-1")
    at_work.facts = [
        judged("api-1", AgentState.APPROVED),
        judged("api-2", AgentState.APPROVED),
        LandingIntended(batch, StreamKey("api"), BASE, LANDED, Oid("d" * 40), "tag", members),
        BatchLanded(batch),
    ]
    assert run("wait", "--stream", "api", "--until", "landed").exit_code == 0


def test_a_failure_while_others_move_is_waited_through(run, at_work):
    at_work.facts = [
        judged("api-1", AgentState.FAILED, "exit 2"),
        judged("api-1", AgentState.REVIEW),
        judged("api-2", AgentState.REVIEW),
    ]
    assert run("wait", "--stream", "api").exit_code == 0


@pytest.mark.parametrize(
    "state",
    [AgentState.FAILED, AgentState.BLOCKED, AgentState.LOST, AgentState.ENDED, AgentState.DIRTY, AgentState.STOPPED],
)
def test_it_gives_up_when_nothing_else_moves(run, at_work, state):
    at_work.facts = [judged("api-1", AgentState.REVIEW), judged("api-2", state, "which database?")]
    result = run("wait", "--stream", "api", "--json")
    assert result.exit_code == 1
    assert json.loads(result.stdout)["stuck"] == {"api-2": f"{state.value}: which database?"}
    assert f"api-2: {state.value}: which database?" in result.stderr


def test_the_time_limit_is_four_and_names_who_is_missing(run, at_work):
    result = run("wait", "--stream", "api", "--timeout", "0.1")
    assert result.exit_code == 4
    assert "api-1 working, api-2 working" in result.stderr


def test_an_engine_that_ends_is_told(run, at_work):
    at_work.endless = False
    result = run("wait", "--stream", "api")
    assert result.exit_code == 3
    assert "the engine ended while waiting" in result.stderr


def test_nothing_to_wait_for_is_refused(run, mission):
    assert run("wait", "--stream", "nope").exit_code == 1
    mission.fleet = Fleet()
    assert "nothing to wait for" in run("wait").stderr


@pytest.mark.parametrize("time", ["0.05", "0s", "0"])
def test_time_is_written_as_in_the_configuration_or_in_seconds(run, at_work, time):
    result = run("wait", "--timeout", time)
    assert result.exit_code == 4
    assert "not done after" in result.stderr


@pytest.mark.parametrize("time", ["soon", "-3", "5 parsecs", "nan"])
def test_what_is_no_time_is_two(run, time):
    result = run("wait", "--timeout", time)
    assert result.exit_code == 2
    assert '"10m"' in result.stderr
