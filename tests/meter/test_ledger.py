from __future__ import annotations

import resource
import sqlite3
import threading
from collections.abc import Iterator
from datetime import timedelta, timezone
from pathlib import Path

import pytest

from orch_tui.meter.ledger import Entry, Grant, Ledger
from orch_tui.model.errors import StorageError
from orch_tui.model.usage import RowKind, Tokens

NOW = 1_795_000_000.0
OWNER = Grant("run1.1", "api-1", "api", "Endpoints")


def entry(kind: RowKind, req: str = "r1", pico: int = 0, at: float = NOW, **more: object) -> Entry:
    return Entry(kind=kind, req=req, at=at, grant=OWNER, model="claude-sonnet-5-5", pico=pico, **more)  # type: ignore[arg-type]


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    opened = Ledger(tmp_path / "ledger.db", NOW)
    yield opened
    opened.close()


def test_a_booked_row_is_read_back_whole(ledger: Ledger) -> None:
    ledger.book(entry("open", pico=5, tokens=Tokens(1, 2, 3, 4), simulated=True, status=200)).result(10)
    (row,) = ledger.rows(0)
    assert (row.seq, row.kind, row.req, row.at, row.day) == (1, "open", "r1", NOW, "2026-11-18")
    assert (row.run, row.agent, row.stream, row.task) == ("run1.1", "api-1", "api", "Endpoints")
    assert (row.pico, row.tokens, row.simulated, row.status) == (5, Tokens(1, 2, 3, 4), True, 200)


def test_a_request_is_settled_once(ledger: Ledger) -> None:
    for pico in (7, 8):
        ledger.book(entry("settle", pico=pico)).result(10)
    assert [row.pico for row in ledger.rows(0)] == [7]


def test_what_was_open_is_settled_at_the_dearer_guess(tmp_path: Path) -> None:
    first = Ledger(tmp_path / "ledger.db", NOW)
    for each in (
        entry("open", "a", 50),
        entry("start", "a", 80, tokens=Tokens(fresh=9)),
        entry("open", "b", 60),
        entry("start", "b", 10),
        entry("open", "c", 70),
        entry("settle", "c", 1),
    ):
        first.book(each).result(10)
    first.close()
    second = Ledger(tmp_path / "ledger.db", NOW + 86_400)
    late = second.rows(6)
    assert second.settled_at_start == 2
    assert {(row.req, row.kind, row.pico, row.estimated) for row in late} == {
        ("a", "settle", 80, True),
        ("b", "settle", 60, True),
    }
    assert {row.day for row in late} == {"2026-11-19"}
    second.close()
    third = Ledger(tmp_path / "ledger.db", NOW)
    assert third.settled_at_start == 0
    assert third.ledger_id == second.ledger_id
    third.close()


def test_the_day_is_that_of_the_budget_zone(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "ledger.db", NOW, timezone(timedelta(hours=14)))
    ledger.book(entry("settle", at=NOW + 12 * 3600)).result(10)
    assert ledger.rows(0)[0].day == "2026-11-19"
    ledger.close()


def test_a_token_is_known_until_its_run_is_revoked_and_never_stored(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "ledger.db", NOW)
    ledger.grant("sesame", OWNER).result(10)
    ledger.close()
    ledger = Ledger(tmp_path / "ledger.db", NOW)
    assert ledger.holder("sesame") == OWNER
    assert ledger.holder("other") is None
    assert ledger.live_runs() == 1
    ledger.revoke("run1.1").result(10)
    assert ledger.holder("sesame") is None
    ledger.close()
    ledger = Ledger(tmp_path / "ledger.db", NOW)
    assert ledger.holder("sesame") is None
    ledger.close()
    assert all(b"sesame" not in path.read_bytes() for path in tmp_path.iterdir())


def test_rows_come_in_pages(ledger: Ledger) -> None:
    for number in range(12):
        last = ledger.book(entry("settle", f"r{number}"))
    last.result(10)
    assert [row.seq for row in ledger.rows(3, 4)] == [4, 5, 6, 7]
    assert ledger.rows(12) == []


def test_listeners_hear_of_commits(ledger: Ledger) -> None:
    heard = threading.Event()
    ledger.listen(heard.set)
    ledger.book(entry("open"))
    assert heard.wait(10)


def test_closing_commits_what_was_handed_over(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "ledger.db", NOW)
    for number in range(500):
        ledger.book(entry("settle", f"r{number}"))
    ledger.close()
    again = Ledger(tmp_path / "ledger.db", NOW)
    assert len(again.rows(0, 1000)) == 500
    again.close()


def test_a_row_that_cannot_be_written_fails_alone(ledger: Ledger) -> None:
    bad = ledger.book(entry("open", "\ud800"))
    good = ledger.book(entry("open", "fine"))
    good.result(10)
    with pytest.raises(StorageError):
        bad.result(10)
    assert [row.req for row in ledger.rows(0)] == ["fine"]


def test_a_full_disk_refuses_new_requests_and_loses_no_settlement(ledger: Ledger, tmp_path: Path) -> None:
    ledger.book(entry("open")).result(10)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, ((tmp_path / "ledger.db-wal").stat().st_size, before[1]))
    try:
        spent = ledger.book(entry("settle", pico=9))
        with pytest.raises(StorageError):
            ledger.book(entry("open", "next")).result(10)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    spent.result(10)
    assert [(row.kind, row.req, row.pico) for row in ledger.rows(0)] == [("open", "r1", 0), ("settle", "r1", 9)]


def test_a_file_that_is_no_ledger_is_said(tmp_path: Path) -> None:
    (tmp_path / "ledger.db").write_bytes(b"not a database, by no means" * 100)
    with pytest.raises(StorageError) as caught:
        Ledger(tmp_path / "ledger.db", NOW)
    assert "ledger.db" in caught.value.detail


def test_a_newer_ledger_is_left_alone(tmp_path: Path) -> None:
    database = sqlite3.connect(tmp_path / "ledger.db")
    database.execute("PRAGMA user_version = 99")
    database.close()
    with pytest.raises(StorageError):
        Ledger(tmp_path / "ledger.db", NOW)
