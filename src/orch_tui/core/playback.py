"""A mission made of records alone: the console without an engine, and every moment of the past; it changes nothing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar, cast

from orch_tui.core.bus import Bus, Subscription
from orch_tui.model.errors import EngineAway, Refused
from orch_tui.model.facts import Record
from orch_tui.model.fleet import Agent, Fleet
from orch_tui.model.preview import Preview, refusal
from orch_tui.model.reduce import fold
from orch_tui.model.verbs import Page, ReadPage, Verb, tag_of

R = TypeVar("R")
Reader = Callable[[Agent, ReadPage], Page]
"""Reads a page of an agent's file from disk."""

STRIDE = 500
"""A fleet is kept for each so many records, so that going back folds no more than these."""

NO_ENGINE = "no engine runs for this mission; what you see is read from its journal"


class Playback:
    """The mission as its records tell it, at any of their numbers.

    Args:
        records: all of them, oldest first.
        pages: how a page of an agent's file is read; without it nothing but the fleet can be seen.
        why: why the mission cannot be changed here.
    """

    def __init__(self, records: Sequence[Record], pages: Reader | None = None, *, why: str = NO_ENGINE) -> None:
        self._why = why
        self._records = tuple(records)
        self._pages = pages
        self._bus = Bus()
        self._kept = [Fleet()]
        self._fleet = self._at(len(self._records))

    @property
    def fleet(self) -> Fleet:
        """Returns the fleet at the number that was sought last; at first the newest."""
        return self._fleet

    @property
    def records(self) -> Sequence[Record]:
        """Returns every record."""
        return self._records

    def seek(self, seq: int) -> Fleet:
        """Moves to the moment after that record, or as far towards it as there are records."""
        first = self._records[0].seq if self._records else 1
        self._fleet = self._at(min(max(seq - first + 1, 0), len(self._records)))
        self._bus.skip()
        return self._fleet

    def follow(self) -> Subscription:
        """Yields an empty batch for each move through time."""
        return self._bus.follow()

    async def preview(self, verb: Verb[Any]) -> Preview:
        """Returns the refusal that doing it would meet."""
        return refusal(tag_of(verb), self._why)

    async def do(self, verb: Verb[R], *, agreed: str = "", actor: str = "operator") -> R:  # noqa: ARG002  one interface
        """Answers what can be read from disk.

        Raises:
            Refused: the verb would change something.
            EngineAway: only an engine can answer this.
        """
        if isinstance(verb, ReadPage):
            return cast(R, self._page(verb))
        if verb.reads:
            raise EngineAway("No engine runs", f"and {tag_of(verb)} needs one", "`orch-tui launch` starts it")
        raise Refused(f"{tag_of(verb)} needs an engine: {self._why}", hint="`orch-tui launch` starts one")

    async def close(self) -> None:
        """Ends those who follow."""
        self._bus.close()

    def _page(self, verb: ReadPage) -> Page:
        agent = self._fleet.agent(verb.agent)
        if agent is None:
            raise Refused(f"there is no agent {verb.agent!r}", hint="`orch-tui status` lists them")
        if self._pages is None:
            raise EngineAway("No engine runs", "and files are read by one", "`orch-tui launch` starts it")
        return self._pages(agent, verb)

    def _at(self, count: int) -> Fleet:
        whole = count // STRIDE
        while len(self._kept) <= whole:
            start = (len(self._kept) - 1) * STRIDE
            self._kept.append(fold(self._kept[-1], self._records[start : start + STRIDE]))
        return fold(self._kept[whole], self._records[whole * STRIDE : count])
