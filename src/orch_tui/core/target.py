"""The target branch and the checkouts that follow it: who moved it, what stands in the way, what stayed behind."""

from __future__ import annotations

import asyncio
from pathlib import Path

from orch_tui.core.assembly import named
from orch_tui.core.parts import Parts
from orch_tui.model.errors import OrchError, Refused
from orch_tui.model.facts import CheckoutSynced, ProblemSeen, TargetMoved
from orch_tui.model.fleet import Fleet
from orch_tui.model.ids import Oid
from orch_tui.model.states import BatchState

UNDER_WAY = (BatchState.LAND_INTENT, BatchState.ROLLBACK_INTENT)


class Target:
    """Knows the target; whoever moves it holds `lock`."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self.lock = asyncio.Lock()

    @property
    def _fleet(self) -> Fleet:
        return self._parts.store.fleet

    @property
    def ref(self) -> str:
        """Returns the full name of the branch."""
        return f"refs/heads/{self._fleet.target}"

    async def tip(self) -> Oid:
        """Returns where the branch is in git now; "" if it is missing."""
        return await self._parts.git.resolve(self.ref)

    async def notice(self) -> None:
        """Records a move of the target by somebody else; waits for a landing of ours to be over."""
        async with self.lock:
            await self.notice_target()

    async def notice_target(self) -> None:
        """Records a move of the target that is not ours; while one of ours is under way, nobody can tell."""
        if any(b.state in UNDER_WAY for b in self._fleet.batches):
            return
        now = await self.tip()
        if now and now != self._fleet.target_head:
            await self._parts.store.put(TargetMoved(self._fleet.target_head, now, bool(self._fleet.target_head)))

    async def may_follow(self, old: Oid, new: Oid) -> None:
        """Makes sure that every checkout of the target can follow it from old to new.

        Raises:
            Refused: a change of the operator's stands in the way; the paths are named.
        """
        for checkout in await self._parts.git.checkouts_of(self.ref):
            if paths := await self._parts.git.can_follow(checkout, old, new):
                raise Refused(
                    f"the checkout {checkout} has changes in the way",
                    ", ".join(named(path) for path in paths[:10]),
                    "Commit them or move them away; other edits may stay.",
                )

    async def sync(self, old: Oid, new: Oid) -> tuple[str, ...]:
        """Lets every checkout of the target follow; what cannot is named and left, for the target has moved."""
        behind: list[str] = []
        for checkout in await self._checkouts():
            try:
                left = tuple(named(path) for path in await self._parts.git.sync(checkout, old, new))
            except OrchError as error:
                await self._parts.store.put(ProblemSeen(str(checkout), f"it is behind {self._fleet.target}: {error}"))
                behind.append(str(checkout))
            else:
                await self._parts.store.put(CheckoutSynced(str(checkout), new, left))
                behind += [f"{checkout}/{path}" for path in left]
        return tuple(behind)

    async def _checkouts(self) -> tuple[Path, ...]:
        try:
            return await self._parts.git.checkouts_of(self.ref)
        except OrchError as error:
            await self._parts.store.put(ProblemSeen(self._fleet.target, f"its checkouts are not found: {error}"))
            return ()
