from __future__ import annotations

from typing import get_args

import pytest
from hypothesis import given
from msgspec import structs

from orch_tui.model import facts as f
from orch_tui.model.fleet import Fleet
from orch_tui.model.ids import AgentId, BatchId, Oid, StreamKey
from orch_tui.model.reduce import MESSAGES_KEPT, PROBLEMS_KEPT, fold, reduce
from orch_tui.model.states import AgentState, BatchState
from orch_tui.model.usage import Tokens
from tests.records import AGENTS, BATCHES, OIDS, facts, histories, plan

ONE, TWO = AgentId(AGENTS[0]), AgentId(AGENTS[1])
INFRA = StreamKey("infra")
BATCH = BatchId(BATCHES[0])


def fleet_of(*happened: f.Fact, actor: str = "operator") -> Fleet:
    return fold(Fleet(), [f.Record(seq, 100.0 + seq, actor, fact) for seq, fact in enumerate((plan, *happened), 1)])


@given(histories)
def test_it_takes_any_fact_in_any_order(records):
    fleet = fold(Fleet(), records)
    assert (fleet.seq, fleet.at) == (records[-1].seq, records[-1].at)
    assert len({batch.id for batch in fleet.batches}) == len(fleet.batches)


@given(histories)
def test_the_same_records_make_the_same_fleet(records):
    assert repr(fold(Fleet(), records)) == repr(fold(fold(Fleet(), records[:3]), records[3:]))


@given(histories, facts)
def test_a_fact_about_one_agent_leaves_the_others_alone(records, fact):
    before = fold(Fleet(), records)
    after = reduce(before, f.Record(before.seq + 1, before.at, "engine", fact))
    agent = getattr(fact, "agent", None)
    if isinstance(fact, f.ConflictFound) or agent is None:
        return
    for old, new in zip(before.agents(), after.agents(), strict=True):
        assert old is new or old.id == agent


def test_every_fact_is_taken_from_an_empty_fleet_too():
    for kind in get_args(f.Fact):
        fields = {field.name: _any(field) for field in structs.fields(kind)}
        assert reduce(Fleet(), f.Record(1, 1.0, "engine", kind(**fields))).seq == 1


def _any(field: structs.FieldInfo) -> object:
    if field.type is Tokens:
        return Tokens()
    if field.type in (int, float):
        return 1
    if field.type is AgentState:
        return AgentState.WORKING
    return () if "tuple" in str(field.type) else ""


def started(run: str = "r.1") -> tuple[f.Fact, ...]:
    return (
        f.AgentPrepared(ONE, "orch/infra/infra-1", Oid(OIDS[1]), "/w"),
        f.LaunchIntended(ONE, run, 1, "command"),
        f.AgentStarted(ONE, run, 42, 7.0),
    )


def test_a_launch_from_intent_to_exit():
    running = fleet_of(*started()).agent(ONE)
    assert (running.pid, running.state, running.head) == (42, AgentState.STARTING, OIDS[1])
    gone = fleet_of(*started(), f.AgentExited(ONE, "r.1", 0, 0, "")).agent(ONE)
    assert gone.pid == 0


def test_news_of_an_earlier_attempt_is_not_news_of_this_one():
    agent = fleet_of(*started("r.2"), f.AgentStarted(ONE, "r.1", 1, 1.0), f.AgentExited(ONE, "r.1", 1, 0, "")).agent(
        ONE
    )
    assert agent.pid == 42


def test_spend_is_counted_once():
    rows = f.SpendSettled(ONE, 5, "model", "2027-01-15", 3_000_000, Tokens(output=7), 2)
    once, twice = fleet_of(*started(), rows), fleet_of(*started(), rows, rows)
    assert once.agent(ONE).spend == twice.agent(ONE).spend
    assert once.models == twice.models
    assert (twice.agent(ONE).spend.pico, twice.ledger_seq) == (3_000_000, 5)


def test_an_approval_holds_for_one_commit():
    moved = f.BranchMoved(ONE, Oid(OIDS[1]), True, 1, 1, 1, 0)
    approved = (moved, f.VerdictGiven(ONE, "approved", Oid(OIDS[1])))
    assert fleet_of(*approved).agent(ONE).approved
    assert fleet_of(*approved).agent(ONE).verdict_by == "operator"
    assert not fleet_of(*approved, structs.replace(moved, head=Oid(OIDS[2]))).agent(ONE).approved


LAND = (
    f.LandingIntended(
        BATCH,
        INFRA,
        base=Oid(OIDS[1]),
        new=Oid(OIDS[2]),
        tree=Oid(OIDS[2]),
        tag="pre",
        members=(),
    ),
    f.BatchLanded(BATCH),
)


def test_a_batch_lands_and_comes_off_again():
    landed = fleet_of(*LAND)
    assert (landed.batch(BATCH).state, landed.target_head, landed.stream("infra").batch) == (
        BatchState.LANDED,
        OIDS[2],
        BATCH,
    )
    intended = f.RollbackIntended(BATCH, "reset", Oid(OIDS[2]), Oid(OIDS[1]))
    off = fleet_of(*LAND, intended, f.BatchRolledBack(BATCH))
    assert (off.batch(BATCH).state, off.target_head, off.stream("infra").batch) == (
        BatchState.ROLLED_BACK,
        OIDS[1],
        "",
    )
    kept = fleet_of(*LAND, intended, f.RollbackAbandoned(BATCH, "moved meanwhile"))
    assert (kept.batch(BATCH).state, kept.target_head) == (BatchState.LANDED, OIDS[2])


def test_what_grows_is_bounded():
    fleet = fleet_of(
        *(f.ProblemSeen("x", str(n)) for n in range(PROBLEMS_KEPT + 9)),
        *(f.MessageSent(ONE, n, "message", str(n)) for n in range(MESSAGES_KEPT + 9)),
    )
    assert [p.message for p in fleet.problems[-1:]] == [str(PROBLEMS_KEPT + 8)]
    assert len(fleet.problems) == PROBLEMS_KEPT
    assert [m.id for m in fleet.agent(ONE).messages] == list(range(9, MESSAGES_KEPT + 9))


@pytest.mark.parametrize("fact", [f.NotesGrew(TWO, 5), f.StopOrdered(TWO, "why")])
def test_what_did_not_change_keeps_its_identity(fact):
    before = fleet_of()
    after = reduce(before, f.Record(2, 1.0, "engine", fact))
    assert after.agent(ONE) is before.agent(ONE)
    assert after.agent(TWO) is not before.agent(TWO)
    assert after.stream("core-services") is before.stream("core-services")
    unknown = structs.replace(fact, agent=AgentId("nobody-1"))
    assert reduce(before, f.Record(2, 1.0, "engine", unknown)).streams is before.streams


def test_what_was_judged_before_an_order_does_not_undo_it():
    queued = f.AgentsQueued((ONE,))
    late = f.AgentJudged(ONE, AgentState.WORKING, "digging", AgentState.STARTING.value)
    assert fleet_of(queued, late).agent(ONE).state == AgentState.QUEUED
    assert fleet_of(queued, f.AgentJudged(ONE, AgentState.WORKING, "", "queued")).agent(ONE).state == AgentState.WORKING
