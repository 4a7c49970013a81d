from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orch_tui.core.playback import STRIDE, Playback
from orch_tui.model.errors import EngineAway, Refused
from orch_tui.model.facts import Record
from orch_tui.model.fleet import Fleet
from orch_tui.model.reduce import fold
from orch_tui.model.verbs import AskEngine, Launch, Page, ReadPage
from tests.records import AGENTS, histories, judged, plan


@given(histories, st.data())
def test_any_moment_is_the_fold_of_the_records_before_it(records, data):
    playback = Playback(records)
    assert repr(playback.fleet) == repr(fold(Fleet(), records))
    seq = data.draw(st.integers(-1, len(records) + 1))
    assert repr(playback.seek(seq)) == repr(fold(Fleet(), records[: max(seq, 0)]))


def test_going_back_in_a_long_history():
    records = tuple(judged(seq) for seq in range(1, 3 * STRIDE))
    playback = Playback(records)
    for seq in (2 * STRIDE + 1, 10, STRIDE, 0, 3 * STRIDE - 1):
        assert playback.seek(seq).seq == seq
    assert playback.records is records


async def test_a_move_is_an_empty_batch_for_those_who_follow():
    playback = Playback([judged(1), judged(2)])
    moves = playback.follow()
    playback.seek(1)
    assert await anext(moves) == ()
    await playback.close()
    assert [batch async for batch in moves] == []


async def test_it_reads_and_changes_nothing():
    asked = []

    def page(agent, verb):
        asked.append((agent.id, verb.file))
        return Page("hello", 0, 5, 5)

    playback = Playback((a_plan(),), page, why="the disk is full")
    assert (await playback.do(ReadPage(AGENTS[0], "notes"))).text == "hello"
    assert asked == [(AGENTS[0], "notes")]
    with pytest.raises(Refused, match="there is no agent"):
        await playback.do(ReadPage("nobody-1", "notes"))
    with pytest.raises(EngineAway, match="No engine runs"):
        await playback.do(AskEngine())
    with pytest.raises(Refused, match="launch needs an engine: the disk is full"):
        await playback.do(Launch())
    assert (await playback.preview(Launch())).refused == "the disk is full"
    with pytest.raises(EngineAway):
        await Playback((a_plan(),)).do(ReadPage(AGENTS[0], "notes"))


def a_plan():
    return Record(1, 1.8e9, "engine", plan)
