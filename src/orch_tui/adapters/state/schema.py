"""The numbered migrations of `state.db`; a published one is never changed, only followed by another."""

from __future__ import annotations

MIGRATIONS: tuple[tuple[str, ...], ...] = (
    (
        "CREATE TABLE journal (seq INTEGER PRIMARY KEY, line BLOB NOT NULL, head TEXT NOT NULL) STRICT",
        """CREATE TRIGGER journal_is_never_changed BEFORE UPDATE ON journal
           BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END""",
        """CREATE TRIGGER journal_is_never_cut BEFORE DELETE ON journal
           BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END""",
    ),
)
