"""In-memory stand-ins for the core's ports: scriptable, and honest about what was asked of them.

A test sets what the world looks like, hands these to the core and reads afterwards what was done.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from orch_tui.model.errors import OrchError
from orch_tui.model.facts import Record


class MemoryJournal:
    """A journal without a disk: it can be held up and made to refuse."""

    def __init__(self, records: Sequence[Record] = ()) -> None:
        self.records = list(records)
        self.commits: list[int] = []
        """How many records each append brought."""
        self._refusal: OrchError | None = None
        self._open = asyncio.Event()
        self._open.set()
        self._reached = asyncio.Event()

    async def load(self) -> Sequence[Record]:
        """Returns every record."""
        return tuple(self.records)

    async def append(self, records: Sequence[Record]) -> None:
        """Takes records, unless it was told otherwise."""
        self._reached.set()
        await self._open.wait()
        if self._refusal:
            raise self._refusal
        self.records += records
        self.commits.append(len(records))

    async def close(self) -> None:
        """Lets go of nothing."""

    def refuse(self, error: OrchError | None) -> None:
        """Makes appends fail, or work again."""
        self._refusal = error

    def block(self) -> None:
        """Makes appends wait."""
        self._open.clear()
        self._reached.clear()

    def unblock(self) -> None:
        """Lets appends go on."""
        self._open.set()

    async def reached(self) -> None:
        """Returns when an append waits."""
        await self._reached.wait()
