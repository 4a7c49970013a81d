from __future__ import annotations

import asyncio

import pytest

from orch_tui.model import facts as f
from orch_tui.model.fleet import Fleet
from orch_tui.model.ids import AgentId
from orch_tui.tui import bridge as bridge_module
from orch_tui.tui.bridge import Bridge
from tests.tui.sample import ScriptedMission


class Screen:
    def __init__(self) -> None:
        self.fleets: list[Fleet] = []
        self.away: list[bool] = []


@pytest.fixture
def screen() -> Screen:
    return Screen()


async def until(condition: object) -> None:
    for _ in range(500):
        if condition():  # type: ignore[operator]
            return
        await asyncio.sleep(0.01)
    raise AssertionError("it never happened")


async def test_burst_of_facts_is_one_fleet_per_frame(mission: ScriptedMission, screen: Screen) -> None:
    bridge = Bridge(mission, show=screen.fleets.append, away=screen.away.append)
    task = asyncio.create_task(bridge.run())
    await asyncio.sleep(0)
    for i in range(2_000):
        mission.happen(f.NotesGrew(AgentId("core-services-1"), i))
    await until(lambda: screen.fleets and screen.fleets[-1] is mission.fleet and not bridge.waiting)
    assert len(screen.fleets) <= 5
    assert bridge.seen == 2_000
    task.cancel()


async def test_nothing_is_shown_while_nothing_happens(mission: ScriptedMission, screen: Screen) -> None:
    bridge = Bridge(mission, show=screen.fleets.append, away=screen.away.append)
    task = asyncio.create_task(bridge.run())
    await asyncio.sleep(0.1)
    assert screen.fleets == [mission.fleet]
    assert not bridge.waiting
    assert screen.away == [False]
    task.cancel()


async def test_empty_batch_makes_it_ask_for_the_engine(
    mission: ScriptedMission, screen: Screen, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bridge_module, "RETRY_SECONDS", 0.01)
    bridge = Bridge(mission, show=screen.fleets.append, away=screen.away.append)
    task = asyncio.create_task(bridge.run())
    await until(lambda: screen.away == [False])
    mission.engine_is_away = True
    mission.happen()
    await until(lambda: screen.away[-1])
    mission.find_engine()
    await until(lambda: not screen.away[-1])
    task.cancel()


async def test_lost_engine_is_waited_for(
    mission: ScriptedMission, screen: Screen, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bridge_module, "RETRY_SECONDS", 0.01)
    bridge = Bridge(mission, show=screen.fleets.append, away=screen.away.append)
    task = asyncio.create_task(bridge.run())
    await asyncio.sleep(0)
    mission.lose_engine()
    await until(lambda: screen.away and screen.away[-1])
    mission.find_engine()
    await until(lambda: not screen.away[-1])
    await until(lambda: bool(screen.fleets))
    assert screen.fleets[-1] is mission.fleet
    mission.happen(f.NotesGrew(AgentId("core-services-1"), 1))
    await until(lambda: screen.fleets[-1] is mission.fleet)
    task.cancel()
