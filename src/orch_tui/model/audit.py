"""The bytes of a record and the chain that holds them together; pure, and the only place that knows either.

A record is one line of canonical JSON: sorted keys, no spaces, ASCII. `prev` is the SHA-256 of the whole line before,
so an edited, missing, added or moved line shows. Whether the newest lines were cut off, the chain alone cannot tell.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterable
from typing import Any, Final

import msgspec
from msgspec import Struct

from orch_tui.model.facts import Fact, Record

VERSION: Final = 1
START: Final = "0" * 64
"""What the first record names as the line before it."""

_KEYS: Final = frozenset({"v", "seq", "ts", "actor", "act", "data", "prev"})
_MICROS: Final = 1_000_000


class BadRecord(ValueError):
    """A line is no record that this version can read."""


class Verdict(Struct, frozen=True):
    """What verifying found: how many records are sound, and where and how the first one is not.

    `kind` is "" or one of: `unreadable` (no record at all), `spelling` (a record, but not the bytes that we write),
    `number` (not the number that comes next), `chain` (it does not follow the line before it), `cut` (the newest
    line is not the one that was expected).
    """

    ok: bool
    records: int
    bad_seq: int = 0
    kind: str = ""
    head: str = START


def exact(at: float) -> float:
    """Returns the time as a record keeps it: whole microseconds."""
    return round(at * _MICROS) / _MICROS


def digest(line: bytes) -> str:
    """Returns the name by which the next record refers to this line."""
    return hashlib.sha256(line).hexdigest()


def encode(record: Record, prev: str) -> bytes:
    """Returns the record as one line without its line end."""
    data = msgspec.to_builtins(record.fact)
    fields = {
        "v": VERSION,
        "seq": record.seq,
        "ts": round(record.at * _MICROS),
        "actor": record.actor,
        "act": data.pop("type"),
        "data": data,
        "prev": prev,
    }
    return _canonical(fields)


def decode(line: bytes) -> Record:
    """Returns the record that a line holds.

    Raises:
        BadRecord: the line is no record, or one of a newer version.
    """
    fields = _fields(line)
    if fields["v"] != VERSION:
        raise BadRecord(f"record {fields['seq']} has version {fields['v']}; this program knows version {VERSION}")
    try:
        fact: Fact = msgspec.convert({**fields["data"], "type": fields["act"]}, Fact)
    except msgspec.ValidationError as error:
        raise BadRecord(f"record {fields['seq']} ({fields['act']!a}): {error}") from error
    return Record(fields["seq"], fields["ts"] / _MICROS, fields["actor"], fact)


def verify(lines: Iterable[bytes], *, head: str = "") -> Verdict:
    """Says whether these lines are an unbroken chain from the first record on; never raises.

    Args:
        lines: every record, oldest first.
        head: the digest that the newest line must have; empty where it is not known.
    """
    prev = START
    count = 0
    for line in lines:
        kind = _fault(line, count + 1, prev)
        if kind:
            return Verdict(False, count, count + 1, kind, prev)
        prev = digest(line)
        count += 1
    if head and head != prev:
        return Verdict(False, count, count, "cut", prev)
    return Verdict(True, count, head=prev)


def _fault(line: object, seq: int, prev: str) -> str:
    if not isinstance(line, bytes):
        return "unreadable"
    try:
        fields = _fields(line)
        same = _canonical(fields) == line
    except (ValueError, RecursionError):
        return "unreadable"
    if not same:
        return "spelling"
    if fields["seq"] != seq:
        return "number"
    return "" if fields["prev"] == prev else "chain"


def _fields(line: bytes) -> dict[str, Any]:
    try:
        fields = json.loads(line.decode("ascii"))
    except (ValueError, RecursionError) as error:
        raise BadRecord(f"this is no line of the journal: {line[:40]!r}") from error
    if not isinstance(fields, dict) or fields.keys() != _KEYS:
        raise BadRecord(f"this line has other fields than a record: {line[:40]!r}")
    numbers = all(type(fields[key]) is int for key in ("v", "seq", "ts"))
    words = all(isinstance(fields[key], str) for key in ("actor", "act", "prev"))
    if not (numbers and words and isinstance(fields["data"], dict) and abs(fields["ts"]) < math.ldexp(1, 53)):
        raise BadRecord(f"a field of this record has the wrong type: {line[:40]!r}")
    return fields


def _canonical(fields: dict[str, Any]) -> bytes:
    text = json.dumps(fields, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)
    return text.encode("ascii")
