"""Diffs for the operator's eyes, and verdicts on exact commits."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from orch_tui.core.assembly import Assembler
from orch_tui.core.parts import Parts
from orch_tui.core.supervise import Supervisor
from orch_tui.core.talk import Talker
from orch_tui.model.diff import readable
from orch_tui.model.errors import Refused
from orch_tui.model.facts import AgentJudged, VerdictGiven
from orch_tui.model.fleet import Agent
from orch_tui.model.ids import AgentId, Oid
from orch_tui.model.refusals import find_stream, refuse, scope
from orch_tui.model.states import AgentState
from orch_tui.model.verbs import DiffFile, Outcome, ReadDiff, Review

_SAID = {"approve": "approved", "changes": "asked for changes on", "reject": "rejected"}


class Reviewer:
    """Looks at agents' work as git has it now and records what the operator thinks of it."""

    def __init__(self, parts: Parts, supervisor: Supervisor, talker: Talker, assembler: Assembler) -> None:
        self._parts = parts
        self._supervisor = supervisor
        self._talker = talker
        self._assembler = assembler

    async def look(self, verb: Review) -> None:
        """Makes sure that the fleet knows what git and the agents say now."""
        agents = scope(self._parts.store.fleet, verb.stream, verb.agent)
        for agent in () if isinstance(agents, str) else agents:
            await self._supervisor.settled(agent.id)

    async def review(self, verb: Review, actor: str) -> Outcome:
        """Judges the newest commits of one agent, or of each agent of a stream that has work to judge.

        Raises:
            Refused: there is nothing to judge, or it moved since the operator looked.
        """
        agents = scope(self._parts.store.fleet, verb.stream, verb.agent)
        if isinstance(agents, str):
            raise Refused(agents)
        done: list[str] = []
        reasons: list[str] = []
        for agent in agents if verb.agent else _open(agents):
            one = Review(verb.verdict, agent=agent.id, note=verb.note, expect=verb.expect if verb.agent else "")
            try:
                if reason := refuse(self._parts.store.fleet, one):
                    raise Refused(reason)
                await self._judge(self._talker.agent(agent.id), verb, actor)
                done.append(agent.id)
            except Refused as error:
                if verb.agent:
                    raise
                reasons.append(str(error))
        if not done:
            raise Refused("none of these agents has work to review", "; ".join(reasons))
        return Outcome(f"{_SAID[verb.verdict]} {', '.join(done)}", tuple(reasons))

    async def _judge(self, agent: Agent, verb: Review, actor: str) -> None:
        at = agent.head[:8]
        verdict = {"approve": "approved", "changes": "changes", "reject": "rejected"}[verb.verdict]
        state, reason = {
            "approve": (AgentState.APPROVED, f"approved at {at}"),
            "changes": (AgentState.CHANGES, f"changes requested at {at}"),
            "reject": (
                AgentState.REJECTED,
                f"rejected at {at or 'no commit'}" + (f": {verb.note}" if verb.note else ""),
            ),
        }[verb.verdict]
        if verb.verdict == "changes":
            await self._talker.put(agent, "changes", verb.note, actor)
        given = VerdictGiven(agent.id, verdict, agent.head, verb.note[:500])
        await self._parts.store.put(given, AgentJudged(agent.id, state, reason), actor=actor)
        if verb.verdict == "changes":
            await self._talker.again(agent.id, actor)

    async def diff(self, verb: ReadDiff) -> DiffFile:
        """Writes the patch of an agent's branch, or of what a stream would land, to a file of ours.

        Raises:
            Refused: there is nothing to compare.
        """
        if verb.agent:
            await self._supervisor.settled(AgentId(verb.agent))
            agent = self._talker.agent(verb.agent)
            if not agent.head:
                raise Refused(f"{agent.id} has no branch yet; launch it first")
            return await self._between(await self.base_of(agent), agent.head)
        stream = find_stream(self._parts.store.fleet, verb.stream)
        if isinstance(stream, str):
            raise Refused(stream)
        if stream.batch and stream.landed and (batch := self._parts.store.fleet.batch(stream.batch)):
            return await self._between(batch.base, batch.new)
        base, fold = await self._assembler.assemble(stream, [a for a in stream.agents if a.ahead])
        return await self._between(base, fold.tip)

    async def base_of(self, agent: Agent) -> Oid:
        """Returns where the agent's work parts from the target."""
        git = self._parts.git
        target = await git.resolve(f"refs/heads/{self._parts.store.fleet.target}")
        if not target or await git.is_ancestor(agent.head, target):
            return Oid(agent.base)
        return await git.merge_base(target, agent.head) or Oid(agent.base)

    async def _between(self, base: Oid, head: Oid) -> DiffFile:
        path = self._parts.places.diff(base, head)
        files = await self._parts.git.changes(base, head)
        known = self._parts.desk.size(path)
        size = known or await self._parts.git.write_patch(base, head, path)
        shown = tuple(replace(f, path=readable(f.path), old_path=readable(f.old_path)) for f in files)
        return DiffFile(str(path), size, base, head, shown)


def _open(agents: Sequence[Agent]) -> tuple[Agent, ...]:
    """Returns whose work a verdict on the whole stream is about: a verdict on one agent is not undone in passing."""
    settled = (AgentState.LANDED, AgentState.REJECTED, AgentState.APPROVED)
    return tuple(a for a in agents if a.state not in settled)
