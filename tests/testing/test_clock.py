from __future__ import annotations

import asyncio

from orch_tui.testing.clock import START, VirtualClock


async def test_it_jumps_when_nothing_else_can_happen():
    clock = VirtualClock()
    woken = []

    async def sleeper(seconds):
        await clock.sleep(seconds)
        woken.append((seconds, clock.now() - START))

    await asyncio.gather(*(sleeper(seconds) for seconds in (86400.0, 5.0, 3600.0, 5.0)))
    assert woken == [(5.0, 5.0), (5.0, 5.0), (3600.0, 3600.0), (86400.0, 86400.0)]


async def test_it_stands_still_while_somebody_works():
    clock = VirtualClock(rest=0.2)
    sleeping = asyncio.create_task(clock.sleep(60))
    await asyncio.sleep(0.02)
    assert clock.now() == START
    await sleeping
    assert clock.now() == START + 60


async def test_time_that_is_moved_by_hand_wakes_in_order():
    clock = VirtualClock(autojump=False)
    seen = []

    async def ticker():
        for _ in range(4):
            await clock.sleep(10)
            seen.append(clock.now() - START)

    ticking = asyncio.create_task(ticker())
    await asyncio.sleep(0)
    await clock.advance(25)
    assert seen == [10, 20]
    assert clock.now() == START + 25
    await clock.advance(15)
    assert seen == [10, 20, 30, 40]
    await ticking


async def test_a_sleeper_that_was_cancelled_is_forgotten():
    clock = VirtualClock(autojump=False)
    sleeping = asyncio.create_task(clock.sleep(10))
    await asyncio.sleep(0)
    sleeping.cancel()
    await clock.advance(20)
    assert sleeping.cancelled()
    await clock.sleep(0)
    assert clock.now() == START + 20
