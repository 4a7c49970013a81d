from __future__ import annotations

import pytest

from orch_tui.cli import words
from orch_tui.model.facts import AgentsQueued, BranchMoved, Record
from orch_tui.model.ids import AgentId, Oid


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(-5, "0s"), (0, "0s"), (59.9, "59s"), (60, "1m"), (3599, "59m"), (3600, "1h"), (86399, "23h"), (90000, "1d")],
)
def test_an_age_is_told_by_its_largest_unit(seconds, said):
    assert words.age(seconds) == said


def test_a_fact_is_one_line_without_what_is_empty():
    fact = AgentsQueued((AgentId("a-1"), AgentId("a-2")), "first\nsecond")
    line = words.fact_line(Record(7, 3661.0, "me", fact))
    assert line.split("  ")[0] == "01:01:01"
    assert line.endswith("agents=a-1,a-2 reason=first second")


def test_numbers_of_a_fact_are_shown_unless_zero():
    fact = BranchMoved(AgentId("a-1"), Oid("f" * 40), clean=True, ahead=2, files=0, added=5, removed=0)
    line = words.fact_line(Record(1, 0.0, "me", fact))
    assert line.endswith(f"agent=a-1 head={'f' * 40} clean=true ahead=2 added=5")
