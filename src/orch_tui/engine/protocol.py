"""The wire between clients and the engine: one JSON line each way per message, as structs; pure.

A client says `Hello`, then asks and follows; every request carries a number and its answer repeats it. The wire is the
union of verbs and the union of facts, so a new verb or fact changes nothing here.
"""

from __future__ import annotations

import json
from typing import Any, Final, TypeVar

import msgspec
from msgspec import Struct

from orch_tui.model.errors import EngineAway, OrchError
from orch_tui.model.facts import Record
from orch_tui.model.fleet import Fleet
from orch_tui.model.verbs import AnyVerb

VERSION: Final = 1
"""Both sides must speak the same one; it is in the first line of each."""

REQUEST_CAP: Final = 4 * 1024 * 1024
REPLY_CAP: Final = 256 * 1024 * 1024
RECORDS_PER_LINE: Final = 1000


class Hello(Struct, frozen=True, tag="hello"):
    """The first line of either side."""

    v: int
    program: str = ""


class Ask(Struct, frozen=True, tag="ask"):
    """Do this verb."""

    id: int
    verb: AnyVerb
    agreed: str = ""
    actor: str = "operator"


class Preview(Struct, frozen=True, tag="preview"):
    """Say what this verb would do."""

    id: int
    verb: AnyVerb


class Follow(Struct, frozen=True, tag="follow"):
    """Send the fleet, and facts from then on."""


class Answer(Struct, frozen=True, tag="answer"):
    """What a request came to; `seq` is the record that the fleet had reached by then."""

    id: int
    seq: int
    value: Any


class Failed(Struct, frozen=True, tag="failed"):
    """Why a request came to nothing; number 0: why the connection ends."""

    id: int
    seq: int
    kind: str
    title: str
    detail: str = ""
    hint: str = ""


class Snapshot(Struct, frozen=True, tag="snapshot"):
    """The whole fleet, in place of whatever facts came before."""

    fleet: Fleet


class Facts(Struct, frozen=True, tag="facts"):
    """Records that follow the last snapshot or facts without a gap."""

    records: tuple[Record, ...]


class Bye(Struct, frozen=True, tag="bye"):
    """The engine ends in good order; a client that hears no such word has lost it."""

    reason: str


Request = Hello | Ask | Preview | Follow
Reply = Hello | Answer | Failed | Snapshot | Facts | Bye

_T = TypeVar("_T")
_requests: Final[msgspec.json.Decoder[Request]] = msgspec.json.Decoder(Request)
_replies: Final[msgspec.json.Decoder[Reply]] = msgspec.json.Decoder(Reply)


def encode(message: Request | Reply) -> bytes:
    """Returns the message as one line with its line end."""
    try:
        return msgspec.json.encode(message) + b"\n"
    except UnicodeEncodeError:  # a name from git that is not UTF-8: only the slower encoder can spell it
        return json.dumps(msgspec.to_builtins(message), separators=(",", ":")).encode("ascii") + b"\n"


def decode_request(line: bytes) -> Request:
    """Returns the request that a line holds.

    Raises:
        EngineAway: it holds none that this version knows.
    """
    return _decode(line, _requests, Request)


def decode_reply(line: bytes) -> Reply:
    """Returns the reply that a line holds.

    Raises:
        EngineAway: it holds none that this version knows.
    """
    return _decode(line, _replies, Reply)


def failed(id: int, seq: int, error: OrchError) -> Failed:  # noqa: A002  the field's name
    """Returns the error as it crosses the wire."""
    return Failed(id, seq, error.kind, error.title, error.detail, error.hint)


def check_version(hello: Request | Reply, whose: str) -> None:
    """Says whether the other side can be talked to.

    Raises:
        EngineAway: it speaks another version, or did not say hello first.
    """
    if isinstance(hello, Failed):
        raise EngineAway(hello.title, hello.detail, hello.hint)
    if not isinstance(hello, Hello):
        raise EngineAway(f"The {whose} did not say hello", type(hello).__name__)
    if hello.v != VERSION:
        raise EngineAway(
            f"The {whose} is of another version",
            f"it speaks protocol {hello.v} ({hello.program}), this program speaks {VERSION}",
            "run `orch-tui engine stop` with the version that started it; agents go on meanwhile",
        )


def _decode(line: bytes, decoder: msgspec.json.Decoder[_T], kind: object) -> _T:
    try:
        return decoder.decode(line)
    except msgspec.DecodeError as error:
        if b"\\ud" not in line.lower():
            raise _unreadable(error) from error
    try:
        return msgspec.convert(json.loads(line), kind)  # type: ignore[no-any-return]
    except (msgspec.ValidationError, ValueError, RecursionError) as error:
        raise _unreadable(error) from error


def _unreadable(error: Exception) -> EngineAway:
    return EngineAway("A line on the engine's socket cannot be read", str(error), "are both sides of one version?")
