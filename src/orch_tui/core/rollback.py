"""Takes a batch off the target: by reset where nothing came after it and nothing was pushed, else by revert."""

from __future__ import annotations

from orch_tui.core.assembly import named
from orch_tui.core.parts import Parts
from orch_tui.core.recover import Recovery
from orch_tui.core.target import Target
from orch_tui.model.errors import Refused
from orch_tui.model.facts import BatchRolledBack, RollbackAbandoned, RollbackIntended
from orch_tui.model.fleet import Batch, Fleet
from orch_tui.model.ids import Oid
from orch_tui.model.plain import counted
from orch_tui.model.preview import Preview, agree, preview
from orch_tui.model.refusals import newest_landed
from orch_tui.model.verbs import RolledBack


class Undoer:
    """Moves the target back, one batch at a time."""

    def __init__(self, parts: Parts, target: Target, recovery: Recovery) -> None:
        self._parts = parts
        self._target = target
        self._recovery = recovery

    @property
    def _fleet(self) -> Fleet:
        return self._parts.store.fleet

    async def preview(self, name: str) -> Preview:
        """Says how the batch would come off the target."""
        batch = self._batch(name)
        tip = await self._target.tip()
        return self._planned(batch, tip, await self._way_back(batch, tip))

    def _planned(self, batch: Batch, tip: Oid, how: str) -> Preview:
        after = (
            f"reset {self._fleet.target} to {batch.base[:10]}"
            if how == "reset"
            else f"add a commit that takes {batch.id} back"
        )
        why = "nothing is newer and it was not pushed" if how == "reset" else "there is newer or pushed history"
        steps = (f"{after} ({why})", "let your checkout follow where nothing stands in the way")
        losses = (f"{counted(len(batch.members), 'agent')} leave {self._fleet.target}; branches, tag and commits stay",)
        return preview(f"Roll back {batch.id}", steps=steps, losses=losses, names=(batch.id, tip, how))

    async def roll_back(self, name: str, actor: str, agreed: str = "") -> RolledBack:
        """Takes a batch off the target, by reset where nothing came after it and nothing was pushed, else by revert.

        Raises:
            Refused: the revert conflicts, a checkout is in the way, or the target moved meanwhile.
        """
        async with self._target.lock:
            await self._target.notice_target()
            batch = self._batch(name)
            tip = self._fleet.target_head
            how = await self._way_back(batch, tip)
            agree(self._planned(batch, tip, how), agreed)
            new = batch.base if how == "reset" else await self._reverted(batch, tip)
            await self._target.may_follow(tip, new)
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
                ", ".join(named(path) for path in fold.conflict.files[:50]),
                "Roll back the later batches first.",
            )
        return fold.tip

    async def _move_back(self, batch: Batch, how: str, tip: Oid, new: Oid, actor: str) -> RolledBack:
        git, store, fail = self._parts.git, self._parts.store, self._parts.failpoint
        await git.pin(f"refs/orch/rolledback/{batch.id}", tip)
        fail("rollback.after_pin")
        await store.put(RollbackIntended(batch.id, how, tip, new), actor=actor)
        async with self._recovery.settling():
            fail("rollback.after_intent")
            won = await git.move(self._target.ref, new, tip, f"orch-tui: roll back {batch.id}")
            fail("rollback.after_cas")
            if won:
                await store.put(BatchRolledBack(batch.id), actor=actor)
                fail("rollback.after_outcome")
        if not won:
            await store.put(RollbackAbandoned(batch.id, "the target moved in the meantime"))
            raise Refused(f"{self._fleet.target} moved during the rollback", "", "Roll back again.")
        return RolledBack(batch.id, how, new, await self._target.sync(tip, new))
