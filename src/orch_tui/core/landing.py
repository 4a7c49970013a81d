"""Lands a stream and takes it off again: intent in the journal, one compare-and-swap of one ref, then the outcome.

The order of steps and the table of what a crash after each of them means stand beside the code of `land` and `recover`.
"""

from __future__ import annotations

import asyncio
import contextlib
import datetime
import itertools
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

from msgspec import Struct

from orch_tui.core.parts import Parts
from orch_tui.core.supervise import Supervisor
from orch_tui.model.diff import readable
from orch_tui.model.errors import OrchError, Refused
from orch_tui.model.facts import (
    BatchLanded,
    BatchRolledBack,
    CheckoutSynced,
    ConflictFound,
    GateFinished,
    GateStarted,
    LandingAbandoned,
    LandingIntended,
    NeedsOperator,
    ProblemSeen,
    RollbackAbandoned,
    RollbackIntended,
    TargetMoved,
    TaskTicked,
)
from orch_tui.model.fleet import Agent, Batch, Fleet, Member, Stream, Task
from orch_tui.model.ids import AgentId, BatchId, Oid, agent_branch
from orch_tui.model.landing import Fold, FoldConflict, FoldMember
from orch_tui.model.plain import visible
from orch_tui.model.preview import Preview, agree, preview
from orch_tui.model.refusals import find_stream, newest_landed, why_not_landable
from orch_tui.model.states import AgentState, BatchState
from orch_tui.model.verbs import Landing, RolledBack

HUMAN_GATE = "human"
"""The gate that the operator's approvals are; it runs nothing."""


_UNDECIDED = (BatchState.LAND_INTENT, BatchState.ROLLBACK_INTENT, BatchState.NEEDS_OPERATOR)


class Ready(Struct, frozen=True):
    """A stream folded on the target: what would land, and nothing has moved yet."""

    stream: Stream
    base: Oid
    fold: Fold
    members: tuple[Member, ...]
    batch: BatchId


