"""What meter and client say to each other: one JSON line per request and per answer, on a Unix socket; pure.

The first field of each line names its kind. Agents never see this socket.
"""

from __future__ import annotations

import hashlib
from typing import TypeAlias

import msgspec
from msgspec import Struct

from orch_tui.model.errors import OrchError
from orch_tui.model.usage import LedgerRow

LONGEST_LINE = 8 << 20
ROWS_PER_LINE = 500


class AskStatus(Struct, frozen=True, tag="status"):
    """Who are you?"""


class AskGrant(Struct, frozen=True, tag="grant"):
    """Let a run send requests."""

    run: str
    agent: str
    stream: str
    task: str


class AskRevoke(Struct, frozen=True, tag="revoke"):
    """The run has ended."""

    run: str


class AskRows(Struct, frozen=True, tag="rows"):
    """The committed rows behind a number, at most a page of them."""

    after: int


class AskFollow(Struct, frozen=True, tag="follow"):
    """The rows behind a number and, for as long as the connection lasts, those to come."""

    after: int


class AskStop(Struct, frozen=True, tag="stop"):
    """End."""


Ask: TypeAlias = AskStatus | AskGrant | AskRevoke | AskRows | AskFollow | AskStop


class MeterStatus(Struct, frozen=True, tag="is"):
    """Who the meter is and how it stands."""

    url: str
    pid: int
    ledger_id: str
    upstream: str
    zone: str
    key: str
    """The fingerprint of the real key, "" without one."""
    simulated: bool
    clients: int = 0
    runs: int = 0
    in_flight: int = 0


class Granted(Struct, frozen=True, tag="granted"):
    """The base URL for a run's requests."""

    url: str


class Done(Struct, frozen=True, tag="done"):
    """It is done."""


class Rows(Struct, frozen=True, tag="rows"):
    """Rows of the ledger, oldest first."""

    rows: list[LedgerRow]


class Failed(Struct, frozen=True, tag="failed"):
    """An error that is raised again on the other side."""

    kind: str
    title: str
    detail: str
    hint: str


Answer: TypeAlias = MeterStatus | Granted | Done | Rows | Failed

_ASK: msgspec.json.Decoder[Ask] = msgspec.json.Decoder(Ask)
_ANSWER: msgspec.json.Decoder[Answer] = msgspec.json.Decoder(Answer)


def line(message: Ask | Answer) -> bytes:
    """Returns a message as its line."""
    return msgspec.json.encode(message) + b"\n"


def read_ask(text: bytes) -> Ask:
    """Returns the request of a line.

    Raises:
        msgspec.MsgspecError: it is none.
    """
    return _ASK.decode(text)


def read_answer(text: bytes) -> Answer:
    """Returns the answer of a line.

    Raises:
        msgspec.MsgspecError: it is none.
    """
    return _ANSWER.decode(text)


def failed(error: OrchError) -> Failed:
    """Returns an error as it crosses the socket."""
    return Failed(error.kind, error.title, error.detail, error.hint)


def fingerprint(key: str) -> str:
    """Returns what may be said of a key: enough to tell two apart, no part of it."""
    return hashlib.sha256(b"orch-tui key " + key.encode()).hexdigest()[:16] if key else ""
