"""Follows the mission and hands its newest fleet to the console, at most every few frames.

Facts are not handed on one by one: they are folded already, and the screen takes the newest value when it draws.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterator, Sequence

from orch_tui.core.ports import MissionVerbs
from orch_tui.model.errors import OrchError
from orch_tui.model.facts import Record
from orch_tui.model.fleet import Fleet
from orch_tui.model.verbs import AskEngine

FRAME_SECONDS = 0.04
RETRY_SECONDS = 1.0
PATIENCE_SECONDS = 1.0
"""An engine that has not answered by then is away."""

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
        self._probe: asyncio.Task[None] | None = None
        self.records: deque[Record] = deque(maxlen=RECORDS_KEPT)
        """The newest facts that were seen, oldest first."""
        self.seen = 0
        """How many facts were seen in all."""

    @property
    def waiting(self) -> bool:
        """Says whether a change is known that the screen has not got yet."""
        return self._timer is not None

    def newest(self) -> Iterator[Record]:
        """Yields what was seen, newest first."""
        return reversed(self.records)

    async def run(self) -> None:
        """Follows until cancelled, or until the mission is closed; a lost engine is waited for."""
        try:
            await self._follow()
        finally:
            if self._timer:
                self._timer.cancel()
            if self._probe:
                self._probe.cancel()

    async def _follow(self) -> None:
        self._look()
        while True:
            try:
                async for batch in self._mission.follow():
                    self._take(batch)
                    if not batch:
                        # Facts were left out, or the engine went or came back.
                        self._look()
                self._away(True)
                return
            except OrchError:
                await self._find_engine()

    def _look(self) -> None:
        """Starts to ask for the engine, where that is not under way."""
        if self._probe is None or self._probe.done():
            self._probe = asyncio.create_task(self._find_engine())

    async def _find_engine(self) -> None:
        """Asks until the engine answers, and says meanwhile that it is away."""
        while not await self._answers():
            self._away(True)
            await asyncio.sleep(RETRY_SECONDS)
        self._away(False)
        self._mark()

    async def _answers(self) -> bool:
        try:
            await asyncio.wait_for(self._mission.do(AskEngine()), PATIENCE_SECONDS)
        except (OrchError, TimeoutError):
            return False
        return True

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
