"""What waits for the operator, in one list, derived from the fleet."""

from __future__ import annotations

from msgspec import Struct

from orch_tui.model.fleet import Agent, Fleet
from orch_tui.model.refusals import why_not_landable
from orch_tui.model.states import AgentState, BatchState

_AGENT_KINDS: dict[AgentState, tuple[int, str]] = {
    AgentState.BLOCKED: (0, "blocked"),
    AgentState.FAILED: (2, "failed"),
    AgentState.LOST: (2, "lost"),
    AgentState.ENDED: (3, "ended"),
    AgentState.DIRTY: (3, "uncommitted"),
    AgentState.STALLED: (3, "stalled"),
    AgentState.REVIEW: (5, "review"),
}


class Item(Struct, frozen=True):
    """One thing that waits: rank 0 is most urgent; `subject` is an agent, stream or batch id."""

    rank: int
    kind: str
    subject: str
    text: str
    since: float


def attention(fleet: Fleet) -> tuple[Item, ...]:
    """Returns everything that waits for the operator, most urgent first, then oldest first."""
    items = [*_agents(fleet), *_streams(fleet), *_batches(fleet), *_budget(fleet)]
    return tuple(sorted(items, key=lambda i: (i.rank, i.since, i.subject)))


def _agents(fleet: Fleet) -> list[Item]:
    return [_agent_item(a) for a in fleet.agents() if a.state in _AGENT_KINDS]


def _agent_item(agent: Agent) -> Item:
    rank, kind = _AGENT_KINDS[agent.state]
    text = agent.reason or agent.summary or agent.title
    return Item(rank, kind, agent.id, text, agent.since)


def _streams(fleet: Fleet) -> list[Item]:
    items = []
    for stream in fleet.streams:
        since = max((a.since for a in stream.agents), default=0.0)
        if stream.conflict:
            c = stream.conflict
            text = f"{c.agent} conflicts with {c.other} in {', '.join(c.files[:3])}"
            items.append(Item(1, "conflict", stream.key, text, since))
        elif stream.agents and why_not_landable(fleet, stream) is None:
            approved = sum(a.approved for a in stream.agents)
            items.append(Item(4, "land", stream.key, f"{approved} approved branches are ready to land", since))
        items += [
            Item(1, "gate", stream.key, f"gate {c.gate} {c.status}: {c.summary}", c.at)
            for c in stream.checks
            if c.status not in ("passed", "running") and not stream.landed
        ]
    return items


def _batches(fleet: Fleet) -> list[Item]:
    items = []
    for batch in fleet.batches:
        if batch.state == BatchState.NEEDS_OPERATOR:
            items.append(Item(0, "target", batch.id, batch.note, batch.at))
        if batch.behind:
            text = f"your checkout is behind in {', '.join(batch.behind[:3])}"
            items.append(Item(3, "checkout", batch.id, text, batch.at))
    return items


def _budget(fleet: Fleet) -> list[Item]:
    if fleet.budget.alerted_day and fleet.budget.alerted_day == fleet.day and fleet.budget.limit is not None:
        share = round(fleet.budget.alert * 100)
        return [Item(1, "budget", "mission", f"over {share} % of today's limit is spent", fleet.at)]
    return []
