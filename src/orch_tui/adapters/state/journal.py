"""The journal in `state.db`: the core's `Journal` port for the engine, and reading it without one.

A row holds the line of a record and that line's digest. This module alone knows the table.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from orch_tui.adapters.state.database import Database, Row, Transaction, read
from orch_tui.adapters.state.schema import MIGRATIONS
from orch_tui.model.audit import START, BadRecord, Verdict, decode, digest, encode, verify
from orch_tui.model.errors import StorageError
from orch_tui.model.facts import Record

_ALL = "SELECT line, head FROM journal ORDER BY seq"
_NEWEST = "SELECT seq, head FROM journal ORDER BY seq DESC LIMIT 1"
_INSERT = "INSERT INTO journal (seq, line, head) VALUES (?, ?, ?)"


class SqliteJournal:
    """The records of one mission, appended by the engine alone.

    Args:
        path: the file; it is made when first used.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._database = Database(path, MIGRATIONS)

    async def load(self) -> Sequence[Record]:
        """Returns every record, oldest first, after the chain was verified.

        Raises:
            StorageError: the file cannot be read, or its chain is broken.
        """
        rows = await self._database.run(_rows)
        return _records(rows, self._path)

    async def append(self, records: Sequence[Record]) -> None:
        """Commits these records durably in one transaction.

        Raises:
            StorageError: the disk refused, or somebody else wrote the journal; then nothing happened.
        """
        await self._database.run(lambda transaction: _append(transaction, records, self._path))

    async def close(self) -> None:
        """Lets go of the file."""
        await self._database.close()


def read_records(path: Path) -> Sequence[Record]:
    """Returns every record after the chain was verified, without an engine and beside one that writes.

    Raises:
        StorageError: there is no journal, it cannot be read, or its chain is broken.
    """
    return _records(read(path, _rows), path)


def verify_journal(path: Path) -> Verdict:
    """Says whether the chain in this file is unbroken.

    Raises:
        StorageError: there is no journal or the file cannot be read at all.
    """
    return _verdict(read(path, _rows))


def _rows(transaction: Transaction) -> list[Row]:
    return transaction.rows(_ALL)


def _verdict(rows: Sequence[Row]) -> Verdict:
    return verify((line for line, _ in rows), head=rows[-1][1] if rows else "")


def _records(rows: Sequence[Row], path: Path) -> Sequence[Record]:
    verdict = _verdict(rows)
    if not verdict.ok:
        raise StorageError(
            f"The journal is broken at record {verdict.bad_seq} ({verdict.kind})",
            str(path),
            "keep the file as it is and restore a copy; nothing is written to a broken journal",
        )
    try:
        return tuple(decode(line) for line, _ in rows)
    except BadRecord as error:
        raise StorageError(f"The journal cannot be read: {error}", str(path), "use the newer orch-tui") from error


def _append(transaction: Transaction, records: Sequence[Record], path: Path) -> None:
    newest = transaction.rows(_NEWEST)
    seq, head = newest[0] if newest else (0, START)
    rows = []
    for record in records:
        seq += 1
        if record.seq != seq:
            raise StorageError(
                f"The journal continues at {seq}, not at {record.seq}",
                str(path),
                "another program wrote it; start the engine again",
            )
        line = encode(record, head)
        head = digest(line)
        rows.append((seq, line, head))
    transaction.insert(_INSERT, rows)
