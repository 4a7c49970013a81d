"""The fold: a fleet and a record make the next fleet. Pure and total; parts that did not change keep their identity."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from msgspec.structs import replace

from orch_tui.model import facts as f
from orch_tui.model.fleet import (
    Agent,
    Batch,
    Check,
    Conflict,
    Engine,
    Fleet,
    Message,
    ModelSpend,
    Problem,
    Spend,
    Stream,
)
from orch_tui.model.ids import AgentId, BatchId, Oid
from orch_tui.model.money import micros
from orch_tui.model.states import AgentState, BatchState
from orch_tui.model.usage import window_add

MESSAGES_KEPT = 20
PROBLEMS_KEPT = 50


def reduce(fleet: Fleet, record: f.Record) -> Fleet:
    """Returns the fleet after one more record."""
    handler = _HANDLERS.get(type(record.fact))
    changed = handler(fleet, record.fact, record) if handler else fleet
    return replace(changed, seq=record.seq, at=record.at)


def fold(fleet: Fleet, records: Iterable[f.Record]) -> Fleet:
    """Returns the fleet after all these records."""
    for record in records:
        fleet = reduce(fleet, record)
    return fleet


Handler = Callable[[Fleet, Any, f.Record], Fleet]


def _mission_opened(fleet: Fleet, fact: f.MissionOpened, record: f.Record) -> Fleet:
    budget = replace(fleet.budget, limit=fact.limit, alert=fact.alert, source=fact.budget_source)
    return replace(
        fleet,
        name=fact.name,
        repository=fact.repository,
        target=fact.target,
        max_running=fact.max_running,
        budget=budget,
        metered=fact.metered,
    )


def _engine_started(fleet: Fleet, fact: f.EngineStarted, record: f.Record) -> Fleet:
    return replace(fleet, engine=Engine(fact.pid, record.at, fact.version))


def _engine_stopped(fleet: Fleet, fact: f.EngineStopped, record: f.Record) -> Fleet:
    return replace(fleet, engine=Engine())


def _plan_loaded(fleet: Fleet, fact: f.PlanLoaded, record: f.Record) -> Fleet:
    return replace(fleet, epic=fact.epic, size=fact.size, streams=fact.streams)


def _task_ticked(fleet: Fleet, fact: f.TaskTicked, record: f.Record) -> Fleet:
    def tick(stream: Stream) -> Stream:
        tasks = tuple(replace(t, done=True) if i == fact.task else t for i, t in enumerate(stream.tasks))
        return replace(stream, tasks=tasks)

    return fleet.with_stream(fact.stream, tick)


def _agents_queued(fleet: Fleet, fact: f.AgentsQueued, record: f.Record) -> Fleet:
    def queue(agent: Agent) -> Agent:
        return replace(
            agent, state=AgentState.QUEUED, reason=fact.reason, since=record.at, stopped=False, claim="", summary=""
        )

    for agent in fact.agents:
        fleet = fleet.with_agent(agent, queue)
    return fleet


def _agent_prepared(fleet: Fleet, fact: f.AgentPrepared, record: f.Record) -> Fleet:
    def prepare(agent: Agent) -> Agent:
        head = agent.head or fact.base
        return replace(agent, branch=fact.branch, base=fact.base, worktree=fact.worktree, head=head)

    return fleet.with_agent(fact.agent, prepare)


def _launch_intended(fleet: Fleet, fact: f.LaunchIntended, record: f.Record) -> Fleet:
    def intend(agent: Agent) -> Agent:
        spend = agent.spend if agent.spend.since else replace(agent.spend, since=record.at)
        return replace(
            agent,
            run=fact.run,
            attempt=fact.attempt,
            backend=fact.backend,
            pid=0,
            started=0.0,
            state=AgentState.STARTING,
            reason="",
            since=record.at,
            claim="",
            summary="",
            stopped=False,
            verdict="" if agent.verdict == "changes" else agent.verdict,
            spend=spend,
        )

    return fleet.with_agent(fact.agent, intend)


def _agent_started(fleet: Fleet, fact: f.AgentStarted, record: f.Record) -> Fleet:
    return fleet.with_agent(
        fact.agent, lambda a: replace(a, pid=fact.pid, started=fact.started) if a.run == fact.run else a
    )


def _agent_exited(fleet: Fleet, fact: f.AgentExited, record: f.Record) -> Fleet:
    return fleet.with_agent(fact.agent, lambda a: replace(a, pid=0) if a.run == fact.run else a)


def _agent_judged(fleet: Fleet, fact: f.AgentJudged, record: f.Record) -> Fleet:
    def judge(agent: Agent) -> Agent:
        if fact.was and agent.state.value != fact.was:
            return agent
        since = agent.since if agent.state == fact.state else record.at
        return replace(agent, state=fact.state, reason=fact.reason, since=since)

    return fleet.with_agent(fact.agent, judge)


def _claim_seen(fleet: Fleet, fact: f.ClaimSeen, record: f.Record) -> Fleet:
    return fleet.with_agent(
        fact.agent, lambda a: replace(a, claim=fact.state, summary=fact.summary) if a.run == fact.run else a
    )


def _notes_grew(fleet: Fleet, fact: f.NotesGrew, record: f.Record) -> Fleet:
    return fleet.with_agent(fact.agent, lambda a: replace(a, notes=fact.to, notes_at=record.at))


def _branch_moved(fleet: Fleet, fact: f.BranchMoved, record: f.Record) -> Fleet:
    def move(agent: Agent) -> Agent:
        return replace(
            agent,
            head=fact.head,
            clean=fact.clean,
            ahead=fact.ahead,
            files=fact.files,
            added=fact.added,
            removed=fact.removed,
        )

    before = fleet.agent(fact.agent)
    moved = fleet.with_agent(fact.agent, move)
    if before is None or before.head == fact.head:
        return moved
    return moved.with_stream(before.stream, lambda s: replace(s, conflict=None) if s.conflict else s)


def _stop_ordered(fleet: Fleet, fact: f.StopOrdered, record: f.Record) -> Fleet:
    return fleet.with_agent(fact.agent, lambda a: replace(a, stopped=True))


def _message_sent(fleet: Fleet, fact: f.MessageSent, record: f.Record) -> Fleet:
    message = Message(fact.id, fact.kind, record.at, fact.head)
    return fleet.with_agent(fact.agent, lambda a: replace(a, messages=(*a.messages[-(MESSAGES_KEPT - 1) :], message)))


def _message_delivered(fleet: Fleet, fact: f.MessageDelivered, record: f.Record) -> Fleet:
    def deliver(agent: Agent) -> Agent:
        messages = tuple(replace(m, state="delivered") if m.id == fact.id else m for m in agent.messages)
        return replace(agent, messages=messages)

    return fleet.with_agent(fact.agent, deliver)


def _verdict_given(fleet: Fleet, fact: f.VerdictGiven, record: f.Record) -> Fleet:
    judged = fleet.with_agent(
        fact.agent, lambda a: replace(a, verdict=fact.verdict, verdict_oid=fact.oid, verdict_by=record.actor)
    )
    agent = judged.agent(fact.agent)
    if agent is None or fact.verdict != "rejected":
        return judged
    return judged.with_stream(agent.stream, lambda s: _without_conflict(s, agent.id))


def _without_conflict(stream: Stream, agent: AgentId) -> Stream:
    """A conflict is gone where one of the two does not land."""
    if stream.conflict and agent in (stream.conflict.agent, stream.conflict.other):
        return replace(stream, conflict=None)
    return stream


def _spend_settled(fleet: Fleet, fact: f.SpendSettled, record: f.Record) -> Fleet:
    if fact.upto <= fleet.ledger_seq:
        return fleet
    fleet = replace(fleet, ledger_seq=fact.upto, simulated=fleet.simulated or fact.simulated)
    fleet = replace(fleet, models=_with_model(fleet.models, fact))
    return fleet.with_agent(fact.agent, lambda a: replace(a, spend=_settled(a.spend, fact, record.at)))


def _settled(spend: Spend, fact: f.SpendSettled, at: float) -> Spend:
    total = spend.pico + fact.pico
    day_pico = (spend.day_pico if spend.day == fact.day else 0) + fact.pico
    return replace(
        spend,
        pico=total,
        day=fact.day,
        day_pico=day_pico,
        tokens=spend.tokens + fact.tokens,
        requests=spend.requests + fact.requests,
        window=window_add(spend.window, at, micros(total) - micros(spend.pico)),
        estimated=spend.estimated or fact.estimated,
        unpriced=spend.unpriced or not fact.priced,
        simulated=spend.simulated or fact.simulated,
    )


def _with_model(models: tuple[ModelSpend, ...], fact: f.SpendSettled) -> tuple[ModelSpend, ...]:
    old = next((m for m in models if m.model == fact.model), ModelSpend(fact.model))
    new = ModelSpend(
        fact.model,
        old.pico + fact.pico,
        old.tokens + fact.tokens,
        old.requests + fact.requests,
        old.priced and fact.priced,
    )
    if old in models:
        return tuple(new if m is old else m for m in models)
    return (*models, new)


def _ledger_opened(fleet: Fleet, fact: f.LedgerOpened, record: f.Record) -> Fleet:
    seq = fleet.ledger_seq if fleet.ledger == fact.ledger else 0
    return replace(fleet, ledger=fact.ledger, ledger_seq=seq, simulated=fleet.simulated or fact.simulated)


def _day_began(fleet: Fleet, fact: f.DayBegan, record: f.Record) -> Fleet:
    return replace(fleet, day=fact.day)


def _budget_alerted(fleet: Fleet, fact: f.BudgetAlerted, record: f.Record) -> Fleet:
    return replace(fleet, budget=replace(fleet.budget, alerted_day=fact.day))


def _conflict_found(fleet: Fleet, fact: f.ConflictFound, record: f.Record) -> Fleet:
    conflict = Conflict(fact.agent, fact.other, fact.files, fact.branch, fact.other_branch)
    return fleet.with_stream(fact.stream, lambda s: replace(s, conflict=conflict))


def _landing_intended(fleet: Fleet, fact: f.LandingIntended, record: f.Record) -> Fleet:
    batch = Batch(
        id=fact.batch,
        stream=fact.stream,
        state=BatchState.LAND_INTENT,
        at=record.at,
        base=fact.base,
        new=fact.new,
        tree=fact.tree,
        tag=fact.tag,
        members=fact.members,
    )
    return replace(fleet, batches=(*(b for b in fleet.batches if b.id != fact.batch), batch))


def _batch_landed(fleet: Fleet, fact: f.BatchLanded, record: f.Record) -> Fleet:
    batch = fleet.batch(fact.batch)
    if batch is None:
        return fleet
    fleet = _with_batch(fleet, batch.id, state=BatchState.LANDED, at=record.at)
    fleet = _with_target(fleet, batch.new)
    fleet = fleet.with_stream(batch.stream, lambda s: replace(s, batch=batch.id, conflict=None))
    for member in batch.members:
        fleet = fleet.with_agent(
            member.agent,
            lambda a: replace(a, state=AgentState.LANDED, reason=f"in {batch.tag}", since=record.at, batch=batch.id),
        )
    return fleet


def _landing_abandoned(fleet: Fleet, fact: f.LandingAbandoned, record: f.Record) -> Fleet:
    return _with_batch(fleet, fact.batch, state=BatchState.ABANDONED, note=fact.reason)


def _rollback_intended(fleet: Fleet, fact: f.RollbackIntended, record: f.Record) -> Fleet:
    return _with_batch(fleet, fact.batch, state=BatchState.ROLLBACK_INTENT, how=fact.how, undone_by=fact.new)


def _batch_rolled_back(fleet: Fleet, fact: f.BatchRolledBack, record: f.Record) -> Fleet:
    batch = fleet.batch(fact.batch)
    if batch is None:
        return fleet
    fleet = _with_batch(fleet, batch.id, state=BatchState.ROLLED_BACK, synced=False)
    fleet = _with_target(fleet, batch.undone_by)
    earlier = _earlier_batch(fleet, batch)
    fleet = fleet.with_stream(batch.stream, lambda s: replace(s, batch=earlier))
    for member in batch.members:
        fleet = fleet.with_agent(
            member.agent,
            lambda a: replace(
                a,
                state=AgentState.APPROVED,
                reason=f"rolled back by {batch.how}; can land again",
                since=record.at,
                archived=False,
                batch=BatchId(""),
            ),
        )
    return fleet


def _earlier_batch(fleet: Fleet, batch: Batch) -> BatchId:
    landed = [b for b in fleet.batches if b.stream == batch.stream and b.state == BatchState.LANDED]
    return landed[-1].id if landed else BatchId("")


def _rollback_abandoned(fleet: Fleet, fact: f.RollbackAbandoned, record: f.Record) -> Fleet:
    return _with_batch(fleet, fact.batch, state=BatchState.LANDED, note=fact.reason, undone_by=Oid(""), how="")


def _needs_operator(fleet: Fleet, fact: f.NeedsOperator, record: f.Record) -> Fleet:
    return _with_batch(fleet, fact.batch, state=BatchState.NEEDS_OPERATOR, note=fact.reason)


def _with_batch(fleet: Fleet, batch: BatchId, **changes: Any) -> Fleet:
    batches = tuple(replace(b, **changes) if b.id == batch else b for b in fleet.batches)
    return replace(fleet, batches=batches)


def _checkout_synced(fleet: Fleet, fact: f.CheckoutSynced, record: f.Record) -> Fleet:
    for batch in reversed(fleet.batches):
        if fact.to in (batch.new, batch.undone_by):
            others = tuple(path for path in batch.behind if not path.startswith(f"{fact.checkout}/"))
            behind = (*others, *(f"{fact.checkout}/{path}" for path in fact.behind))
            return _with_batch(fleet, batch.id, behind=behind, synced=not behind)
    return fleet


def _target_moved(fleet: Fleet, fact: f.TargetMoved, record: f.Record) -> Fleet:
    return _with_target(fleet, fact.new)


def _with_target(fleet: Fleet, head: Oid) -> Fleet:
    """Moves the target; whether branches still conflict with it has to be found out again."""
    for stream in fleet.streams:
        if stream.conflict and stream.conflict.other == fleet.target and head != fleet.target_head:
            fleet = fleet.with_stream(stream.key, lambda s: replace(s, conflict=None))
    return replace(fleet, target_head=head)


def _gate_started(fleet: Fleet, fact: f.GateStarted, record: f.Record) -> Fleet:
    check = Check(fact.gate, fact.tree, "running", at=record.at)
    return fleet.with_stream(fact.stream, lambda s: _with_check(s, check))


def _gate_finished(fleet: Fleet, fact: f.GateFinished, record: f.Record) -> Fleet:
    check = Check(fact.gate, fact.tree, fact.status, fact.summary, fact.seconds, fact.log, record.at)
    return fleet.with_stream(fact.stream, lambda s: _with_check(s, check))


def _with_check(stream: Stream, check: Check) -> Stream:
    return replace(stream, checks=(*(c for c in stream.checks if c.gate != check.gate), check))


def _problem_seen(fleet: Fleet, fact: f.ProblemSeen, record: f.Record) -> Fleet:
    problem = Problem(record.at, fact.subject, fact.message)
    return replace(fleet, problems=(*fleet.problems[-(PROBLEMS_KEPT - 1) :], problem))


def _agent_harvested(fleet: Fleet, fact: f.AgentHarvested, record: f.Record) -> Fleet:
    return fleet.with_agent(fact.agent, lambda a: replace(a, archived=True))


def _unchanged(fleet: Fleet, fact: Any, record: f.Record) -> Fleet:
    return fleet


_HANDLERS: dict[type, Handler] = {
    f.MissionOpened: _mission_opened,
    f.EngineStarted: _engine_started,
    f.EngineStopped: _engine_stopped,
    f.PlanLoaded: _plan_loaded,
    f.TaskTicked: _task_ticked,
    f.AgentsQueued: _agents_queued,
    f.AgentPrepared: _agent_prepared,
    f.LaunchIntended: _launch_intended,
    f.AgentStarted: _agent_started,
    f.AgentExited: _agent_exited,
    f.AgentJudged: _agent_judged,
    f.ClaimSeen: _claim_seen,
    f.NotesGrew: _notes_grew,
    f.BranchMoved: _branch_moved,
    f.StopOrdered: _stop_ordered,
    f.MessageSent: _message_sent,
    f.MessageDelivered: _message_delivered,
    f.VerdictGiven: _verdict_given,
    f.SpendSettled: _spend_settled,
    f.LedgerOpened: _ledger_opened,
    f.DayBegan: _day_began,
    f.BudgetAlerted: _budget_alerted,
    f.ConflictFound: _conflict_found,
    f.LandingIntended: _landing_intended,
    f.BatchLanded: _batch_landed,
    f.LandingAbandoned: _landing_abandoned,
    f.RollbackIntended: _rollback_intended,
    f.BatchRolledBack: _batch_rolled_back,
    f.RollbackAbandoned: _rollback_abandoned,
    f.CheckoutSynced: _checkout_synced,
    f.TargetMoved: _target_moved,
    f.NeedsOperator: _needs_operator,
    f.GateStarted: _gate_started,
    f.GateFinished: _gate_finished,
    f.AgentHarvested: _agent_harvested,
    f.VerbRefused: _unchanged,
    f.ProblemSeen: _problem_seen,
}
