"""Folds branches on the target in memory and makes sure that nothing of them is lost; moves nothing."""

from __future__ import annotations

from collections.abc import Sequence

from orch_tui.core.parts import PROTOCOL_NAMES, Parts
from orch_tui.model.diff import readable
from orch_tui.model.errors import Refused
from orch_tui.model.facts import ConflictFound
from orch_tui.model.fleet import Agent, Batch, Fleet, Stream
from orch_tui.model.ids import AgentId, Oid, agent_branch
from orch_tui.model.landing import Fold, FoldConflict, FoldMember
from orch_tui.model.plain import visible
from orch_tui.model.states import BatchState


class Assembler:
    """Makes of approved branches the tree that would land."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    @property
    def _fleet(self) -> Fleet:
        return self._parts.store.fleet

    async def assemble(self, stream: Stream, agents: Sequence[Agent]) -> tuple[Oid, Fold]:
        """Folds these agents' branches on the target, in memory.

        Raises:
            Refused: two of them, or one and the target, do not fit together; files and branches are named.
        """
        base, _, fold = await self._assembled(stream, agents)
        return base, fold

    async def whole(self, stream: Stream, agents: Sequence[Agent]) -> tuple[Oid, Fold]:
        """Folds as `assemble` does, and makes sure that each path is as the one who alone changed it left it.

        Raises:
            Refused: the branches do not fit together, or the fold lost work.
        """
        base, members, fold = await self._assembled(stream, agents)
        await self._conserve(base, members, fold)
        await self._keep_out(base, fold)
        return base, fold

    async def _keep_out(self, base: Oid, fold: Fold) -> None:
        """Keeps the files through which agents report off the target: no agent could start from there."""
        had = await self._parts.git.tracked(base, PROTOCOL_NAMES)
        if new := [name for name in await self._parts.git.tracked(fold.tip, PROTOCOL_NAMES) if name not in had]:
            raise Refused(
                f"the branches would bring {', '.join(new)} onto {self._fleet.target}",
                "",
                "Ask for changes: `git rm --cached` them and commit.",
            )

    async def _assembled(self, stream: Stream, agents: Sequence[Agent]) -> tuple[Oid, tuple[FoldMember, ...], Fold]:
        if not agents:
            raise Refused(f"{stream.key} has no commits yet")
        base = await self._base()
        members = await self._members(agents, base)
        return base, members, await self._folded(stream, base, members)

    async def _base(self) -> Oid:
        base = await self._parts.git.resolve(f"refs/heads/{self._fleet.target}")
        if not base:
            raise Refused(f"the target branch {self._fleet.target} is missing")
        return base

    async def _members(self, agents: Sequence[Agent], base: Oid) -> tuple[FoldMember, ...]:
        return (*await self._restored(agents, base), *(_member(a) for a in agents))

    async def _folded(self, stream: Stream, base: Oid, members: Sequence[FoldMember]) -> Fold:
        fold = await self._parts.git.fold(base, members, self._parts.stamp())
        if fold.conflict is not None:
            await self._refuse_conflict(stream, fold.conflict)
        return fold

    async def _restored(self, agents: Sequence[Agent], base: Oid) -> tuple[FoldMember, ...]:
        """Returns what brings reverted batches back; a plain merge of branches that git knows would bring nothing."""
        members = []
        for batch in self._taken_back(agents):
            if not await self._parts.git.is_ancestor(batch.undone_by, base):
                continue
            if left := {m.agent for m in batch.members} - {a.id for a in agents}:
                raise Refused(
                    f"{batch.id} was taken back by a revert and can only come back whole",
                    f"{', '.join(sorted(left))} would come back with it and is not approved",
                    "Approve what is missing, or have the work made anew on the target.",
                )
            oid = await self._parts.git.restore(batch.undone_by, f"Bring back {batch.id}", self._parts.stamp())
            members.append(FoldMember(AgentId(f"batch {batch.id}"), oid, f"Bring back batch {batch.id}"))
        return tuple(members)

    def _taken_back(self, agents: Sequence[Agent]) -> tuple[Batch, ...]:
        """Returns the batches that these agents' work landed in last and that a revert took off again."""
        done = [b for b in self._fleet.batches if b.state in (BatchState.LANDED, BatchState.ROLLED_BACK)]
        newest = {member.agent: batch for batch in done for member in batch.members}
        found = {batch.id: batch for agent in agents if (batch := newest.get(agent.id))}
        return tuple(b for b in found.values() if b.state == BatchState.ROLLED_BACK and b.how == "revert")

    async def _refuse_conflict(self, stream: Stream, conflict: FoldConflict) -> None:
        ours = {a.id: agent_branch(stream.key, a.id) for a in stream.agents}
        other = self._fleet.target if conflict.with_member == "target" else conflict.with_member
        mine, theirs = (ours.get(AgentId(name), name) for name in (conflict.member, other))
        files = tuple(named(path) for path in conflict.files[:50])
        if conflict.member not in ours:
            raise Refused(
                f"{mine} cannot come back: it conflicts with {theirs}",
                f"in {', '.join(files)}",
                "Later work touches the same lines; have this work made anew on the target.",
            )
        await self._parts.store.put(ConflictFound(stream.key, AgentId(conflict.member), other, files, mine, theirs))
        raise Refused(
            f"{mine} conflicts with {theirs}",
            f"in {', '.join(files)}",
            f"Request changes from {conflict.member}: merge {theirs} into its branch and resolve; then land again.",
        )

    async def _conserve(self, base: Oid, members: Sequence[FoldMember], fold: Fold) -> None:
        if loss := await self._parts.git.conserved(base, members, fold.tip):
            raise Refused(
                "the folded tree lost work; nothing was landed",
                readable(loss),
                "Report this; the branches are untouched.",
            )


def named(path: str) -> str:
    """Returns a path on one line, with nothing in it that acts on a terminal."""
    return visible(readable(path)).replace("\n", "␊").replace("\t", "␉")


def _member(agent: Agent) -> FoldMember:
    part = f" ({agent.part})" if agent.part else ""
    return FoldMember(agent.id, agent.head, f"Merge {agent.id}: {agent.title}{part}")
