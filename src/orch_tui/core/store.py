"""The one entrance of facts: what waits is committed in one transaction, then folded, then published.

No fact is visible that is not on the disk. Everybody in the engine who learns something puts it here.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from orch_tui.core.bus import Bus, Subscription
from orch_tui.core.ports import Clock, Journal
from orch_tui.model.audit import exact
from orch_tui.model.errors import OrchError, StorageError
from orch_tui.model.facts import Fact, Record
from orch_tui.model.fleet import Fleet
from orch_tui.model.reduce import fold


@dataclass(frozen=True)
class _Waiting:
    """Facts of one call, and whoever awaits their records."""

    facts: tuple[Fact, ...]
    actor: str
    done: asyncio.Future[Sequence[Record]]


class Store:
    """The mission's newest value, and the only way to change it.

    Args:
        journal: where facts become durable.
        clock: what time it is.
        fleet: the fold of what the journal holds already.
    """

    def __init__(self, journal: Journal, clock: Clock, fleet: Fleet) -> None:
        self._journal = journal
        self._clock = clock
        self._fleet = fleet
        self._bus = Bus()
        self._waiting: list[_Waiting] = []
        self._writer: asyncio.Task[None] | None = None
        self._closed = False

    @classmethod
    async def open(cls, journal: Journal, clock: Clock) -> Store:
        """Returns a store that stands where the journal ends.

        Raises:
            StorageError: the journal cannot be read or is broken.
        """
        return cls(journal, clock, fold(Fleet(), await journal.load()))

    @property
    def fleet(self) -> Fleet:
        """Returns the newest value."""
        return self._fleet

    def follow(self) -> Subscription:
        """Returns the facts from now on, in batches, each after `fleet` has taken it in."""
        return self._bus.follow()

    async def put(self, *facts: Fact, actor: str = "engine") -> Sequence[Record]:
        """Records facts, all or none, and returns their records once `fleet` has taken them in.

        Whoever stops waiting does not take them back.

        Raises:
            StorageError: the disk refused; then nothing happened.
        """
        if not facts:
            return ()
        if self._closed:
            raise StorageError("The mission is closed", f"{type(facts[0]).__name__} was not recorded", "open it again")
        waiting = _Waiting(facts, actor, asyncio.get_running_loop().create_future())
        self._waiting.append(waiting)
        if self._writer is None or self._writer.done():
            self._writer = asyncio.create_task(self._write(), name="store")
        return await waiting.done

    async def changed(self, predicate: Callable[[Fleet], bool]) -> Fleet:
        """Returns the fleet as soon as the predicate holds for it."""
        facts = self.follow()
        if predicate(self._fleet):
            return self._fleet
        async for _ in facts:
            if predicate(self._fleet):
                return self._fleet
        raise StorageError("The mission was closed", "while somebody waited for a change", "open it again")

    async def close(self) -> None:
        """Commits what waits, ends the subscriptions and lets go of the journal."""
        self._closed = True
        if self._writer is not None:
            await asyncio.wait([self._writer])
        self._bus.close()
        await self._journal.close()

    async def _write(self) -> None:
        while self._waiting:
            group, self._waiting = self._waiting, []
            try:
                await self._commit(group)
            except OrchError as error:
                for waiting in group:
                    _fail(waiting, error)
            finally:
                for waiting in group:
                    _fail(waiting, StorageError("The facts could not be recorded", "", "see engine.log"))

    async def _commit(self, group: Sequence[_Waiting]) -> None:
        at = exact(self._clock.now())
        seq = self._fleet.seq
        parts: list[tuple[Record, ...]] = []
        for waiting in group:
            parts.append(tuple(Record(seq + i, at, waiting.actor, fact) for i, fact in enumerate(waiting.facts, 1)))
            seq += len(waiting.facts)
        records = [record for part in parts for record in part]
        await self._journal.append(records)
        self._fleet = fold(self._fleet, records)
        self._bus.publish(records)
        for waiting, part in zip(group, parts, strict=True):
            if not waiting.done.done():
                waiting.done.set_result(part)


def _fail(waiting: _Waiting, error: OrchError) -> None:
    if not waiting.done.done():
        waiting.done.set_exception(error)
