from __future__ import annotations

import asyncio
import gc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orch_tui.core.bus import Bus
from tests.records import judged


async def test_what_comes_while_nobody_reads_is_one_batch():
    bus = Bus()
    facts = bus.follow()
    bus.publish([judged(1)])
    bus.publish([judged(2), judged(3)])
    assert await anext(facts) == (judged(1), judged(2), judged(3))


async def test_a_slow_follower_gets_an_empty_batch_instead_of_a_longer_queue():
    bus = Bus(limit=3)
    slow, quick = bus.follow(), bus.follow()
    for seq in range(1, 6):
        bus.publish([judged(seq)])
        assert await anext(quick) == (judged(seq),)
    assert await anext(slow) == ()
    bus.publish([judged(6)])
    assert await anext(slow) == (judged(6),)


async def test_closing_ends_the_iteration_after_what_waits():
    bus = Bus()
    facts = bus.follow()
    bus.publish([judged(1)])
    bus.close()
    assert [batch async for batch in facts] == [(judged(1),)]
    assert [batch async for batch in bus.follow()] == []


async def test_a_reader_that_waits_is_woken():
    bus = Bus()
    facts = bus.follow()
    reading = asyncio.create_task(anext(facts))
    await asyncio.sleep(0)
    bus.publish([judged(1)])
    assert await reading == (judged(1),)
    ending = asyncio.create_task(anext(facts))
    await asyncio.sleep(0)
    await facts.aclose()
    with pytest.raises(StopAsyncIteration):
        await ending


async def test_a_follower_that_was_let_go_costs_nothing():
    bus = Bus(limit=1)
    bus.follow()
    gc.collect()
    bus.publish([judged(1)])
    kept = bus.follow()
    bus.skip()
    assert await anext(kept) == ()


@given(st.lists(st.one_of(st.just("read"), st.integers(0, 5))), st.integers(1, 8))
async def test_a_follower_sees_everything_or_is_told_that_it_did_not(steps, limit):
    bus = Bus(limit)
    facts = bus.follow()
    seen = newest = 0
    for step in [*steps, 1, "read"]:
        if step != "read":
            bus.publish([judged(newest + i) for i in range(1, step + 1)])
            newest += step
        elif newest > seen:
            batch = await anext(facts)
            assert not batch or [record.seq for record in batch] == list(range(seen + 1, newest + 1))
            seen = newest
    assert seen == newest
