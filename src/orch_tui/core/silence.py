"""Waits for nothing to happen: an agent that gave no sign of life for long enough is looked at again.

It sleeps until the next agent is due; before it believes a silence it watches for a moment how much CPU time the
agent's processes use.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping

from orch_tui.core.parts import Current, Parts
from orch_tui.core.tracked import Tracked
from orch_tui.model.evidence import Thresholds
from orch_tui.model.ids import AgentId

SAMPLE_S = 2.0
BUSY_CPU_S = 0.05
"""So much CPU time within a sample is a sign of life: a test run may print nothing for ten minutes."""


class Silence:
    """Knows when the next agent will have been silent for too long."""

    def __init__(
        self,
        parts: Parts,
        current: Current,
        tracked: Mapping[AgentId, Tracked],
        signed: Callable[[Tracked], None],
        look: Callable[[AgentId], None],
    ) -> None:
        self._parts = parts
        self._current = current
        self._tracked = tracked
        self._signed = signed
        self._look = look
        self._changed = asyncio.Event()

    def changed(self) -> None:
        """Takes note that somebody's next moment of doubt is another one now."""
        self._changed.set()

    def thresholds(self) -> Thresholds:
        """Returns after how many seconds an agent is quiet, and stalled."""
        agents = self._current.settings.agents
        return Thresholds(float(agents.quiet), float(agents.stalled))

    async def watch(self) -> None:
        """Looks again at whoever has been silent for long enough; sleeps until then."""
        while True:
            self._changed.clear()
            wait = self._until_next()
            if wait is None:
                await self._changed.wait()
            elif await self._slept(wait):
                await self._doubt()

    async def _slept(self, seconds: float) -> bool:
        """Sleeps; returns False where something changed before the time was over."""
        sleeper = asyncio.ensure_future(self._parts.clock.sleep(seconds))
        waiter = asyncio.ensure_future(self._changed.wait())
        try:
            await asyncio.wait({sleeper, waiter}, return_when=asyncio.FIRST_COMPLETED)
            return sleeper.done()
        finally:
            sleeper.cancel()
            waiter.cancel()

    def _until_next(self) -> float | None:
        now = self._parts.clock.now()
        t = self.thresholds()
        waits = [
            deadline - (now - tracked.last_sign)
            for tracked in self._tracked.values()
            if tracked.alive
            for deadline in (t.quiet_s, t.stalled_s)
            if deadline > now - tracked.last_sign
        ]
        return max(0.5, min(waits)) if waits else None

    async def _doubt(self) -> None:
        """Looks at everybody who is silent, unless its processes were busy."""
        now, quiet = self._parts.clock.now(), self.thresholds().quiet_s
        silent = [t for t in self._tracked.values() if t.alive and now - t.last_sign >= quiet]
        pids = [agent.pid if (agent := self._parts.store.fleet.agent(t.id)) else 0 for t in silent]
        before = await self._parts.desk.cpu_seconds(pids)
        await self._parts.clock.sleep(SAMPLE_S)
        after = await self._parts.desk.cpu_seconds(pids)
        for tracked, used in zip(silent, (b - a for a, b in zip(before, after, strict=True)), strict=True):
            if used > BUSY_CPU_S:
                self._signed(tracked)
            self._look(tracked.id)
