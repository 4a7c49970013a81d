"""Settles what a crash, a failure or a foreign move left open, by what git shows; twice is the same as once."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator

from orch_tui.core.boxes import Boxes
from orch_tui.core.parts import Parts
from orch_tui.core.target import UNDER_WAY, Target
from orch_tui.model.errors import OrchError
from orch_tui.model.facts import (
    BatchLanded,
    BatchRolledBack,
    LandingAbandoned,
    NeedsOperator,
    RollbackAbandoned,
)
from orch_tui.model.fleet import Batch, Fleet
from orch_tui.model.ids import Oid
from orch_tui.model.states import BatchState

UNDECIDED = (*UNDER_WAY, BatchState.NEEDS_OPERATOR)


class Recovery:
    """Finishes or undoes each open intent."""

    def __init__(self, parts: Parts, target: Target, boxes: Boxes) -> None:
        self._parts = parts
        self._target = target
        self._boxes = boxes

    @property
    def _fleet(self) -> Fleet:
        return self._parts.store.fleet

    async def recover(self) -> int:
        """Finishes or undoes each open intent by what the target shows; twice is the same as once."""
        tip = await self._target.tip()
        open_ = [b for b in self._fleet.batches if b.state in UNDECIDED]
        for batch in open_:
            if batch.how:
                await self._recover_rollback(batch, tip)
            else:
                await self._recover_landing(batch, tip)
        await self._target.notice_target()
        for batch in self._fleet.batches:
            await self._resync(batch, any(batch.id == b.id for b in open_))
        for stream in self._fleet.streams:
            await self._boxes.tick(stream)
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
            await self._target.sync(batch.base, tip)
        if batch.state == BatchState.ROLLED_BACK and not batch.synced and (recovered or tip == batch.undone_by):
            await self._target.sync(await self._before_rollback(batch), tip)

    @contextlib.asynccontextmanager
    async def settling(self) -> AsyncIterator[None]:
        """Settles the open intent at once where a step after it fails; what cannot be, the next start settles."""
        try:
            yield
        except Exception:
            with contextlib.suppress(OrchError):
                await self.recover()
            raise
