"""One SQLite connection in a thread of its own; the only module of the state that touches SQLite.

`state.db` has one writer, the engine. A transaction that returns is on the disk; one that raises never happened.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import os
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

from orch_tui.model.errors import StorageError

T = TypeVar("T")
Row = tuple[Any, ...]
Migration = Sequence[str]

BUSY_MS = 5000
"""How long a write waits for a reader that holds the file, as a backup does."""


class Transaction:
    """What may be done inside one transaction."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def rows(self, sql: str, values: Sequence[Any] = ()) -> list[Row]:
        """Returns the rows that a statement yields."""
        return self._connection.execute(sql, values).fetchall()

    def insert(self, sql: str, rows: Iterable[Sequence[Any]]) -> None:
        """Runs a statement once for each row."""
        self._connection.executemany(sql, rows)


class Database:
    """A database file with numbered migrations; opened at its first use.

    Args:
        path: the file; it and its directory are made, readable by their owner alone.
        migrations: statements that lead from each version of the schema to the next.
    """

    def __init__(self, path: Path, migrations: Sequence[Migration]) -> None:
        self._path = path
        self._migrations = migrations
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="state")
        self._connection: sqlite3.Connection | None = None

    async def run(self, work: Callable[[Transaction], T]) -> T:
        """Does the work in one transaction, committed durably when this returns.

        Raises:
            StorageError: the disk refused or the file is not ours to use; then nothing happened.
        """
        loop = asyncio.get_running_loop()
        return await asyncio.shield(loop.run_in_executor(self._thread, self._run, work))

    async def close(self) -> None:
        """Closes the file after what is under way."""
        await asyncio.get_running_loop().run_in_executor(self._thread, self._close)
        self._thread.shutdown(wait=False)

    def _run(self, work: Callable[[Transaction], T]) -> T:
        with translated(self._path):
            if self._connection is None:
                self._connection = _open(self._path, self._migrations)
            return _transact(self._connection, work)

    def _close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def read(path: Path, work: Callable[[Transaction], T]) -> T:
    """Does some reading work on a consistent state of the file, also while its writer is at work.

    Raises:
        StorageError: there is no such file, or it cannot be read.
    """
    if not path.is_file():
        raise StorageError("There is no journal yet", str(path), "launch something; the first engine makes it")
    with translated(path), contextlib.closing(_reader(path)) as connection:
        connection.execute("BEGIN")
        return work(Transaction(connection))


def sqlite_version() -> str:
    """Returns the version of the SQLite library."""
    return sqlite3.sqlite_version


@contextlib.contextmanager
def translated(path: Path) -> Iterator[None]:
    """Turns errors of SQLite and of the disk into a `StorageError` that names the file."""
    try:
        yield
    except sqlite3.Error as error:
        raise StorageError(f"The disk refused: {error}", str(path), _advice(error)) from error
    except OSError as error:
        raise StorageError(f"The disk refused: {error.strerror}", str(path), "check the directory's rights") from error


def _advice(error: sqlite3.Error) -> str:
    name = getattr(error, "sqlite_errorname", "")
    if name.startswith(("SQLITE_FULL", "SQLITE_IOERR")):
        return "make room on the disk; nothing was recorded and nothing was done"
    if name.startswith(("SQLITE_READONLY", "SQLITE_CANTOPEN", "SQLITE_PERM")):
        return "make the state directory writable, or set [paths] state in orch.toml"
    if name.startswith(("SQLITE_NOTADB", "SQLITE_CORRUPT")):
        return "move the file away and keep it; `orch-tui audit verify` says how far it can be read"
    return "nothing was recorded and nothing was done"


def _open(path: Path, migrations: Sequence[Migration]) -> sqlite3.Connection:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    os.close(os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600))
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    try:
        connection.execute(f"PRAGMA busy_timeout = {BUSY_MS}")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA foreign_keys = ON")
        _migrate(connection, path, migrations)
    except BaseException:
        connection.close()
        raise
    return connection


def _reader(path: Path) -> sqlite3.Connection:
    wal = path.with_name(path.name + "-wal")
    # A file without a log beside it cannot change under us, and may lie where nothing can be created.
    quiet = not wal.exists() and not os.access(path.parent, os.W_OK)
    uri = f"{path.absolute().as_uri()}?mode=ro{'&immutable=1' if quiet else ''}"
    connection = sqlite3.connect(uri, uri=True, isolation_level=None)
    connection.execute(f"PRAGMA busy_timeout = {BUSY_MS}")
    return connection


def _migrate(connection: sqlite3.Connection, path: Path, migrations: Sequence[Migration]) -> None:
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    if version > len(migrations):
        raise StorageError(
            f"A newer orch-tui wrote this state (schema {version}; this one knows {len(migrations)})",
            str(path),
            "use that version, or another [paths] state",
        )
    for number, statements in enumerate(migrations[version:], version + 1):
        _transact(connection, functools.partial(_step, number, statements))


def _step(number: int, statements: Migration, transaction: Transaction) -> None:
    for statement in statements:
        transaction.rows(statement)
    transaction.rows(f"PRAGMA user_version = {number}")


def _transact(connection: sqlite3.Connection, work: Callable[[Transaction], T]) -> T:
    connection.execute("BEGIN IMMEDIATE")
    try:
        result = work(Transaction(connection))
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
    return result
