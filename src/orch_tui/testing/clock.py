"""A clock for tests that stands still until nothing else can happen, then jumps to whoever sleeps the shortest."""

from __future__ import annotations

import asyncio
import heapq
import itertools

START = 1_800_000_000.0
IDLE_PASSES = 25
"""Passes of the loop without anybody coming to sleep, after which the loop counts as idle."""


class VirtualClock:
    """Implements the core's `Clock`; time passes only by `advance`, or by itself with `autojump`.

    Args:
        start: what time it is at first.
        autojump: whether sleepers wake as soon as the loop has nothing else to do.
        rest: real seconds that work in threads gets before the clock jumps.
    """

    def __init__(self, start: float = START, *, autojump: bool = True, rest: float = 0.002) -> None:
        self._now = start
        self._autojump = autojump
        self._rest = rest
        self._order = itertools.count()
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []
        self._jumper: asyncio.Task[None] | None = None

    def now(self) -> float:
        """Returns the present of this clock."""
        return self._now

    async def sleep(self, seconds: float) -> None:
        """Returns when the clock has been moved by that much."""
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (self._now + seconds, next(self._order), future))
        if self._autojump and (self._jumper is None or self._jumper.done()):
            self._jumper = asyncio.create_task(self._jump())
        await future

    async def advance(self, seconds: float) -> None:
        """Lets that much time pass; sleepers wake one after the other, each at its own time."""
        await self._settle()
        end = self._now + seconds
        while (wake := self._next()) is not None and wake <= end:
            self._wake(wake)
            await self._settle()
        self._now = max(self._now, end)
        await self._settle()

    def _next(self) -> float | None:
        while self._sleepers and self._sleepers[0][2].done():
            heapq.heappop(self._sleepers)
        return self._sleepers[0][0] if self._sleepers else None

    def _wake(self, at: float) -> None:
        self._now = max(self._now, at)
        while self._sleepers and self._sleepers[0][0] <= at:
            _, _, future = heapq.heappop(self._sleepers)
            if not future.done():
                future.set_result(None)

    async def _jump(self) -> None:
        while (wake := self._next()) is not None:
            before = next(self._order)
            await self._settle()
            await asyncio.sleep(self._rest)
            if next(self._order) == before + 1 and wake == self._next():
                self._wake(wake)

    async def _settle(self) -> None:
        for _ in range(IDLE_PASSES):
            await asyncio.sleep(0)
