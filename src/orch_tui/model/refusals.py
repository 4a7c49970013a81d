"""Why a verb cannot be done now. Pure: both faces explain with it, the engine asks it again before acting."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from orch_tui.model import verbs as v
from orch_tui.model.fleet import Agent, Fleet, Stream
from orch_tui.model.states import AgentState, BatchState

STARTABLE = frozenset(
    {AgentState.PLANNED, AgentState.STOPPED, AgentState.FAILED, AgentState.LOST, AgentState.ENDED, AgentState.CHANGES}
)
"""States from which a launch makes sense."""

_SETTLED = frozenset({AgentState.APPROVED, AgentState.LANDED, AgentState.REJECTED})


def refuse(fleet: Fleet, verb: v.Verb[Any]) -> str | None:
    """Returns the reason why the verb cannot be done now, or None."""
    rule = _RULES.get(type(verb))
    return rule(fleet, verb) if rule else None


def find_stream(fleet: Fleet, name: str) -> Stream | str:
    """Returns the stream of that number, key or domain, or the reason why there is none."""
    wanted = name.strip().lower()
    exact = [s for s in fleet.streams if wanted in (s.key, str(s.number))]
    found = exact or [s for s in fleet.streams if s.domain == wanted]
    if len(found) == 1:
        return found[0]
    known = ", ".join(f"{s.number} {s.key}" for s in fleet.streams) or "none"
    if found:
        return f"{name!r} names {len(found)} streams: {', '.join(s.key for s in found)}; say which"
    return f"there is no stream {name!r}; the streams are: {known}"


def scope(fleet: Fleet, stream: str, agent: str) -> tuple[Agent, ...] | str:
    """Returns the agents that a verb is about, or the reason why there are none."""
    if agent:
        one = fleet.agent(agent)
        return (one,) if one else f"there is no agent {agent!r}; `orch-tui status` lists them"
    if stream:
        found = find_stream(fleet, stream)
        return found if isinstance(found, str) else found.agents
    return tuple(fleet.agents())


def waits_for(fleet: Fleet, stream: Stream) -> tuple[Stream, ...]:
    """Returns the streams that must land before this one and have not."""
    return tuple(s for s in fleet.streams if s.key in stream.after and not s.landed)


def why_not_landable(fleet: Fleet, stream: Stream) -> str | None:
    """Returns why the stream cannot land now, in words, or None."""
    if stream.landed:
        return f"{stream.key} has landed already as {stream.batch}"
    if not stream.agents:
        return f"{stream.key} has no agents"
    if waiting := waits_for(fleet, stream):
        return f"{stream.key} waits for {', '.join(s.key for s in waiting)} to land first"
    intents = (BatchState.LAND_INTENT, BatchState.ROLLBACK_INTENT)
    if busy := next((b for b in fleet.batches if b.state in intents), None):
        return f"batch {busy.id} is on its way"
    open_ = [a for a in stream.agents if a.state not in _SETTLED]
    if open_:
        shown = ", ".join(f"{a.id} ({a.state.value})" for a in open_[:4])
        more = f" and {len(open_) - 4} more" if len(open_) > 4 else ""
        return f"{len(open_)} of {len(stream.agents)} agents of {stream.key} are not approved: {shown}{more}"
    if stream.conflict:
        c = stream.conflict
        return f"{c.agent} conflicts with {c.other} in {', '.join(c.files[:3])}"
    if not any(a.approved for a in stream.agents):
        return f"{stream.key} has nothing to land: every agent was rejected"
    return None


def _launch(fleet: Fleet, verb: v.Launch) -> str | None:
    agents = scope(fleet, verb.stream, verb.agent)
    if isinstance(agents, str):
        return agents
    if not agents:
        return "the plan has no agents; write streams and tasks into tasks.md"
    if any(a.state in STARTABLE for a in agents):
        return None
    if len(agents) == 1:
        return f"{agents[0].id} is {agents[0].state.value}; nothing to launch"
    return "none of these agents can be launched: all are queued, at work or finished"


def _stop(fleet: Fleet, verb: v.Stop) -> str | None:
    agents = scope(fleet, verb.stream, verb.agent)
    if isinstance(agents, str):
        return agents
    if any(a.pid or a.state in (AgentState.QUEUED, AgentState.STARTING) for a in agents):
        return None
    return f"{agents[0].id} has no process" if len(agents) == 1 else "none of these agents has a process"


def _restart(fleet: Fleet, verb: v.Restart) -> str | None:
    agent = fleet.agent(verb.agent)
    if agent is None:
        return f"there is no agent {verb.agent!r}"
    if agent.state == AgentState.LANDED:
        return f"{agent.id} has landed in {agent.batch}; roll that back first"
    return None if agent.run else f"{agent.id} was never launched; launch it"


def _say(fleet: Fleet, verb: v.Say) -> str | None:
    agent = fleet.agent(verb.agent)
    if agent is None:
        return f"there is no agent {verb.agent!r}"
    if not verb.text.strip():
        return "the message is empty"
    if not agent.worktree:
        return f"{agent.id} was never launched; launch it first"
    return f"{agent.id} has landed in {agent.batch}; roll that back first" if agent.state == AgentState.LANDED else None


def _review(fleet: Fleet, verb: v.Review) -> str | None:
    if verb.verdict not in ("approve", "changes", "reject"):
        return f"{verb.verdict!r} is no verdict; say approve, changes or reject"
    agents = scope(fleet, verb.stream, verb.agent)
    if isinstance(agents, str):
        return agents
    if verb.verdict == "changes" and not verb.note.strip():
        return "a request for changes needs a text that says what to change"
    if verb.agent:
        return _not_reviewable(agents[0], verb)
    reviewable = [a for a in agents if _not_reviewable(a, verb) is None]
    return None if reviewable else "none of these agents has work to review"


def _not_reviewable(agent: Agent, verb: v.Review) -> str | None:
    if agent.state == AgentState.LANDED:
        return f"{agent.id} has landed in {agent.batch}; roll that back first"
    if verb.expect and agent.head != verb.expect:
        return f"{agent.id} has moved on to {agent.head[:10]} since you looked at {verb.expect[:10]}; look again"
    if verb.verdict == "reject":
        return None
    if not agent.ahead:
        return f"{agent.id} has no commits to review"
    if verb.verdict == "approve":
        if agent.approved:
            return f"{agent.id} is approved already"
        again = agent.state in (AgentState.CHANGES, AgentState.REJECTED, AgentState.APPROVED)
        if agent.state != AgentState.REVIEW and not (again and agent.claim == "done" and agent.clean):
            why = f": {agent.reason}" if agent.reason else ""
            return f"{agent.id} is {agent.state.value}{why}; only finished work is approved"
    return None


def _merge(fleet: Fleet, verb: v.Merge) -> str | None:
    stream = find_stream(fleet, verb.stream)
    return stream if isinstance(stream, str) else why_not_landable(fleet, stream)


def newest_landed(fleet: Fleet) -> str:
    """Returns the id of the batch that landed last and is still on the target, or ""."""
    landed = [b for b in fleet.batches if b.state == BatchState.LANDED]
    return max(landed, key=lambda b: b.at).id if landed else ""


def _rollback(fleet: Fleet, verb: v.Rollback) -> str | None:
    name = verb.batch or newest_landed(fleet)
    if not name:
        return "nothing has landed"
    batch = fleet.batch(name) or next((b for b in fleet.batches if b.tag == name), None)
    if batch is None:
        return f"there is no batch {name!r}"
    if batch.state != BatchState.LANDED:
        return f"batch {batch.id} is not landed but {batch.state.value.replace('_', ' ')}"
    dependents = [s for s in fleet.streams if batch.stream in s.after and s.batch]
    if dependents:
        return f"{', '.join(s.key for s in dependents)} landed on top of {batch.stream}; roll that back first"
    return None


_RULES: dict[type, Callable[[Fleet, Any], str | None]] = {
    v.Launch: _launch,
    v.Stop: _stop,
    v.Restart: _restart,
    v.Say: _say,
    v.Review: _review,
    v.Merge: _merge,
    v.Rollback: _rollback,
}
