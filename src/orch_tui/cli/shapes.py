"""The forms of `--json` that scripts rely on, made from the fleet.

Pure. Dollars are numbers, times are epoch seconds.
"""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct

from orch_tui.model.attention import Item, attention
from orch_tui.model.fleet import Agent, Batch, Budget, Fleet, ModelSpend, Money, Stream, money
from orch_tui.model.money import MICROS_PER_DOLLAR, micros
from orch_tui.model.usage import Tokens


class Cost(Struct, frozen=True):
    """What something costs in all, today and per hour (null: too young to say), and how sure the figures are."""

    usd: float
    usd_today: float
    usd_per_hour: float | None
    requests: int
    tokens: Tokens
    estimated: bool
    unpriced: bool
    simulated: bool


class AgentShape(Struct, frozen=True):
    """An agent in `status --json`."""

    id: str
    stream: str
    task: str
    part: str
    branch: str
    worktree: str
    backend: str
    state: str
    reason: str
    summary: str
    since: float
    attempt: int
    pid: int
    commit: str
    ahead: int
    added: int
    removed: int
    verdict: str
    batch: str
    usd: float
    usd_per_hour: float | None


class TaskShape(Struct, frozen=True):
    """A task with the ids of its agents."""

    title: str
    line: int
    done: bool
    agents: tuple[str, ...]


class StreamShape(Struct, frozen=True):
    """A stream with its tasks and agents."""

    number: int
    key: str
    name: str
    domain: str
    after: tuple[str, ...]
    state: str
    batch: str
    tasks: tuple[TaskShape, ...]
    agents: tuple[AgentShape, ...]
    usd: float
    usd_per_hour: float | None


class BatchShape(Struct, frozen=True):
    """A batch; `commit` is its landing commit."""

    id: str
    stream: str
    state: str
    tag: str
    commit: str
    at: float
    agents: tuple[str, ...]
    how: str
    note: str


class Totals(Struct, frozen=True):
    """The mission in numbers: agents by state, and dollars."""

    agents: int
    states: dict[str, int]
    usd: float
    usd_today: float
    usd_per_hour: float | None


class Status(Struct, frozen=True):
    """The whole of `status --json`."""

    mission: str
    repository: str
    epic: str
    size: str
    target: str
    target_commit: str
    seq: int
    engine: int
    simulated: bool
    streams: tuple[StreamShape, ...]
    batches: tuple[BatchShape, ...]
    attention: tuple[Item, ...]
    totals: Totals


class CostOf(Struct, frozen=True):
    """The cost of one agent or stream."""

    id: str
    cost: Cost


class ModelCost(Struct, frozen=True):
    """The cost of one model."""

    model: str
    usd: float
    requests: int
    tokens: Tokens
    unpriced: bool


class BudgetShape(Struct, frozen=True):
    """The limit of a day (null: none), the amount that alerts, and where the limit was set."""

    daily_usd: float | None
    alert_usd: float | None
    source: str
    alerted: bool


class Costs(Struct, frozen=True):
    """The whole of `cost --json`."""

    day: str
    metered: bool
    simulated: bool
    total: Cost
    budget: BudgetShape
    streams: tuple[CostOf, ...]
    agents: tuple[CostOf, ...]
    models: tuple[ModelCost, ...]


def usd(micro: int) -> float:
    """Returns micro-dollars as dollars."""
    return micro / MICROS_PER_DOLLAR


def usd_or_none(micro: int | None) -> float | None:
    """Returns micro-dollars as dollars, None for what is not known."""
    return None if micro is None else usd(micro)


def status(fleet: Fleet, now: float, engine: int) -> Status:
    """Returns the mission as `status --json` shows it; `engine` is the process that runs, 0 without one."""
    return Status(
        mission=fleet.name,
        repository=fleet.repository,
        epic=fleet.epic,
        size=fleet.size,
        target=fleet.target,
        target_commit=fleet.target_head,
        seq=fleet.seq,
        engine=engine,
        simulated=fleet.simulated,
        streams=tuple(_stream(fleet, stream, now) for stream in fleet.streams),
        batches=tuple(map(batch_shape, fleet.batches)),
        attention=attention(fleet),
        totals=_totals(fleet, now),
    )


