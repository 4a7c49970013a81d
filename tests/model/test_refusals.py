from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from orch_tui.model import verbs as v
from orch_tui.model.fleet import Agent, Batch, Conflict, Fleet, Stream
from orch_tui.model.ids import AgentId, BatchId, Oid, StreamKey
from orch_tui.model.reduce import fold
from orch_tui.model.refusals import find_stream, newest_landed, refuse, why_not_landable
from orch_tui.model.states import AgentState, BatchState
from tests.records import AGENTS, TEXT, histories

S = AgentState
HEAD = Oid("a" * 40)


def agent(name: str, state: AgentState = S.PLANNED, **fields) -> Agent:
    return Agent(id=AgentId(name), stream=StreamKey(name.rpartition("-")[0]), task=0, title="t", state=state, **fields)


def mission(*agents: Agent, batches: tuple[Batch, ...] = (), **stream_fields) -> Fleet:
    infra = Stream(key=StreamKey("infra"), number=1, name="Infra", domain="infrastructure", agents=agents)
    api = Stream(
        key=StreamKey("api"),
        number=2,
        name="Api",
        domain="backend",
        after=(StreamKey("infra"),),
        agents=(agent("api-1", S.APPROVED, verdict="approved", verdict_oid=HEAD, head=HEAD),),
    )
    web = Stream(key=StreamKey("web"), number=3, name="Web", domain="backend")
    return Fleet(streams=(replace(infra, **stream_fields), api, web), batches=batches)


def batch(name: str, stream: str, at: float, state: BatchState = BatchState.LANDED) -> Batch:
    return Batch(
        id=BatchId(name), stream=StreamKey(stream), state=state, at=at, base=HEAD, new=HEAD, tree=HEAD, tag=name
    )


READY = agent("infra-1", S.REVIEW, run="r", worktree="/w", head=HEAD, ahead=2)
APPROVED = replace(READY, state=S.APPROVED, verdict="approved", verdict_oid=HEAD)
LANDED = replace(APPROVED, state=S.LANDED, batch=BatchId("b"))


@pytest.mark.parametrize(
    ("agents", "verb", "reason"),
    [
        ((), v.Launch("infra"), "the plan has no agents"),
        ((), v.Launch("9"), "there is no stream '9'; the streams are: 1 infra, 2 api, 3 web"),
        ((), v.Launch("backend"), "'backend' names 2 streams: api, web; say which"),
        ((), v.Launch(agent="x-1"), "there is no agent 'x-1'"),
        ((agent("infra-1"),), v.Launch(), None),
        ((READY,), v.Launch(agent="infra-1"), "infra-1 is review; nothing to launch"),
        ((READY, LANDED), v.Launch("1"), "none of these agents can be launched"),
        ((READY,), v.Stop(agent="infra-1"), "infra-1 has no process"),
        ((READY,), v.Stop(), "none of these agents has a process"),
        ((agent("infra-1", S.QUEUED),), v.Stop(), None),
        ((replace(READY, pid=7),), v.Stop("infrastructure"), None),
        ((agent("infra-1"),), v.Restart("infra-1"), "infra-1 was never launched"),
        ((LANDED,), v.Restart("infra-1"), "roll that back first"),
        ((READY,), v.Restart("infra-1"), None),
        ((READY,), v.Say("infra-1", " \n"), "the message is empty"),
        ((agent("infra-1"),), v.Say("infra-1", "hi"), "was never launched"),
        ((READY,), v.Say("infra-1", "hi"), None),
        ((READY,), v.Review("maybe", agent="infra-1"), "'maybe' is no verdict"),
        ((READY,), v.Review("changes", agent="infra-1"), "needs a text"),
        ((READY,), v.Review("approve", agent="infra-1", expect="b" * 40), "has moved on to aaaaaaaaaa"),
        ((APPROVED,), v.Review("approve", agent="infra-1"), "approved already"),
        ((replace(READY, ahead=0),), v.Review("approve", agent="infra-1"), "no commits to review"),
        ((replace(READY, state=S.WORKING),), v.Review("approve", agent="infra-1"), "only finished work"),
        ((LANDED,), v.Review("reject", agent="infra-1"), "roll that back first"),
        ((READY,), v.Review("approve", stream="infra"), None),
        ((replace(READY, ahead=0),), v.Review("approve", stream="infra"), "none of these agents has work to review"),
        ((APPROVED,), v.Merge("infra"), None),
        ((APPROVED,), v.Merge("api"), "api waits for infra to land first"),
        ((APPROVED,), v.Merge("web"), "web has no agents"),
        ((APPROVED, agent("infra-2", S.WORKING)), v.Merge("infra"), "1 of 2 agents of infra are not approved"),
        ((agent("infra-1", S.REJECTED),), v.Merge("infra"), "nothing to land"),
        ((), v.Rollback(), "nothing has landed"),
        ((), v.Rollback("b9"), "there is no batch 'b9'"),
    ],
)
def test_each_refusal_gives_its_reason(agents, verb, reason):
    said = refuse(mission(*agents), verb)
    assert said is None if reason is None else reason in (said or "")


def test_landing_in_order():
    landed = mission(LANDED, batch=BatchId("b"), batches=(batch("b", "infra", 1.0),))
    assert refuse(landed, v.Merge("infra")) == "infra has landed already as b"
    assert refuse(landed, v.Merge("api")) is None
    busy = replace(landed, batches=(*landed.batches, batch("c", "web", 2.0, BatchState.LAND_INTENT)))
    assert refuse(busy, v.Merge("api")) == "batch c is on its way"
    conflict = Conflict(AgentId("api-1"), "target", ("a.py", "b.py"))
    torn = landed.with_stream("api", lambda s: replace(s, conflict=conflict))
    assert why_not_landable(torn, torn.stream("api")) == "api-1 conflicts with target in a.py, b.py"


def test_rolling_back_in_order():
    both = mission(LANDED, batch=BatchId("b"), batches=(batch("b", "infra", 1.0), batch("c", "api", 2.0))).with_stream(
        "api", lambda s: replace(s, batch=BatchId("c"))
    )
    assert newest_landed(both) == "c"
    assert refuse(both, v.Rollback()) is None
    assert refuse(both, v.Rollback("b")) == "api landed on top of infra; roll that back first"
    off = replace(both, batches=(batch("b", "infra", 1.0, BatchState.ROLLED_BACK),))
    assert refuse(off, v.Rollback("b")) == "batch b is not landed but rolled back"


def test_a_stream_by_number_key_or_domain():
    fleet = mission()
    assert find_stream(fleet, " API ").key == "api"
    assert find_stream(fleet, "3").key == "web"
    assert find_stream(fleet, "infrastructure").key == "infra"
    assert find_stream(Fleet(), "x") == "there is no stream 'x'; the streams are: none"


WORDS = st.sampled_from((*AGENTS, "infra", "backend", "1", "", "approve", "changes", "reject")) | TEXT


@given(histories, st.sampled_from(v.VERBS), st.data())
def test_any_verb_on_any_fleet_is_allowed_or_refused_in_words(records, verb, data):
    names = [name for name in verb.__struct_fields__ if name not in ("offset", "size", "wait_s")]
    said = refuse(fold(Fleet(), records), verb(**{name: data.draw(WORDS) for name in names}))
    assert said is None or said.strip()
