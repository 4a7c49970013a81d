"""Times, money, rows: the small pure functions."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from orch_tui.model.fleet import Fleet, Money
from orch_tui.model.ids import StreamKey
from orch_tui.model.plain import counted
from orch_tui.model.states import AgentState
from orch_tui.model.usage import Tokens
from orch_tui.tui import look
from orch_tui.tui.present import cost, money, train, when
from orch_tui.tui.present import fleet as rows
from orch_tui.tui.present.cells import bar, cell, right
from orch_tui.tui.present.notes import clean, folded
from tests.tui.sample import DAY, NOW, STREAMS, sample_fleet


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(-5, "0s"), (0, "0s"), (59.9, "59s"), (60, "1m"), (3599, "59m"), (3600, "1h"), (172_799, "47h"), (172_800, "2d")],
)
def test_duration_is_short(seconds: float, text: str) -> None:
    assert when.duration(seconds) == text


def test_age_of_what_never_was_is_nothing() -> None:
    assert when.age(0.0, NOW) == ""
    assert when.span(9_000) == "2h 30m"
    assert when.time_of_day(0) == "00:00:00"


@pytest.mark.parametrize(
    ("number", "text"), [(0, "0"), (999, "999"), (1000, "1.0k"), (999_949, "999.9k"), (1e6, "1.0M")]
)
def test_large_numbers_are_short(number: int, text: str) -> None:
    assert money.count(int(number)) == text


def test_estimates_are_marked() -> None:
    assert money.today(Money(today=420_000, requests=1, estimated=True)) == "~$0.42"
    assert money.today(Money()) == ""
    assert money.rate(Money(rate=None)) == "—"
    assert money.tokens(Tokens(1000, 0, 3000, 200)) == "4.0k in (75% cached), 200 out"


@pytest.mark.parametrize(
    ("today", "rate", "limit", "text"),
    [
        (0, None, 50_000_000, ""),
        (0, 10_000_000, None, ""),
        (40_000_000, 10_000_000, 50_000_000, "limit in 1h 0m"),
        (50_000_000, 10_000_000, 50_000_000, "limit reached"),
        (0, 1_000_000, 50_000_000, "limit not today"),
        (0, 0, 50_000_000, ""),
        (0, 0, 0, "limit reached"),
    ],
)
def test_forecast(today: int, rate: int | None, limit: int | None, text: str) -> None:
    fleet = sample_fleet()
    fleet = replace(fleet, budget=replace(fleet.budget, limit=limit))
    assert money.forecast(fleet, Money(today=today, rate=rate)) == text


def test_forecast_is_for_those_at_work() -> None:
    fleet = replace(sample_fleet(), streams=STREAMS)
    assert money.running(fleet) == 0
    assert money.forecast(fleet, Money(today=1, rate=10_000_000)) == ""
    assert "nobody is at work" in cost.summary(fleet, NOW, 80).plain


@pytest.mark.parametrize(
    ("number", "nouns", "text"),
    [
        (1, ("agent",), "1 agent"),
        (0, ("agent",), "0 agents"),
        (2, ("branch", "branches"), "2 branches"),
        (1, ("branch", "branches"), "1 branch"),
        (1, ("needs", "need"), "1 needs"),
    ],
)
def test_numbers_have_the_noun_that_fits(number: int, nouns: tuple[str, ...], text: str) -> None:
    assert counted(number, *nouns) == text


def test_rejected_work_is_no_progress() -> None:
    fleet = sample_fleet()
    for agent in fleet.streams[2].agents:
        fleet = fleet.with_agent(agent.id, lambda a: replace(a, state=AgentState.REJECTED))
    task = next(n for n in rows.nodes(fleet) if n.key == rows.task_key("edge-api", 0))
    line = rows.row(task, 80, now=NOW, day=DAY).plain
    assert "☐" in line
    assert "0/1" in line


def test_budget_says_in_words_what_its_colour_says() -> None:
    fleet = Fleet()
    fleet = replace(fleet, budget=replace(fleet.budget, limit=10_000_000))
    assert "over" not in money.budget(fleet, Money(today=1_000_000), 10).plain
    assert "over the alert" in money.budget(fleet, Money(today=9_000_000), 10).plain
    assert "over the limit" in money.budget(fleet, Money(today=11_000_000), 10).plain


def test_cells_have_their_width() -> None:
    assert cell("ab", 4).plain == "ab  "
    assert cell("abcdef", 4).cell_length == 4
    assert right("ab", 4).plain == "  ab"
    assert cell("日本語", 4).cell_length == 4
    assert bar(0.5, 10, mark=0.8, tone="", empty="", marked="").plain == "━━━━━───┃─"


@pytest.mark.parametrize("width", [30, 40, 60, 80, 120])
def test_rows_fill_their_width_exactly(width: int) -> None:
    fleet = sample_fleet()
    for node in rows.nodes(fleet):
        assert rows.row(node, width, now=NOW, day=DAY).cell_length == width
    assert rows.heads(width).cell_length == width


def test_closed_rows_hide_what_is_below_and_a_query_opens_them() -> None:
    fleet = sample_fleet()
    shut = frozenset({"infrastructure", rows.task_key("core-services", 0)})
    keys = [n.key for n in rows.nodes(fleet, shut)]
    assert "infrastructure-1" not in keys
    assert "core-services-1" not in keys
    assert "core-services-3" in keys
    assert [n.agent for n in rows.nodes(fleet, shut, "STALLED") if n.agent] == ["edge-api-1"]
    assert [n.key for n in rows.nodes(fleet, frozenset({"mission"}))] == ["mission"]


def test_unchanged_agents_keep_their_value() -> None:
    fleet = sample_fleet()
    first = {n.key: n.value for n in rows.nodes(fleet) if n.kind == "agent"}
    second = {n.key: n.value for n in rows.nodes(replace(fleet, seq=99)) if n.kind == "agent"}
    assert all(first[key] is second[key] for key in first)


def test_streams_land_after_those_they_wait_for() -> None:
    fleet = sample_fleet()
    one, two, three = fleet.streams
    swapped = replace(fleet, streams=(replace(one, after=(StreamKey("edge-api"),)), two, replace(three, after=())))
    assert [s.key for s in train.landing_order(swapped)] == ["edge-api", "infrastructure", "core-services"]
    circle = replace(fleet, streams=(replace(one, after=(StreamKey("edge-api"),)), two, three))
    assert len(train.landing_order(circle)) == 3


def test_lines_of_strangers_are_harmless_and_folded() -> None:
    assert clean("a\x1b[31mb\x07\t\u202ec") == "ab␇ ⟨202E⟩c"
    assert len(clean("x" * 100_000)) == 4_001
    assert [line.plain for line in folded("one two three", look.PLAIN, 8)] == ["one two", "three"]
