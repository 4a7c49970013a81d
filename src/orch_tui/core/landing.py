"""Lands a stream: intent in the journal, one compare-and-swap of one ref, then the outcome.

What a crash after each step means stands beside the code of `_move`; `core.recover` settles it.
"""

from __future__ import annotations

import datetime
import itertools

from msgspec import Struct

from orch_tui.core.assembly import Assembler
from orch_tui.core.boxes import Boxes
from orch_tui.core.gating import Gating, gates_of
from orch_tui.core.parts import Parts
from orch_tui.core.recover import Recovery
from orch_tui.core.supervise import Supervisor
from orch_tui.core.target import Target
from orch_tui.model.errors import Refused
from orch_tui.model.facts import BatchLanded, LandingAbandoned, LandingIntended
from orch_tui.model.fleet import Agent, Fleet, Member, Stream
from orch_tui.model.ids import AgentId, BatchId, Oid
from orch_tui.model.landing import Fold
from orch_tui.model.plain import counted
from orch_tui.model.preview import Preview, agree, preview
from orch_tui.model.refusals import find_stream, why_not_landable
from orch_tui.model.states import AgentState
from orch_tui.model.verbs import Landing


class Ready(Struct, frozen=True):
    """A stream folded on the target: what would land, and nothing has moved yet."""

    stream: Stream
    base: Oid
    fold: Fold
    members: tuple[Member, ...]
    batch: BatchId


class Lander:
    """Moves the target forward, one batch at a time."""

    def __init__(
        self,
        parts: Parts,
        supervisor: Supervisor,
        target: Target,
        assembler: Assembler,
        boxes: Boxes,
        recovery: Recovery,
    ) -> None:
        self._parts = parts
        self._supervisor = supervisor
        self._target = target
        self._assembler = assembler
        self._boxes = boxes
        self._recovery = recovery
        self._gating = Gating(parts)

    @property
    def _fleet(self) -> Fleet:
        return self._parts.store.fleet

    async def preview(self, name: str) -> Preview:
        """Says what landing the stream would do; assembles it in memory and moves nothing."""
        return self._planned(await self._ready(self._stream(name)))

    def _planned(self, ready: Ready) -> Preview:
        stream = ready.stream
        gates = gates_of(stream) or ("none",)
        steps = (
            f"fold {counted(len(ready.members), 'branch', 'branches')}: {', '.join(m.agent for m in ready.members)}",
            f"run gates on exactly that tree: {', '.join(gates)}",
            f"tag {self._fleet.target} before it: {_tag(ready.batch)}",
            f"move {self._fleet.target} from {ready.base[:10]} in one step",
            "let your checkout follow where nothing stands in the way",
        )
        names = (ready.base, *(m.oid for m in ready.members))
        return preview(f"Land {stream.key} on {self._fleet.target}", steps=steps, names=names)

    async def land(self, name: str, actor: str, agreed: str = "") -> Landing:
        """Lands a stream.

        Raises:
            Refused: it may not land now: order, approvals, a conflict, a gate, a checkout in the way, a lost race.
        """
        async with self._target.lock:
            ready = await self._ready(self._stream(name))
            agree(self._planned(ready), agreed)
            if await self._gating.passed(ready.stream, ready.base, ready.fold):
                await self._still(ready)
            return await self._move(ready, actor)

    def _stream(self, name: str) -> Stream:
        stream = find_stream(self._fleet, name)
        if isinstance(stream, str):
            raise Refused(stream)
        return stream

    async def _ready(self, stream: Stream) -> Ready:
        """Checks the order and the approvals against git as it is now, then folds."""
        for agent in stream.agents:
            await self._supervisor.settled(agent.id)
        await self._target.notice_target()
        stream = self._stream(stream.key)
        if reason := why_not_landable(self._fleet, stream):
            raise Refused(reason)
        agents = _landing(stream)
        base, fold = await self._assembler.whole(stream, agents)
        await self._target.may_follow(base, fold.tip)
        batch = await self._batch_id(stream)
        return Ready(stream, base, fold, tuple(Member(a.id, a.head) for a in agents), batch)

    async def _still(self, ready: Ready) -> None:
        """Makes sure that no branch moved and nobody took an approval back while gates ran."""
        for member in ready.members:
            await self._supervisor.settled(member.agent)
        stream = self._stream(ready.stream.key)
        if reason := why_not_landable(self._fleet, stream):
            raise Refused(reason)
        if tuple(Member(a.id, a.head) for a in _landing(stream)) != ready.members:
            raise Refused(f"{stream.key} changed while its gates ran", "", "Land it again.")

    async def _move(self, ready: Ready, actor: str) -> Landing:
        """Moves the target.

        Crash after: pin, nothing to do; intent or tag, the target is at base and the landing is abandoned; swap,
        the landing is finished; outcome, the checkouts are synced.
        """
        git, store, fail = self._parts.git, self._parts.store, self._parts.failpoint
        batch, tag = ready.batch, _tag(ready.batch)
        new = await git.commit_landing(ready.base, ready.fold.tip, self._message(ready, batch), self._parts.stamp())
        await git.pin(f"refs/orch/batch/{batch}/new", new)
        fail("land.after_pin")
        await store.put(
            LandingIntended(batch, ready.stream.key, ready.base, new, ready.fold.tree, tag, ready.members), actor=actor
        )
        async with self._recovery.settling():
            fail("land.after_intent")
            await git.tag(tag, ready.base, f"{self._fleet.target} before batch {batch}", self._parts.stamp())
            fail("land.after_tag")
            won = await git.move(self._target.ref, new, ready.base, f"orch-tui: land {batch}")
            fail("land.after_cas")
            if won:
                await store.put(BatchLanded(batch), actor=actor)
                fail("land.after_outcome")
        if not won:
            await store.put(LandingAbandoned(batch, "the target moved in the meantime"))
            raise Refused(f"{self._fleet.target} moved while {ready.stream.key} was landing", "", "Land it again.")
        behind = await self._target.sync(ready.base, new)
        await self._boxes.tick(self._stream(ready.stream.key))
        return Landing(batch, ready.stream.key, tag, new, tuple(m.agent for m in ready.members), behind)

    async def _batch_id(self, stream: Stream) -> BatchId:
        """Returns the first free id of the day; a tag of that name, whoever made it, is not free."""
        day = datetime.datetime.fromtimestamp(self._parts.clock.now(), datetime.UTC).strftime("%Y%m%d")
        used = {b.id for b in self._fleet.batches}
        for number in itertools.count(1):
            batch = BatchId(f"{day}-{stream.key}-{number}")
            if batch not in used and not await self._parts.git.resolve(f"refs/tags/{_tag(batch)}"):
                break
        return batch

    def _message(self, ready: Ready, batch: BatchId) -> str:
        lines = [f"Land {ready.stream.name}", "", *(f"- {self._titled(m.agent)}" for m in ready.members), ""]
        lines += [f"Orch-Batch: {batch}", f"Orch-Tree: {ready.fold.tree}"]
        lines += [f"Orch-Member: {m.agent} {m.oid}" for m in ready.members]
        return "\n".join((*lines, f"Orch-Journal: {self._fleet.seq}", ""))

    def _titled(self, name: AgentId) -> str:
        agent = self._fleet.agent(name)
        return f"{name}: {agent.title}" if agent else name


def _tag(batch: BatchId) -> str:
    return f"pre-feature-batch-{batch}"


def _landing(stream: Stream) -> tuple[Agent, ...]:
    """Returns whose work would land: what is approved and has not landed already."""
    return tuple(a for a in stream.agents if a.approved and a.state != AgentState.LANDED)
