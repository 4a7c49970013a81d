from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from orch_tui.meter.booking import Booking
from orch_tui.meter.ledger import Grant, Ledger
from orch_tui.model.usage import LedgerRow, Tokens

from .conftest import NOW
from .test_usage import ANSWER, END, START

OWNER = Grant("run1.1", "api-1", "api", "Endpoints")
BODY = b'{"model": "claude-sonnet-5-5", "max_tokens": 128000, "messages": []}'


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    opened = Ledger(tmp_path / "ledger.db", NOW)
    yield opened
    opened.close()


def booking(ledger: Ledger, body: bytes = BODY, *, simulated: bool = False) -> Booking:
    made = Booking(ledger, OWNER, body, lambda: NOW, simulated=simulated)
    made.open().result(10)
    return made


def settled(ledger: Ledger, made: Booking) -> LedgerRow:
    made.settle()
    made.settle()
    ledger.remember("after", "all of it").result(10)
    rows = ledger.rows(0)
    assert [row.kind for row in rows].count("settle") == 1
    return rows[-1]


def test_what_never_left_is_free(ledger: Ledger) -> None:
    row = settled(ledger, booking(ledger))
    assert (row.pico, row.status, row.estimated) == (0, 0, False)


def test_an_open_row_says_what_it_may_cost(ledger: Ledger) -> None:
    booking(ledger, simulated=True)
    (row,) = ledger.rows(0)
    assert (row.kind, row.estimated, row.simulated) == ("open", True, True)
    assert row.tokens == Tokens(write=len(BODY) // 4, output=4000)


def test_what_left_and_said_nothing_costs_the_estimate(ledger: Ledger) -> None:
    made = booking(ledger)
    made.leave()
    row = settled(ledger, made)
    assert (row.estimated, row.partial, row.pico) == (True, True, ledger.rows(0)[0].pico)


def test_an_answer_is_settled_by_its_own_words(ledger: Ledger) -> None:
    made = booking(ledger)
    made.leave()
    made.answered(200, "text/event-stream; charset=utf-8", simulated=False)
    for number in range(len(ANSWER)):
        made.feed(ANSWER[number : number + 1])
    row = settled(ledger, made)
    assert (row.tokens, row.status, row.partial, row.estimated) == (Tokens(12, 300, 4000, 57), 200, False, False)
    start = ledger.rows(0)[1]
    assert (start.kind, start.tokens) == ("start", Tokens(12, 300, 4000, 1))
    assert 0 < start.pico < row.pico


def test_the_answering_model_is_the_one_that_costs(ledger: Ledger) -> None:
    made = booking(ledger, b'{"model": "sonnet"}')
    made.leave()
    made.answered(200, "text/event-stream", simulated=True)
    made.feed(START + END)
    row = settled(ledger, made)
    assert (row.model, row.priced, row.simulated) == ("claude-sonnet-5-5", True, True)


@pytest.mark.parametrize("body", [b"", b"[]", b"{oops", b'{"model": 5, "max_tokens": "x"}', b'{"model": "\\ud800"}'])
def test_an_odd_body_is_booked_all_the_same(ledger: Ledger, body: bytes) -> None:
    made = booking(ledger, body)
    made.leave()
    row = settled(ledger, made)
    assert (row.model, row.priced) == ("", False)
    assert row.pico > 0


def test_an_upstream_that_was_not_there_is_free(ledger: Ledger) -> None:
    made = booking(ledger)
    made.leave()
    made.unreached()
    row = settled(ledger, made)
    assert (row.pico, row.status) == (0, 502)