class Lander:
    """Moves the target branch; one landing or rollback at a time."""

    def __init__(self, parts: Parts, supervisor: Supervisor) -> None:
        self._parts = parts
        self._supervisor = supervisor
        self._lock = asyncio.Lock()

    @property
    def _fleet(self) -> Fleet:
        return self._parts.store.fleet

    @property
    def _target(self) -> str:
        return f"refs/heads/{self._fleet.target}"

    # Landing

    async def preview(self, name: str) -> Preview:
        """Says what landing the stream would do; assembles it in memory and moves nothing."""
        return self._planned(await self._ready(self._stream(name)))

    def _planned(self, ready: Ready) -> Preview:
        stream = ready.stream
        gates = [g for g in stream.gates if g != HUMAN_GATE] or ["none"]
        steps = (
            f"fold {len(ready.members)} branches: {', '.join(m.agent for m in ready.members)}",
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
        async with self._lock:
            ready = await self._ready(self._stream(name))
            agree(self._planned(ready), agreed)
            if await self._pass_gates(ready):
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
        await self.notice_target()
        stream = self._stream(stream.key)
        if reason := why_not_landable(self._fleet, stream):
            raise Refused(reason)
        agents = _landing(stream)
        base = await self._base()
        members = await self._members(agents, base)
        fold = await self._folded(stream, base, members)
        await self._conserve(base, members, fold)
        await self._may_follow(base, fold.tip)
        batch = await self._batch_id(stream)
        return Ready(stream, base, fold, tuple(Member(a.id, a.head) for a in agents), batch)

    async def assemble(self, stream: Stream, agents: Sequence[Agent]) -> tuple[Oid, Fold]:
        """Folds these agents' branches on the target, in memory.

        Raises:
            Refused: two of them, or one and the target, do not fit together; files and branches are named.
        """
        if not agents:
            raise Refused(f"{stream.key} has no commits yet")
        base = await self._base()
        return base, await self._folded(stream, base, await self._members(agents, base))

    async def _base(self) -> Oid:
        base = await self._parts.git.resolve(self._target)
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
        files = tuple(_named(path) for path in conflict.files[:50])
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

    async def _may_follow(self, old: Oid, new: Oid) -> None:
        for checkout in await self._parts.git.checkouts_of(self._target):
            if paths := await self._parts.git.can_follow(checkout, old, new):
                raise Refused(
                    f"the checkout {checkout} has changes in the way",
                    ", ".join(_named(path) for path in paths[:10]),
                    "Commit them or move them away; other edits may stay.",
                )

    async def _still(self, ready: Ready) -> None:
        """Makes sure that no branch moved and nobody took an approval back while gates ran."""
        for member in ready.members:
            await self._supervisor.settled(member.agent)
        stream = self._stream(ready.stream.key)
        if reason := why_not_landable(self._fleet, stream):
            raise Refused(reason)
        if tuple(Member(a.id, a.head) for a in _landing(stream)) != ready.members:
            raise Refused(f"{stream.key} changed while its gates ran", "", "Land it again.")

    async def _pass_gates(self, ready: Ready) -> bool:
        """Runs each gate on the folded tree, but for those that passed on it before; says whether any had to run."""
        ran = False
        for gate in (g for g in ready.stream.gates if g != HUMAN_GATE):
            stream = self._stream(ready.stream.key)
            if any(c.gate == gate and c.tree == ready.fold.tree and c.status == "passed" for c in stream.checks):
                continue
            ran = True
            await self._parts.store.put(GateStarted(stream.key, gate, ready.fold.tree))
            result = await self._parts.gates.run(gate, ready.fold.tip, ready.base)
            finished = GateFinished(
                stream.key,
                gate,
                ready.fold.tree,
                result.status,
                result.summary[:500],
                result.seconds,
                result.log[-500:],
            )
            await self._parts.store.put(finished)
            if result.status != "passed":
                raise Refused(
                    f"gate {gate} {result.status} on what would land",
                    result.summary,
                    "Ask for changes, or mend the gate.",
                )
        return ran

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
        async with self._settling():
            fail("land.after_intent")
            await git.tag(tag, ready.base, f"{self._fleet.target} before batch {batch}", self._parts.stamp())
            fail("land.after_tag")
            won = await git.move(self._target, new, ready.base, f"orch-tui: land {batch}")
            fail("land.after_cas")
            if won:
                await store.put(BatchLanded(batch), actor=actor)
                fail("land.after_outcome")
        if not won:
            await store.put(LandingAbandoned(batch, "the target moved in the meantime"))
            raise Refused(f"{self._fleet.target} moved while {ready.stream.key} was landing", "", "Land it again.")
        behind = await self._sync(ready.base, new)
        await self._tick(self._stream(ready.stream.key))
        return Landing(batch, ready.stream.key, tag, new, tuple(m.agent for m in ready.members), behind)

    @contextlib.asynccontextmanager
    async def _settling(self) -> AsyncIterator[None]:
        """Settles the open intent at once where a step after it fails; what cannot be, the next start settles."""
        try:
            yield
        except Exception:
            with contextlib.suppress(OrchError):
                await self.recover()
            raise

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

    async def _tick(self, stream: Stream) -> None:
        """Ticks the boxes of tasks that landed whole, in a plan that git does not track: the tree stays clean."""
        due = [(place, task) for place, task in enumerate(stream.tasks) if _due(stream, place)]
        tracked = await self._parts.git.tracked(self._fleet.target_head, ("tasks.md",)) if due else ()
        for place, task in due:
            if not tracked and task.line:
                await self._tick_box(task)
            await self._parts.store.put(TaskTicked(stream.key, place))

    async def _tick_box(self, task: Task) -> None:
        try:
            self._parts.plan.tick(task.line, task.title)
        except OrchError as error:  # the operator has rewritten the plan since it was read
            await self._parts.store.put(ProblemSeen("tasks.md", f"the box of {task.title!r} is not ticked: {error}"))

    async def _sync(self, old: Oid, new: Oid) -> tuple[str, ...]:
        """Lets every checkout of the target follow; what cannot is named and left, for the target has moved."""
        behind: list[str] = []
        for checkout in await self._checkouts():
            try:
                left = tuple(_named(path) for path in await self._parts.git.sync(checkout, old, new))
            except OrchError as error:
                await self._parts.store.put(ProblemSeen(str(checkout), f"it is behind {self._fleet.target}: {error}"))
                behind.append(str(checkout))
            else:
                await self._parts.store.put(CheckoutSynced(str(checkout), new, left))
                behind += [f"{checkout}/{path}" for path in left]
        return tuple(behind)

    async def _checkouts(self) -> tuple[Path, ...]:
        try:
            return await self._parts.git.checkouts_of(self._target)
        except OrchError as error:
            await self._parts.store.put(ProblemSeen(self._fleet.target, f"its checkouts are not found: {error}"))
            return ()

    async def notice(self) -> None:
        """Records a move of the target by somebody else; waits for a landing of ours to be over."""
        async with self._lock:
            await self.notice_target()

    async def notice_target(self) -> None:
        """Records a move of the target that is not ours; while one of ours is under way, nobody can tell."""
        if any(b.state in (BatchState.LAND_INTENT, BatchState.ROLLBACK_INTENT) for b in self._fleet.batches):
            return
        now = await self._parts.git.resolve(self._target)
        if now and now != self._fleet.target_head:
            await self._parts.store.put(TargetMoved(self._fleet.target_head, now, bool(self._fleet.target_head)))

    # Rollback

    async def preview_rollback(self, name: str) -> Preview:
        """Says how the batch would come off the target."""
        batch = self._batch(name)
        tip = await self._parts.git.resolve(self._target)
        return self._planned_rollback(batch, tip, await self._way_back(batch, tip))

    def _planned_rollback(self, batch: Batch, tip: Oid, how: str) -> Preview:
        after = (
            f"reset {self._fleet.target} to {batch.base[:10]}"
            if how == "reset"
            else f"add a commit that takes {batch.id} back"
        )
        why = "nothing is newer and it was not pushed" if how == "reset" else "there is newer or pushed history"
        steps = (f"{after} ({why})", "let your checkout follow where nothing stands in the way")
        losses = (
            f"{len(batch.members)} branches leave {self._fleet.target}; they, the tag and the landing commit stay",
        )
        return preview(f"Roll back {batch.id}", steps=steps, losses=losses, names=(batch.id, tip, how))

    async def roll_back(self, name: str, actor: str, agreed: str = "") -> RolledBack:
        """Takes a batch off the target, by reset where nothing came after it and nothing was pushed, else by revert.

        Raises:
            Refused: the revert conflicts, a checkout is in the way, or the target moved meanwhile.
        """
        async with self._lock:
            await self.notice_target()
            batch = self._batch(name)
            tip = self._fleet.target_head
            how = await self._way_back(batch, tip)
            agree(self._planned_rollback(batch, tip, how), agreed)
            new = batch.base if how == "reset" else await self._reverted(batch, tip)
            await self._may_follow(tip, new)
            return await self._move_back(batch, how, tip, new, actor)

    def _batch(self, name: str) -> Batch:
        wanted = name or newest_landed(self._fleet)
        batch = self._fleet.batch(wanted) or next((b for b in self._fleet.batches if b.tag == wanted), None)
        if batch is None:
            raise Refused(f"there is no batch {name!r}" if name else "nothing has landed")
        return batch

    async def _way_back(self, batch: Batch, tip: Oid) -> str:
        if tip == batch.new and not await self._parts.git.pushed(batch.new):
            return "reset"
        return "revert"

    async def _reverted(self, batch: Batch, tip: Oid) -> Oid:
        message = f"Roll back {batch.id}\n\nOrch-Reverts: {batch.id}\n"
        fold = await self._parts.git.revert(batch.base, batch.new, tip, message, self._parts.stamp())
        if fold.conflict is not None:
            raise Refused(
                f"{batch.id} cannot be taken back by itself: later work touches the same lines",
                ", ".join(_named(path) for path in fold.conflict.files[:50]),
                "Roll back the later batches first.",
            )
        return fold.tip

    async def _move_back(self, batch: Batch, how: str, tip: Oid, new: Oid, actor: str) -> RolledBack:
        git, store, fail = self._parts.git, self._parts.store, self._parts.failpoint
        await git.pin(f"refs/orch/rolledback/{batch.id}", tip)
        fail("rollback.after_pin")
        await store.put(RollbackIntended(batch.id, how, tip, new), actor=actor)
        async with self._settling():
            fail("rollback.after_intent")
            won = await git.move(self._target, new, tip, f"orch-tui: roll back {batch.id}")
            fail("rollback.after_cas")
            if won:
                await store.put(BatchRolledBack(batch.id), actor=actor)
                fail("rollback.after_outcome")
        if not won:
            await store.put(RollbackAbandoned(batch.id, "the target moved in the meantime"))
            raise Refused(f"{self._fleet.target} moved during the rollback", "", "Roll back again.")
        return RolledBack(batch.id, how, new, await self._sync(tip, new))

    # Recovery

    async def recover(self) -> int:
        """Finishes or undoes each open intent by what the target shows; twice is the same as once."""
        tip = await self._parts.git.resolve(self._target)
        open_ = [b for b in self._fleet.batches if b.state in _UNDECIDED]
        for batch in open_:
            if batch.how:
                await self._recover_rollback(batch, tip)
            else:
                await self._recover_landing(batch, tip)
        await self.notice_target()
        for batch in self._fleet.batches:
            await self._resync(batch, any(batch.id == b.id for b in open_))
        for stream in self._fleet.streams:
            await self._tick(stream)
        return len(open_)

    async def _recover_landing(self, batch: Batch, tip: Oid) -> None:
        store = self._parts.store
        if tip == batch.base:
            await store.put(LandingAbandoned(batch.id, "it was cut short before the target moved"))
        elif tip and (tip == batch.new or await self._parts.git.is_ancestor(batch.new, tip)):
            await store.put(BatchLanded(batch.id))
        else:
            await self._ask_operator(batch, f"{self._fleet.target} was moved to {tip[:10]} during the landing")

    async def _recover_rollback(self, batch: Batch, tip: Oid) -> None:
        store = self._parts.store
        if tip == await self._before_rollback(batch):
            await store.put(RollbackAbandoned(batch.id, "it was cut short before the target moved"))
        elif tip == batch.undone_by or (
            tip and batch.how == "revert" and await self._parts.git.is_ancestor(batch.undone_by, tip)
        ):
            await store.put(BatchRolledBack(batch.id))
        else:
            await self._ask_operator(batch, f"{self._fleet.target} was moved to {tip[:10]} during the rollback")

    async def _ask_operator(self, batch: Batch, what: str) -> None:
        """Leaves a batch to a person: what the target contains when the next engine starts settles it."""
        if batch.state != BatchState.NEEDS_OPERATOR:
            hint = f"put {self._fleet.target} where it belongs with git, then restart with `orch-tui engine stop`"
            await self._parts.store.put(NeedsOperator(batch.id, f"{what}; {hint}"))

    async def _before_rollback(self, batch: Batch) -> Oid:
        return await self._parts.git.resolve(f"refs/orch/rolledback/{batch.id}")

    async def _resync(self, batch: Batch, recovered: bool) -> None:
        """Lets checkouts follow where that was cut short: after a recovery, or after the newest move of ours."""
        tip = self._fleet.target_head
        if batch.state == BatchState.LANDED and not batch.synced and (recovered or tip == batch.new):
            await self._sync(batch.base, tip)
        if batch.state == BatchState.ROLLED_BACK and not batch.synced and (recovered or tip == batch.undone_by):
            await self._sync(await self._before_rollback(batch), tip)


def _due(stream: Stream, place: int) -> bool:
    """Says whether a task has landed whole and its box is open."""
    agents = [a for a in stream.agents if a.task == place]
    return not stream.tasks[place].done and bool(agents) and all(a.batch for a in agents)


def _named(path: str) -> str:
    """Returns a path on one line, with nothing in it that acts on a terminal."""
    return visible(readable(path)).replace("\n", "␊").replace("\t", "␉")


def _tag(batch: BatchId) -> str:
    return f"pre-feature-batch-{batch}"


def _landing(stream: Stream) -> tuple[Agent, ...]:
    """Returns whose work would land: what is approved and has not landed already."""
    return tuple(a for a in stream.agents if a.approved and a.state != AgentState.LANDED)


def _member(agent: Agent) -> FoldMember:
    part = f" ({agent.part})" if agent.part else ""
    return FoldMember(agent.id, agent.head, f"Merge {agent.id}: {agent.title}{part}")
