from __future__ import annotations

import pytest
from rich.cells import cell_len

from orch_tui.model.states import AgentState, BatchState, StreamState
from orch_tui.tui import look


@pytest.mark.parametrize(
    ("states", "looks"), [(AgentState, look.AGENT), (StreamState, look.STREAM), (BatchState, look.BATCH)]
)
def test_every_state_has_a_glyph_and_a_word_of_its_own(states: type, looks: dict[object, look.Look]) -> None:
    assert set(looks) == set(states)
    assert len({one.word for one in looks.values()}) == len(looks)
    assert all(cell_len(one.glyph) == 1 and one.tone for one in looks.values())


def test_unknown_words_are_shown_as_they_are() -> None:
    assert look.check("odd").word == "odd"
    assert look.attention("odd").word == "odd"
    assert look.change("odd").word == "odd"


@pytest.mark.parametrize(
    "kind",
    [
        "blocked",
        "target",
        "conflict",
        "gate",
        "budget",
        "failed",
        "lost",
        "ended",
        "uncommitted",
        "stalled",
        "held",
        "checkout",
        "land",
        "review",
    ],
)
def test_what_waits_is_one_cell_wide(kind: str) -> None:
    one = look.attention(kind)
    assert cell_len(one.glyph) == 1
    assert one.glyph != "?"