def _stream(fleet: Fleet, stream: Stream, now: float) -> StreamShape:
    spent = money(stream.agents, now=now, day=fleet.day)
    return StreamShape(
        number=stream.number,
        key=stream.key,
        name=stream.name,
        domain=stream.domain,
        after=tuple(stream.after),
        state=stream.state.value,
        batch=stream.batch,
        tasks=tuple(
            TaskShape(t.title, t.line, t.done, tuple(a.id for a in stream.agents if a.task == i))
            for i, t in enumerate(stream.tasks)
        ),
        agents=tuple(agent_shape(agent, now) for agent in stream.agents),
        usd=usd(spent.total),
        usd_per_hour=usd_or_none(spent.rate),
    )


def agent_shape(agent: Agent, now: float) -> AgentShape:
    """Returns an agent as JSON shows it."""
    return AgentShape(
        id=agent.id,
        stream=agent.stream,
        task=agent.title,
        part=agent.part,
        branch=agent.branch,
        worktree=agent.worktree,
        backend=agent.backend,
        state=agent.state.value,
        reason=agent.reason,
        summary=agent.summary,
        since=agent.since,
        attempt=agent.attempt,
        pid=agent.pid,
        commit=agent.head,
        ahead=agent.ahead,
        added=agent.added,
        removed=agent.removed,
        verdict=agent.verdict,
        batch=agent.batch,
        usd=usd(micros(agent.spend.pico)),
        usd_per_hour=usd_or_none(agent.spend.rate(now)),
    )


def batch_shape(batch: Batch) -> BatchShape:
    """Returns a batch as JSON shows it."""
    return BatchShape(
        id=batch.id,
        stream=batch.stream,
        state=batch.state.value,
        tag=batch.tag,
        commit=batch.new,
        at=batch.at,
        agents=tuple(member.agent for member in batch.members),
        how=batch.how,
        note=batch.note,
    )


def _totals(fleet: Fleet, now: float) -> Totals:
    states: dict[str, int] = {}
    for agent in fleet.agents():
        states[agent.state.value] = states.get(agent.state.value, 0) + 1
    spent = money(fleet.agents(), now=now, day=fleet.day)
    return Totals(sum(states.values()), states, usd(spent.total), usd(spent.today), usd_or_none(spent.rate))


def costs(fleet: Fleet, now: float) -> Costs:
    """Returns what `cost --json` shows."""
    return Costs(
        day=fleet.day,
        metered=fleet.metered,
        simulated=fleet.simulated,
        total=_cost(fleet, fleet.agents(), now),
        budget=_budget(fleet.budget, fleet.day),
        streams=tuple(CostOf(s.key, _cost(fleet, s.agents, now)) for s in fleet.streams),
        agents=tuple(CostOf(a.id, _cost(fleet, (a,), now)) for a in fleet.agents() if a.run),
        models=tuple(map(_model, fleet.models)),
    )


def _cost(fleet: Fleet, agents: Iterable[Agent], now: float) -> Cost:
    spent: Money = money(tuple(agents), now=now, day=fleet.day)
    return Cost(
        usd=usd(spent.total),
        usd_today=usd(spent.today),
        usd_per_hour=usd_or_none(spent.rate),
        requests=spent.requests,
        tokens=spent.tokens,
        estimated=spent.estimated,
        unpriced=spent.unpriced,
        simulated=spent.simulated,
    )


def _model(model: ModelSpend) -> ModelCost:
    return ModelCost(model.model, usd(micros(model.pico)), model.requests, model.tokens, not model.priced)


def _budget(budget: Budget, day: str) -> BudgetShape:
    alert = None if budget.limit is None else usd(round(budget.limit * budget.alert))
    return BudgetShape(usd_or_none(budget.limit), alert, budget.source, bool(day) and budget.alerted_day == day)
