"""The ledger on disk: the one home of `ledger.db`, which the meter alone writes.

Rows are only appended. One thread writes, and commits all that waits as one group with a full sync. A request is
booked `open` before it leaves and settled once: the database refuses a second `settle`. What was open when a meter
died is settled by the next one, at the larger of what it might cost and what its beginning did cost, flagged.
"""

from __future__ import annotations

import hashlib
import queue
import sqlite3
import threading
import uuid
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import suppress
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from orch_tui.model.errors import StorageError
from orch_tui.model.usage import LedgerRow, RowKind, Tokens

MOST_PICO = 2**63 - 1
RETRY_SECONDS = 1.0

_SCHEMA = (
    """
    CREATE TABLE ledger(seq INTEGER PRIMARY KEY AUTOINCREMENT, req TEXT NOT NULL, kind TEXT NOT NULL,
      at TEXT NOT NULL, day TEXT NOT NULL, run TEXT NOT NULL, model TEXT NOT NULL, usd INTEGER NOT NULL,
      body TEXT NOT NULL) STRICT;
    CREATE UNIQUE INDEX once ON ledger(req, kind);
    CREATE TABLE grants(token TEXT PRIMARY KEY, run TEXT NOT NULL, agent TEXT NOT NULL, stream TEXT NOT NULL,
      task TEXT NOT NULL, live INTEGER NOT NULL) STRICT;
    CREATE INDEX runs ON grants(run);
    CREATE TABLE facts(name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
    """,
)
"""Migration n takes a file from `user_version` n to n + 1."""


class Grant(Struct, frozen=True):
    """Whose requests a token stands for."""

    run: str
    agent: str
    stream: str
    task: str


class Entry(Struct, frozen=True):
    """A row to be appended; the ledger adds its number and its day."""

    kind: RowKind
    req: str
    at: float
    grant: Grant
    model: str
    pico: int = 0
    tokens: Tokens = Tokens()
    estimated: bool = False
    partial: bool = False
    priced: bool = True
    simulated: bool = False
    status: int = 0
    usage: dict[str, Any] = {}
    prices: str = ""


class _Body(Struct, frozen=True, omit_defaults=True):
    agent: str = ""
    stream: str = ""
    task: str = ""
    tokens: Tokens = Tokens()
    estimated: bool = False
    partial: bool = False
    priced: bool = True
    simulated: bool = False
    status: int = 0
    usage: dict[str, Any] = {}
    """As the API sent it, with the version of the price list: enough to price the request again."""
    prices: str = ""


class _Job(Struct, frozen=True, eq=False):
    work: Callable[[sqlite3.Connection], None]
    done: Future[None]
    must: bool = False
    """It is tried again for as long as the meter lives: money was spent."""


_REFUSALS = (sqlite3.Error, ValueError, OverflowError)
"""What SQLite raises: a full or broken disk, and text or numbers that it cannot hold."""

_BODY = msgspec.json.Decoder(_Body)
_COLUMNS = "seq, kind, req, at, day, run, model, usd, body"


def digest(token: str) -> str:
    """Returns what is stored of a token."""
    return hashlib.sha256(token.encode()).hexdigest()


