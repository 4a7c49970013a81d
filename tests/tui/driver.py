"""The language of the console's tests: what a person presses, and what they then see."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

from textual.pilot import Pilot
from textual.screen import ModalScreen
from textual.worker import WorkerState

from orch_tui.tui.app import OrchApp
from tests.tui.sample import NOW, ScriptedMission
from tests.tui.screen_text import screen_text

ENDLESS = {"background", "tail"}
STEPS = 400


class Person:
    """Somebody in front of the console."""

    def __init__(self, app: OrchApp, pilot: Pilot[None], mission: ScriptedMission) -> None:
        self.app = app
        self.pilot = pilot
        self.mission = mission

    async def press(self, *keys: str) -> None:
        for key in keys:
            await self.pilot.press(key)
            await self.idle()

    async def hold(self, key: str, times: int = 5) -> None:
        await self.pilot.press(*[key] * times)
        await self.idle()

    async def type(self, text: str) -> None:
        await self.pilot.press(*("space" if c == " " else c for c in text))
        await self.idle()

    async def idle(self) -> None:
        """Waits until nothing is under way but what never ends, and what waits for this person."""
        for _ in range(STEPS):
            await self.pilot.pause()
            if not self.app.bridge.waiting and not self._busy():
                await self.pilot.pause()
                return
            await asyncio.sleep(0.005)
        raise AssertionError("the console does not come to rest")

    def _busy(self) -> bool:
        asked = isinstance(self.app.screen, ModalScreen)
        return any(
            w.state in (WorkerState.PENDING, WorkerState.RUNNING)
            and w.group not in ENDLESS
            and not (asked and w.group == "errands")
            for w in self.app.workers
        )

    def text(self) -> str:
        return screen_text(self.app.screenshot_svg())

    def line(self, words: str) -> str:
        """Returns the one line on the screen with these words."""
        found = [line for line in self.text().splitlines() if words in line]
        assert len(found) == 1, f"{len(found)} lines with {words!r} in\n{self.text()}"
        return found[0]

    def sees(self, *words: str) -> bool:
        text = self.text()
        missing = [w for w in words if w not in text]
        assert not missing, f"{missing} not in\n{text}"
        return True

    async def comes_to_see(self, words: str) -> None:
        for _ in range(STEPS):
            await self.pilot.pause()
            if words in self.text():
                return
            await asyncio.sleep(0.005)
        raise AssertionError(f"{words!r} not in\n{self.text()}")

    def misses(self, *words: str) -> bool:
        text = self.text()
        present = [w for w in words if w in text]
        assert not present, f"{present} in\n{text}"
        return True


@contextlib.asynccontextmanager
async def console(mission: ScriptedMission, size: tuple[int, int] = (120, 40)) -> AsyncIterator[Person]:
    """Opens the console on a mission, with a clock that stands still."""
    app = OrchApp(mission, clock=lambda: NOW)
    async with app.run_test(size=size, notifications=True) as pilot:
        person = Person(app, pilot, mission)
        await person.idle()
        yield person
