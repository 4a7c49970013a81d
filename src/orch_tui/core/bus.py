"""Facts on their way to those who follow them: bounded, coalescing, never waiting for the slowest.

A follower that does not keep up gets one empty batch instead of a longer queue: facts were left out, look at the fleet.
"""

from __future__ import annotations

import asyncio
import weakref
from collections.abc import Sequence

from orch_tui.model.facts import Record

LIMIT = 5000
"""Records that wait for a follower before it is told to look at the fleet instead."""


class Subscription:
    """One follower's view of the facts, as an asynchronous iterator of batches."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._waiting: list[Record] = []
        self._stale = False
        self._closed = False
        self._news = asyncio.Event()

    def __aiter__(self) -> Subscription:
        return self

    async def __anext__(self) -> Sequence[Record]:
        """Returns what came since the last batch, all of it; an empty batch where something was left out."""
        while not (self._waiting or self._stale):
            if self._closed:
                raise StopAsyncIteration
            self._news.clear()
            await self._news.wait()
        batch = tuple(self._waiting)
        self._waiting.clear()
        self._stale = False
        return batch

    def take(self, records: Sequence[Record]) -> None:
        """Adds records to the next batch, or gives the batch up where it would grow past the limit."""
        if self._stale:
            return
        if len(self._waiting) + len(records) > self._limit:
            self.skip()
            return
        self._waiting.extend(records)
        self._news.set()

    def skip(self) -> None:
        """Makes the next batch the empty one: the fleet is not what the facts so far have made."""
        self._waiting.clear()
        self._stale = True
        self._news.set()

    def close(self) -> None:
        """Ends the iteration after what waits."""
        self._closed = True
        self._news.set()

    async def aclose(self) -> None:
        """Ends the iteration, as an asynchronous generator is ended."""
        self.close()


class Bus:
    """Hands records to every subscription that somebody still holds."""

    def __init__(self, limit: int = LIMIT) -> None:
        self._limit = limit
        self._followers: weakref.WeakSet[Subscription] = weakref.WeakSet()
        self._closed = False

    def follow(self) -> Subscription:
        """Returns a subscription to everything from now on; letting go of it ends it."""
        subscription = Subscription(self._limit)
        self._followers.add(subscription)
        if self._closed:
            subscription.close()
        return subscription

    def publish(self, records: Sequence[Record]) -> None:
        """Gives records to all followers."""
        for follower in list(self._followers):
            follower.take(records)

    def skip(self) -> None:
        """Tells all followers to look at the fleet instead of at facts."""
        for follower in list(self._followers):
            follower.skip()

    def close(self) -> None:
        """Ends all subscriptions."""
        self._closed = True
        for follower in list(self._followers):
            follower.close()
