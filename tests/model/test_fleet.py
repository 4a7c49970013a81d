from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from orch_tui.model.fleet import Agent, Conflict, Fleet, Spend, Stream, money
from orch_tui.model.ids import AgentId, BatchId, StreamKey
from orch_tui.model.money import micros
from orch_tui.model.states import AgentState, StreamState
from orch_tui.model.usage import Tokens

S = AgentState


def agent(number: int, state: AgentState = S.PLANNED, **fields) -> Agent:
    return Agent(id=AgentId(f"api-{number}"), stream=StreamKey("api"), task=0, title="t", state=state, **fields)


def stream(*states: AgentState, **fields) -> Stream:
    agents = tuple(agent(n, state) for n, state in enumerate(states, 1))
    return Stream(key=StreamKey("api"), number=1, name="Api", domain="api", agents=agents, **fields)


def fleet(*states: AgentState) -> Fleet:
    return Fleet(streams=(stream(*states), replace(stream(), key=StreamKey("real-time"), number=2)))


def test_finding_things():
    mission = fleet(S.PLANNED, S.WORKING)
    assert [a.id for a in mission.agents()] == ["api-1", "api-2"]
    assert mission.agent("api-2").state == S.WORKING
    assert mission.agent("api-3") is mission.agent("") is mission.agent("nowhere-1") is None
    assert mission.stream("real-time").number == 2
    assert mission.stream("x") is mission.batch("x") is None


def test_a_change_that_changes_nothing_keeps_the_fleet():
    mission = fleet(S.PLANNED)
    assert mission.with_agent("api-1", lambda a: a) is mission
    assert mission.with_agent("api-9", lambda a: replace(a, pid=1)) is mission
    assert mission.with_stream("x", lambda s: replace(s, name="x")) is mission
    assert mission.with_agent("api-1", lambda a: replace(a, pid=1)).agent("api-1").pid == 1


@pytest.mark.parametrize(
    ("states", "fields", "expected"),
    [
        ((S.PLANNED, S.PLANNED), {}, StreamState.PLANNED),
        ((S.PLANNED, S.WORKING), {}, StreamState.RUNNING),
        ((S.REVIEW, S.WORKING), {}, StreamState.REVIEW),
        ((S.BLOCKED, S.REVIEW), {}, StreamState.BLOCKED),
        ((S.LOST, S.APPROVED), {}, StreamState.BLOCKED),
        ((S.APPROVED, S.REJECTED), {}, StreamState.READY),
        ((S.APPROVED, S.APPROVED), {"conflict": Conflict(AgentId("api-1"), "api-2", ("f",))}, StreamState.BLOCKED),
        ((S.LANDED, S.REJECTED), {"batch": BatchId("b")}, StreamState.LANDED),
        ((S.LANDED, S.APPROVED), {"batch": BatchId("b")}, StreamState.READY),
    ],
)
def test_a_stream_is_what_its_agents_are(states, fields, expected):
    assert stream(*states, **fields).state == expected


def test_a_stream_without_agents_has_not_landed():
    assert not stream().landed


spends = st.builds(
    Spend,
    pico=st.integers(0, 10**15),
    day=st.sampled_from(("mon", "tue")),
    day_pico=st.integers(0, 10**15),
    tokens=st.builds(Tokens, output=st.integers(0, 10**6)),
    requests=st.integers(0, 9),
    since=st.sampled_from((0.0, 10.0, 900.0)),
    window=st.lists(st.tuples(st.integers(0, 66).map(lambda n: n * 15), st.integers(0, 10**9)), max_size=4).map(tuple),
    estimated=st.booleans(),
)


@given(st.lists(spends, max_size=6))
def test_a_roll_up_is_the_sum_of_its_agents(values):
    agents = tuple(agent(n, spend=spend) for n, spend in enumerate(values))
    counted = [s for s in values if s.requests or s.since]
    total = money(agents, now=1000.0, day="mon")
    assert total.total == micros(sum(s.pico for s in counted))
    assert total.today == micros(sum(s.day_pico for s in counted if s.day == "mon"))
    assert total.tokens.output == sum(s.tokens.output for s in counted)
    assert total.estimated == any(s.estimated for s in counted)
    rates = [rate for s in counted if (rate := s.rate(1000.0)) is not None]
    assert total.rate == (sum(rates) if rates else None)


def test_micros_are_rounded_once():
    assert micros(499_999) == 0
    assert micros(500_000) == 1
    assert Spend(day="mon", day_pico=1_500_000).today("mon") == 2
    assert Spend(day="mon", day_pico=1_500_000).today("tue") == 0
