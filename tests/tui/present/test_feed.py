from __future__ import annotations

from orch_tui.model import facts as f
from orch_tui.model.ids import AgentId, BatchId, Oid, StreamKey
from orch_tui.model.states import AgentState
from orch_tui.tui.present.feed import LIMIT, headlines
from tests.tui.sample import NOW

AGENT = AgentId("edge-api-1")


def news(*facts: f.Fact, stream: str = "") -> list[str]:
    records = [f.Record(i, NOW - 60, "engine", fact) for i, fact in enumerate(facts)]
    return [line.plain for line in headlines(reversed(records), stream, NOW)]


def test_headlines_are_newest_first_and_leave_noise_out() -> None:
    lines = news(
        f.AgentJudged(AGENT, AgentState.BLOCKED, "asks [b]why"), f.NotesGrew(AGENT, 9), f.BatchLanded(BatchId("b-1"))
    )
    assert lines == ["  1m  b-1 landed", "  1m  edge-api-1 ▲ blocked asks [b]why"]


def test_stream_has_the_news_of_its_own() -> None:
    facts = (
        f.ClaimSeen(AGENT, "r", "done", "all\nof it", Oid("")),
        f.ClaimSeen(AgentId("other-1"), "r", "done", "x", Oid("")),
        f.GateFinished(StreamKey("edge-api"), "tests", Oid("a"), "failed", "2 of 9", 1.0),
    )
    assert news(*facts, stream="edge-api") == [
        "  1m  edge-api ✗ gate tests failed 2 of 9",
        "  1m  edge-api-1 says done: all of it",
    ]


def test_there_are_only_so_many() -> None:
    assert len(news(*[f.ProblemSeen("x", str(i)) for i in range(100)])) == LIMIT
