from __future__ import annotations

import asyncio

import pytest
from hypothesis import given

from orch_tui.core.store import Store
from orch_tui.model.errors import StorageError
from orch_tui.model.facts import NotesGrew, ProblemSeen
from orch_tui.model.fleet import Fleet
from orch_tui.model.ids import AgentId
from orch_tui.model.reduce import fold
from orch_tui.testing.clock import VirtualClock
from orch_tui.testing.fakes import MemoryJournal
from tests.records import AGENTS, histories, plan


async def opened(journal: MemoryJournal | None = None) -> tuple[Store, MemoryJournal]:
    journal = journal or MemoryJournal()
    return await Store.open(journal, VirtualClock()), journal


async def test_a_fact_is_recorded_folded_and_published():
    store, journal = await opened()
    followed = store.follow()
    records = await store.put(plan, actor="operator")
    assert journal.records == list(records)
    assert [(r.seq, r.actor) for r in records] == [(1, "operator")]
    assert store.fleet.epic == "Epic"
    assert await anext(followed) == records
    assert await store.put() == ()
    await store.close()


async def test_facts_that_wait_are_committed_together():
    store, journal = await opened()
    journal.block()
    first = asyncio.create_task(store.put(ProblemSeen("a", "first")))
    await journal.reached()
    rest = [asyncio.create_task(store.put(ProblemSeen("a", str(i)), ProblemSeen("b", str(i)))) for i in range(10)]
    await asyncio.sleep(0)
    journal.unblock()
    await first
    records = [record for part in await asyncio.gather(*rest) for record in part]
    assert [record.seq for record in records] == list(range(2, 22))
    assert journal.commits == [1, 20]
    await store.close()


async def test_nothing_is_visible_that_is_not_on_disk():
    store, journal = await opened()
    followed = store.follow()
    journal.block()
    writing = asyncio.create_task(store.put(plan))
    await journal.reached()
    assert store.fleet.seq == 0
    journal.unblock()
    await writing
    assert store.fleet.seq == 1
    assert len(await anext(followed)) == 1
    await store.close()


async def test_a_failed_append_changes_nothing():
    store, journal = await opened()
    await store.put(plan)
    before = store.fleet
    followed = store.follow()
    journal.refuse(StorageError("The disk refused", "state.db", "make room"))
    results = await asyncio.gather(*(store.put(ProblemSeen("a", "b")) for _ in range(3)), return_exceptions=True)
    assert [type(result) for result in results] == [StorageError] * 3
    assert store.fleet is before
    journal.refuse(None)
    (record,) = await store.put(ProblemSeen("a", "c"))
    assert record.seq == 2
    assert await anext(followed) == (record,)
    await store.close()


async def test_whoever_stops_waiting_does_not_take_the_fact_back():
    store, journal = await opened()
    journal.block()
    writing = asyncio.create_task(store.put(plan))
    await journal.reached()
    writing.cancel()
    journal.unblock()
    await store.changed(lambda fleet: fleet.epic == "Epic")
    await store.close()
    assert len(journal.records) == 1


async def test_waiting_for_a_change():
    store, _ = await opened()
    waiting = asyncio.create_task(store.changed(lambda fleet: bool(fleet.streams)))
    await store.put(ProblemSeen("a", "b"))
    assert not waiting.done()
    await store.put(plan)
    assert (await waiting).streams
    assert await store.changed(lambda fleet: True) is store.fleet
    lost = asyncio.create_task(store.changed(lambda fleet: False))
    await asyncio.sleep(0)
    await store.close()
    with pytest.raises(StorageError, match="closed"):
        await lost


@given(histories)
async def test_a_store_that_is_opened_again_has_the_same_fleet(records):
    store, journal = await opened()
    followed = store.follow()
    for record in records:
        await store.put(record.fact, actor=record.actor)
    seen = await anext(followed)
    again, _ = await opened(journal)
    assert repr(again.fleet) == repr(store.fleet) == repr(fold(Fleet(), seen))
    await store.close()


async def test_a_closed_store_takes_nothing():
    store, journal = await opened()
    waiting = asyncio.create_task(store.put(plan))
    await asyncio.sleep(0)
    await store.close()
    assert (await waiting)[0].seq == 1
    with pytest.raises(StorageError, match="ProblemSeen was not recorded"):
        await store.put(ProblemSeen("a", "b"))
    assert len(journal.records) == 1


async def test_rows_that_did_not_change_keep_their_identity():
    store, _ = await opened()
    await store.put(plan)
    before = store.fleet
    await store.put(NotesGrew(AgentId(AGENTS[0]), 10))
    after = store.fleet
    assert after.agent(AGENTS[0]) is not before.agent(AGENTS[0])
    assert after.agent(AGENTS[1]) is before.agent(AGENTS[1])
    assert after.streams[1] is before.streams[1]
    await store.close()
