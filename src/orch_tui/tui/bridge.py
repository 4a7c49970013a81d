"""Follows the mission and hands its newest fleet to the console, at most every few frames.

Facts are not handed on one by one: they are folded already, and the screen takes the newest value when it draws.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence

from orch_tui.core.ports import MissionVerbs
from orch_tui.model.errors import OrchError
from orch_tui.model.facts import Record
from orch_tui.model.fleet import Fleet
from orch_tui.model.verbs import AskEngine

FRAME_SECONDS = 0.04
RETRY_SECONDS = 1.0
RECORDS_KEPT = 2_000


class Bridge:
    """The one endless worker of the console."""

    def __init__(self, mission: MissionVerbs, *, show: Callable[[Fleet], None], away: Callable[[bool], None]) -> None:
        self._mission = mission
        self._show = show
        self._away = away
        self._shown: Fleet | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._last = 0.0
        self.records: deque[Record] = deque(maxlen=RECORDS_KEPT)
        """The newest facts that were seen, oldest first."""
        self.seen = 0
        """How many facts were seen in all."""

    @property
    def waiting(self) -> bool:
        """Says whether a change is known that the screen has not got yet."""
        return self._timer is not None

    async def run(self) -> None:
        """Follows until cancelled, or until the mission is closed; a lost engine is waited for."""
        try:
            while True:
                try:
                    async for batch in self._mission.follow():
                        self._take(batch)
                    self._away(True)
                    return
                except OrchError:
                    await self._wait_for_engine()
        finally:
            if self._timer:
                self._timer.cancel()

    async def _wait_for_engine(self) -> None:
        self._away(True)
        while True:
            await asyncio.sleep(RETRY_SECONDS)
            try:
                await self._mission.do(AskEngine())
            except OrchError:
                continue
            self._away(False)
            self._mark()
            return

    def _take(self, batch: Sequence[Record]) -> None:
        self.records.extend(batch)
        self.seen += len(batch)
        self._mark()

    def _mark(self) -> None:
        """Starts the timer at the first change; it runs out once and stays off until the next."""
        if self._timer is None:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_at(max(loop.time(), self._last + FRAME_SECONDS), self._flush)

    def _flush(self) -> None:
        self._timer = None
        self._last = asyncio.get_running_loop().time()
        fleet = self._mission.fleet
        if fleet is not self._shown:
            self._shown = fleet
            self._show(fleet)
