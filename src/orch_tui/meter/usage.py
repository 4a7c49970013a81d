"""From an answer's bytes to what it used: the only place that reads the Messages API's answers; pure.

Two dialects: one JSON document, and server-sent events cut at any byte. Usage in a stream is cumulative, so a later
value replaces an earlier one and is never added to it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Protocol

import msgspec
from msgspec import Struct

from orch_tui.model.usage import Tokens

RawUsage = dict[str, Any]
"""A `usage` object as the API sent it."""

MOST_TOKENS = 10**12
LONGEST_EVENT = 8 << 20
CHARACTERS_PER_TOKEN = 4


class Reading(Struct, frozen=True):
    """What an answer has said about itself so far."""

    model: str = ""
    usage: RawUsage = {}
    whole: bool = False
    """The answer came to its proper end."""
    started: bool = False
    """Some usage was seen."""
    failed: bool = False
    """An error came instead of, or in the middle of, the answer."""


class Reader(Protocol):
    """Reads one answer while it passes."""

    def feed(self, chunk: bytes) -> None:
        """Takes the next bytes, cut anywhere."""

    def reading(self) -> Reading:
        """Returns what is known by now; called again after the last byte for the final word."""


def count(usage: Mapping[str, Any], field: str) -> int:
    """Returns a field of a usage object as a sane count: 0 for what is missing, negative, absurd or no number."""
    value = usage.get(field)
    return value if type(value) is int and 0 <= value <= MOST_TOKENS else 0


def tokens_of(usage: Mapping[str, Any]) -> Tokens:
    """Returns a usage object by class, compactions included: they are not in its top-level sums."""
    own = Tokens(
        fresh=count(usage, "input_tokens"),
        write=count(usage, "cache_creation_input_tokens"),
        read=count(usage, "cache_read_input_tokens"),
        output=count(usage, "output_tokens"),
    )
    return sum((tokens_of(part) for part in compactions(usage)), own)


def compactions(usage: Mapping[str, Any]) -> Iterator[RawUsage]:
    """Yields the usage of each compaction that ran inside a request."""
    iterations = usage.get("iterations")
    for part in iterations if isinstance(iterations, list) else ():
        if isinstance(part, dict) and part.get("type") == "compaction":
            yield {key: value for key, value in part.items() if key != "iterations"}


def newest(before: RawUsage, after: object) -> RawUsage:
    """Returns usage with each field at its last value that is not null; what is no object says nothing."""
    if not isinstance(after, dict):
        return before
    return {**before, **{key: value for key, value in after.items() if value is not None}}


class _Delta(Struct):
    text: Any = None
    thinking: Any = None
    partial_json: Any = None


class _Message(Struct):
    type: Any = None
    model: Any = None
    usage: Any = None


class _Event(Struct):
    type: Any = None
    message: _Message | None = None
    usage: Any = None
    delta: _Delta | None = None


_EVENT = msgspec.json.Decoder(_Event)
_MESSAGE = msgspec.json.Decoder(_Message)


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _decoded(data: list[bytes]) -> _Event | None:
    try:
        return _EVENT.decode(b"\n".join(data))
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None


class JsonReader:
    """Reads an answer that is one JSON document."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._size = 0

    def feed(self, chunk: bytes) -> None:
        """Keeps the bytes until the document is whole; beyond the cap nothing can be read from it."""
        self._size += len(chunk)
        if self._size <= LONGEST_EVENT * 8:
            self._parts.append(chunk)

    def reading(self) -> Reading:
        """Returns what the document says; nothing while it is not whole."""
        try:
            message = _MESSAGE.decode(b"".join(self._parts))
        except (msgspec.MsgspecError, UnicodeDecodeError):
            return Reading()
        return Reading(
            model=_text(message.model),
            usage=newest({}, message.usage),
            whole=True,
            started=isinstance(message.usage, dict),
            failed=message.type == "error",
        )


class StreamReader:
    """Reads an answer that is a stream of server-sent events, keeping only the event that is not whole yet."""

    def __init__(self) -> None:
        self._rest = b""
        self._data: list[bytes] = []
        self._model = ""
        self._usage: RawUsage = {}
        self._characters = 0
        self._started = self._whole = self._failed = False
        self._skipping = False

    def feed(self, chunk: bytes) -> None:
        """Takes in every line that is whole by now."""
        *lines, rest = (self._rest + chunk).split(b"\n")
        for line in lines:
            self._line(line)
        if len(rest) > LONGEST_EVENT:
            self._skipping, rest = True, b""
        self._rest = rest

    @property
    def started(self) -> bool:
        """Usage of the prompt was seen: the answer has begun."""
        return self._started

    def reading(self) -> Reading:
        """Returns what is known; an answer that was cut counts the characters that came as output."""
        usage = self._usage
        if self._started and not self._whole:
            usage = newest(usage, self._cut_usage())
            guess = -(-self._characters // CHARACTERS_PER_TOKEN)
            usage = {**usage, "output_tokens": max(count(usage, "output_tokens"), guess)}
        return Reading(self._model, usage, self._whole, self._started, self._failed)

    def _line(self, line: bytes) -> None:
        if self._skipping:
            self._skipping = False
            return
        line = line.removesuffix(b"\r")
        if line.startswith(b"data:"):
            self._data.append(line[5:])
        elif not line:
            self._event()

    def _cut_usage(self) -> object:
        """Returns the usage in a last event that lacks only its empty line, None if there is none."""
        last = [self._rest[5:]] if self._rest.startswith(b"data:") else []
        event = _decoded([*self._data, *last])
        return event.usage if event is not None and event.type == "message_delta" else None

    def _event(self) -> None:
        event = _decoded(self._data)
        self._data = []
        if event is not None:
            self._take(event)

    def _take(self, event: _Event) -> None:
        if event.type == "content_block_delta" and event.delta is not None:
            delta = event.delta
            self._characters += sum(len(_text(part)) for part in (delta.text, delta.thinking, delta.partial_json))
        elif event.type == "message_start" and event.message is not None:
            self._started = True
            self._model = _text(event.message.model)
            self._usage = newest(self._usage, event.message.usage)
        elif event.type == "message_delta":
            self._usage = newest(self._usage, event.usage)
        elif event.type == "message_stop":
            self._whole = True
        elif event.type == "error":
            self._failed = True
