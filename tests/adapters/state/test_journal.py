from __future__ import annotations

import asyncio
import resource
import signal
import sqlite3
import stat
import subprocess
import sys
from contextlib import closing

import pytest

from orch_tui.adapters.state.database import Database
from orch_tui.adapters.state.journal import SqliteJournal, read_records, verify_journal
from orch_tui.adapters.state.schema import MIGRATIONS
from orch_tui.model.errors import StorageError
from tests.records import judged


async def test_what_was_appended_is_there_for_the_next(tmp_path):
    path = tmp_path / "deep" / "state.db"
    journal = SqliteJournal(path)
    assert await journal.load() == ()
    first, second = [judged(1), judged(2, "\udc80\x1b")], [judged(3)]
    await journal.append(first)
    await journal.append(second)
    await journal.close()
    again = SqliteJournal(path)
    assert await again.load() == (*first, *second)
    await again.close()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert verify_journal(path).records == 3


async def test_it_reads_while_the_engine_writes(tmp_path):
    path = tmp_path / "state.db"
    journal = SqliteJournal(path)
    for seq in range(1, 21):
        await journal.append([judged(seq)])
        assert len(read_records(path)) == seq
    await journal.close()
    assert len(read_records(path)) == 20


async def test_it_reads_in_a_directory_that_cannot_be_written(tmp_path):
    place = tmp_path / "state"
    journal = SqliteJournal(place / "state.db")
    await journal.append([judged(1)])
    await journal.close()
    place.chmod(0o500)
    try:
        assert read_records(place / "state.db") == (judged(1),)
    finally:
        place.chmod(0o700)


def test_no_journal_is_a_plain_error(tmp_path):
    with pytest.raises(StorageError, match="no journal"):
        read_records(tmp_path / "state.db")


async def test_a_gap_in_the_numbers_is_refused(tmp_path):
    journal = SqliteJournal(tmp_path / "state.db")
    await journal.append([judged(1)])
    with pytest.raises(StorageError, match="continues at 2, not at 4"):
        await journal.append([judged(4)])
    with pytest.raises(StorageError, match="continues at 3, not at 2"):
        await journal.append([judged(2), judged(2)])
    await journal.append([judged(2)])
    assert len(await journal.load()) == 2
    await journal.close()


async def test_a_full_disk_refuses_and_nothing_happened(tmp_path):
    path = tmp_path / "state.db"
    journal = SqliteJournal(path)
    await journal.append([judged(1)])
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (path.with_name("state.db-wal").stat().st_size + 8192, hard))
    try:
        with pytest.raises(StorageError, match="The disk refused") as refused:
            await journal.append([judged(seq, "x" * 1000) for seq in range(2, 100)])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert "nothing was done" in refused.value.hint
    assert await journal.load() == (judged(1),)
    await journal.append([judged(2)])
    await journal.close()
    assert read_records(path) == (judged(1), judged(2))


async def test_a_newer_schema_is_refused(tmp_path):
    path = tmp_path / "state.db"
    newer = Database(path, (*MIGRATIONS, ("CREATE TABLE later (n INTEGER) STRICT",)))
    await newer.run(lambda transaction: None)
    await newer.close()
    journal = SqliteJournal(path)
    with pytest.raises(StorageError, match="A newer orch-tui wrote this"):
        await journal.load()
    await journal.close()


async def test_a_file_that_is_no_database_is_a_plain_error(tmp_path):
    path = tmp_path / "state.db"
    path.write_bytes(b"hello" * 1000)
    journal = SqliteJournal(path)
    with pytest.raises(StorageError, match="The disk refused"):
        await journal.load()
    await journal.close()
    with pytest.raises(StorageError):
        read_records(path)


async def test_an_edited_row_is_found(tmp_path):
    path = tmp_path / "state.db"
    journal = SqliteJournal(path)
    await journal.append([judged(seq) for seq in range(1, 6)])
    await journal.close()
    with closing(sqlite3.connect(path)) as intruder:
        with pytest.raises(sqlite3.IntegrityError, match="append-only"):
            intruder.execute("UPDATE journal SET head = 'x' WHERE seq = 3")
        with pytest.raises(sqlite3.IntegrityError, match="append-only"):
            intruder.execute("DELETE FROM journal WHERE seq = 3")
        intruder.execute("DROP TRIGGER journal_is_never_changed")
        intruder.execute("UPDATE journal SET line = CAST(replace(line, 'number 5', 'number 6') AS BLOB) WHERE seq = 5")
        intruder.commit()
    assert verify_journal(path).kind == "cut"
    with pytest.raises(StorageError, match="broken at record 5"):
        read_records(path)
    again = SqliteJournal(path)
    with pytest.raises(StorageError, match="broken at record 5"):
        await again.load()
    await again.close()


WRITER = """
import asyncio, sys
from pathlib import Path
from orch_tui.adapters.state.journal import SqliteJournal
from tests.records import judged

async def write():
    journal = SqliteJournal(Path(sys.argv[1]))
    seq = len(await journal.load())
    while True:
        await journal.append([judged(seq + 1), judged(seq + 2)])
        seq += 2
        print(seq, flush=True)

asyncio.run(write())
"""


def test_a_killed_writer_loses_nothing_that_it_acknowledged(tmp_path):
    path = tmp_path / "state.db"
    acknowledged = 0
    for round_ in range(6):
        writer = subprocess.Popen([sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE)
        with writer:
            for _ in range(20 + 7 * round_):
                acknowledged = int(writer.stdout.readline())
            writer.send_signal(signal.SIGKILL)
            rest = writer.stdout.read().split()
        acknowledged = int(rest[-1]) if rest else acknowledged
        assert verify_journal(path).ok
        assert len(read_records(path)) >= acknowledged
        assert len(read_records(path)) % 2 == 0


async def test_an_append_whose_caller_went_away_is_whole(tmp_path):
    journal = SqliteJournal(tmp_path / "state.db")
    await journal.load()
    caller = asyncio.create_task(journal.append([judged(1), judged(2)]))
    await asyncio.sleep(0)
    caller.cancel()
    with pytest.raises(asyncio.CancelledError):
        await caller
    assert len(await journal.load()) == 2
    await journal.close()
