"""The books of one request: what it may cost, what its beginning cost, what it did cost; settled exactly once.

The proxy tells it what happens; it writes rows through the ledger and never waits for them, except for the first.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

import msgspec
from msgspec import Struct

from orch_tui.meter.ledger import Entry, Grant, Ledger
from orch_tui.meter.pricing import LONGEST_MODEL, Price, price, price_list, reservation
from orch_tui.meter.usage import JsonReader, StreamReader, tokens_of
from orch_tui.model.usage import RowKind, Tokens

FIRST_ERROR = 400
UNREACHED = 502


class _Request(Struct):
    model: Any = None
    max_tokens: Any = None


_REQUEST = msgspec.json.Decoder(_Request)


class Booking:
    """The rows of one billable request."""

    def __init__(
        self, ledger: Ledger, grant: Grant, body: bytes, clock: Callable[[], float], *, simulated: bool
    ) -> None:
        self._ledger = ledger
        self._grant = grant
        self._clock = clock
        self._simulated = simulated
        self._req = uuid.uuid4().hex
        self._status = 0
        self._free = True
        self._start_booked = self._settled = False
        self._reader: StreamReader | JsonReader = JsonReader()
        asked = _asked(body)
        self._model = asked.model[:LONGEST_MODEL] if isinstance(asked.model, str) else ""
        most = asked.max_tokens if type(asked.max_tokens) is int else 0
        self._reserved, self._reservation = reservation(self._model, len(body), most, clock())

    def open(self) -> Future[None]:
        """Books the request at what it may cost; it may leave when the future is done."""
        entry = self._entry("open", self._reservation, tokens_of(self._reserved), estimated=True)
        return self._ledger.book(entry)

    def leave(self) -> None:
        """Says that the upstream may have seen the request: from now on it may cost."""
        self._free = False

    def unreached(self) -> None:
        """Says that no upstream was there to see the request."""
        self._free = True
        self._status = UNREACHED

    def answered(self, status: int, content_type: str, *, simulated: bool) -> None:
        """Says how the answer begins; an error costs nothing."""
        self._status = status
        self._simulated = self._simulated or simulated
        self._free = status >= FIRST_ERROR
        if content_type.startswith("text/event-stream"):
            self._reader = StreamReader()

    def feed(self, chunk: bytes) -> None:
        """Reads the answer's next bytes, before they are passed on."""
        reader = self._reader
        reader.feed(chunk)
        if isinstance(reader, StreamReader) and reader.started and not self._start_booked:
            self._start_booked = True
            reading = reader.reading()
            self._ledger.book(self._used("start", reading.model, reading.usage))

    def settle(self) -> None:
        """Books what the request cost, once; returns at once, so it may stand in a `finally`."""
        if not self._settled:
            self._settled = True
            self._ledger.book(self._settlement())

    def _settlement(self) -> Entry:
        if self._free:
            return self._entry("settle", Price(0, priced=True), Tokens())
        reading = self._reader.reading()
        if not reading.started:
            tokens = tokens_of(self._reserved)
            return self._entry("settle", self._reservation, tokens, estimated=True, partial=True)
        return self._used("settle", reading.model, reading.usage, partial=not reading.whole)

    def _used(self, kind: RowKind, model: str, usage: dict[str, Any], *, partial: bool = False) -> Entry:
        self._model = model[:LONGEST_MODEL] or self._model
        cost = price(self._model, usage, self._clock())
        return self._entry(kind, cost, tokens_of(usage), partial=partial, usage=usage)

    def _entry(
        self,
        kind: RowKind,
        cost: Price,
        tokens: Tokens,
        *,
        estimated: bool = False,
        partial: bool = False,
        usage: dict[str, Any] | None = None,
    ) -> Entry:
        return Entry(
            kind=kind,
            req=self._req,
            at=self._clock(),
            grant=self._grant,
            model=self._model,
            pico=cost.pico,
            tokens=tokens,
            estimated=estimated,
            partial=partial,
            priced=cost.priced,
            simulated=self._simulated,
            status=self._status,
            usage=usage or {},
            prices=price_list(),
        )


def _asked(body: bytes) -> _Request:
    """Returns what a body asks for; what cannot be read is the upstream's to refuse."""
    try:
        return _REQUEST.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return _Request()