class Ledger:
    """An open ledger: reading in the thread that opened it, writing in a thread of its own."""

    def __init__(self, path: Path, now: float, zone: tzinfo = UTC) -> None:
        """Opens or creates the file and settles what an earlier meter left open.

        Args:
            path: the file.
            now: the present, which is when leftovers are settled.
            zone: where a day begins and ends.

        Raises:
            StorageError: the file cannot be used.
        """
        self._path = path
        self._zone = zone
        self._closed = False
        self._listeners: list[Callable[[], None]] = []
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._refused: list[_Job] = []
        try:
            self._reader = _connected(path)
            _migrate(self._reader)
            self.settled_at_start = self._settle_leftovers(now)
        except sqlite3.Error as problem:
            raise _unusable(path, problem) from problem
        self.ledger_id = self.remember_first("id", str(uuid.uuid4()))
        self._grants = {row[0]: Grant(*row[1:]) for row in self._reader.execute(_LIVE_GRANTS)}
        self._thread = threading.Thread(target=self._write_all, name="ledger", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Commits all that was handed over, then lets go of the file."""
        if not self._closed:
            self._closed = True
            self._jobs.put(None)
            self._thread.join()
            self._reader.close()

    def listen(self, heard: Callable[[], None]) -> None:
        """Has a function called, in the writing thread, after each commit."""
        self._listeners.append(heard)

    def book(self, entry: Entry) -> Future[None]:
        """Hands a row over to be committed; returns at once.

        The future is done when the row is on disk and fails with StorageError when the disk refuses it, but for
        `settle`, which is tried until it can be written. A second row of a kind for a request changes nothing.
        """
        values = self._values(entry)
        return self._submit(lambda database: _insert(database, values), must=entry.kind == "settle")

    def grant(self, token: str, grant: Grant) -> Future[None]:
        """Has a token stand for a run from now on, also after a restart."""
        key = digest(token)
        self._grants[key] = grant
        row = (key, grant.run, grant.agent, grant.stream, grant.task)
        return self._submit(lambda database: _execute(database, "INSERT INTO grants VALUES(?, ?, ?, ?, ?, 1)", row))

    def revoke(self, run: str) -> Future[None]:
        """Makes every token of a run unknown."""
        self._grants = {key: grant for key, grant in self._grants.items() if grant.run != run}
        return self._submit(lambda database: _execute(database, "UPDATE grants SET live = 0 WHERE run = ?", (run,)))

    def holder(self, token: str) -> Grant | None:
        """Returns whose requests a token stands for, None if it is unknown."""
        return self._grants.get(digest(token))

    def live_runs(self) -> int:
        """Returns how many runs hold a token."""
        return len({grant.run for grant in self._grants.values()})

    def rows(self, after: int, limit: int = 500) -> Sequence[LedgerRow]:
        """Returns committed rows behind a number, oldest first.

        Raises:
            StorageError: the file cannot be read.
        """
        query = f"SELECT {_COLUMNS} FROM ledger WHERE seq > ? ORDER BY seq LIMIT ?"  # noqa: S608 - a constant
        try:
            return [_row(*values) for values in self._reader.execute(query, (after, limit))]
        except sqlite3.Error as problem:
            raise _unusable(self._path, problem) from problem

    def recall(self, name: str) -> str:
        """Returns what the meter noted about itself, "" if nothing."""
        found = self._reader.execute("SELECT value FROM facts WHERE name = ?", (name,)).fetchone()
        return str(found[0]) if found else ""

    def remember(self, name: str, value: str) -> Future[None]:
        """Notes something that the meter must know after a restart."""
        return self._submit(
            lambda database: _execute(database, "INSERT OR REPLACE INTO facts VALUES(?, ?)", (name, value))
        )

    def remember_first(self, name: str, value: str) -> str:
        """Notes something unless it is noted already; returns what holds. Only before the meter serves."""
        with self._reader:
            self._reader.execute("INSERT OR IGNORE INTO facts VALUES(?, ?)", (name, value))
        return self.recall(name)

    def _values(self, entry: Entry) -> tuple[Any, ...]:
        at = datetime.fromtimestamp(entry.at, UTC)
        body = _Body(
            entry.grant.agent,
            entry.grant.stream,
            entry.grant.task,
            entry.tokens,
            entry.estimated,
            entry.partial,
            entry.priced,
            entry.simulated,
            entry.status,
            entry.usage,
            entry.prices,
        )
        return (
            entry.req,
            entry.kind,
            at.isoformat(),
            at.astimezone(self._zone).date().isoformat(),
            entry.grant.run,
            entry.model,
            min(entry.pico, MOST_PICO),
            msgspec.json.encode(body).decode(),
        )

    def _settle_leftovers(self, now: float) -> int:
        """Settles each request that is open and not settled; returns how many there were."""
        rows = [_row(*values) for values in self._reader.execute(_LEFTOVERS)]
        dearest: dict[str, LedgerRow] = {}
        for row in rows:
            before = dearest.setdefault(row.req, row)
            dearest[row.req] = max(before, row, key=lambda each: each.pico)
        with self._reader:
            for row in dearest.values():
                _insert(self._reader, self._values(_leftover(row, now)))
        return len(dearest)

    def _submit(self, work: Callable[[sqlite3.Connection], None], *, must: bool = False) -> Future[None]:
        job = _Job(work, Future(), must)
        if self._closed:
            job.done.set_exception(StorageError("The ledger is closed", str(self._path), "The meter is ending; retry."))
        else:
            self._jobs.put(job)
        return job.done

    def _write_all(self) -> None:
        """Runs in the writing thread: commits group after group until told to end."""
        database = _connected(self._path)
        try:
            more = True
            while more:
                group, more = self._next_group()
                if group:
                    self._commit(database, group)
        finally:
            database.close()

    def _next_group(self) -> tuple[list[_Job], bool]:
        """Waits for a job; returns it with all that wait behind it, and whether to go on."""
        group, self._refused = self._refused, []
        try:
            job = self._jobs.get(timeout=RETRY_SECONDS if group else None)
            while job is not None:
                if job.must or job.done.set_running_or_notify_cancel():
                    group.append(job)
                job = self._jobs.get_nowait()
        except queue.Empty:
            return group, True
        return group, False

    def _commit(self, database: sqlite3.Connection, group: list[_Job]) -> None:
        try:
            with database:
                database.execute("BEGIN IMMEDIATE")
                for job in group:
                    job.work(database)
        except _REFUSALS as problem:
            self._commit_singly(database, group, problem)
            return
        for job in group:
            job.done.set_result(None)
        self._tell()

    def _commit_singly(self, database: sqlite3.Connection, group: list[_Job], problem: Exception) -> None:
        """Tries each job of a refused group alone, so that one that cannot be written takes no other with it."""
        if len(group) > 1:
            for job in group:
                self._commit(database, [job])
            return
        (job,) = group
        if job.must and isinstance(problem, sqlite3.OperationalError):
            self._refused.append(job)
            return
        error = _unusable(self._path, problem)
        error.__cause__ = problem
        job.done.set_exception(error)

    def _tell(self) -> None:
        for heard in self._listeners:
            with suppress(RuntimeError):  # the listener's event loop has ended
                heard()


_LIVE_GRANTS = "SELECT token, run, agent, stream, task FROM grants WHERE live = 1"
_LEFTOVERS = f"""
    SELECT {_COLUMNS} FROM ledger AS l WHERE kind IN ('open', 'start')
      AND NOT EXISTS (SELECT 1 FROM ledger AS s WHERE s.req = l.req AND s.kind = 'settle') ORDER BY seq
"""  # noqa: S608 - a constant


def _connected(path: Path) -> sqlite3.Connection:
    database = sqlite3.connect(path, timeout=10)
    database.execute("PRAGMA journal_mode = WAL")
    database.execute("PRAGMA synchronous = FULL")
    return database


def _migrate(database: sqlite3.Connection) -> None:
    (done,) = database.execute("PRAGMA user_version").fetchone()
    if done > len(_SCHEMA):
        raise sqlite3.DatabaseError(f"it was written by a newer version (schema {done})")
    for number in range(done, len(_SCHEMA)):
        database.executescript(f"BEGIN; {_SCHEMA[number]} PRAGMA user_version = {number + 1}; COMMIT;")


def _execute(database: sqlite3.Connection, sql: str, values: tuple[Any, ...]) -> None:
    database.execute(sql, values)


def _insert(database: sqlite3.Connection, values: tuple[Any, ...]) -> None:
    database.execute(
        "INSERT OR IGNORE INTO ledger(req, kind, at, day, run, model, usd, body) VALUES(?, ?, ?, ?, ?, ?, ?, ?)", values
    )


def _row(seq: int, kind: RowKind, req: str, at: str, day: str, run: str, model: str, pico: int, text: str) -> LedgerRow:
    body = _BODY.decode(text)
    return LedgerRow(
        seq=seq,
        kind=kind,
        req=req,
        at=datetime.fromisoformat(at).timestamp(),
        day=day,
        run=run,
        agent=body.agent,
        stream=body.stream,
        task=body.task,
        model=model,
        pico=pico,
        tokens=body.tokens,
        estimated=body.estimated,
        partial=body.partial,
        priced=body.priced,
        simulated=body.simulated,
        status=body.status,
    )


def _leftover(row: LedgerRow, now: float) -> Entry:
    return Entry(
        kind="settle",
        req=row.req,
        at=now,
        grant=Grant(row.run, row.agent, row.stream, row.task),
        model=row.model,
        pico=row.pico,
        tokens=row.tokens,
        estimated=True,
        partial=True,
        priced=row.priced,
        simulated=row.simulated,
        status=row.status,
    )


def _unusable(path: Path, problem: Exception) -> StorageError:
    return StorageError(
        "The ledger cannot be written",
        f"{path}: {problem}",
        "Free the disk or mend the file; no request leaves before.",
    )
