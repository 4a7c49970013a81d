"""An agent's own claim about its state, read from the bytes of `.orch/status.json`.

This module alone knows the shape of that file. A claim is believed by nobody: `model.evidence` weighs it.
"""

from __future__ import annotations

import datetime
import re
from typing import Final, Literal

import msgspec

from orch_tui.model.ids import Oid, RunNonce
from orch_tui.model.plain import one_line

VERSION: Final = 1
MAX_BYTES: Final = 64 * 1024
MAX_SUMMARY: Final = 500
MAX_RUN: Final = 200

ClaimState = Literal["working", "blocked", "done", "failed"]

_OID = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")


class Claim(msgspec.Struct, frozen=True):
    """What an agent says of itself; every field is its own word."""

    run: RunNonce
    """The launch and attempt it was made in."""

    state: ClaimState
    at: float
    """When, in seconds since 1970; 0 if it gave no readable time."""

    commit: Oid
    """The commit it speaks of; empty if it named no full object name."""

    summary: str
    """One visible line of at most `MAX_SUMMARY` characters."""


class _Wire(msgspec.Struct, frozen=True):
    v: int
    run: str
    state: ClaimState
    at: str = ""
    commit: str = ""
    summary: str = ""


def parse_claim(data: bytes) -> Claim | None:
    """Returns the claim in the bytes of a status file, or nothing if there is none that could be understood.

    It accepts any bytes: too long, not JSON, of another version, with wrong types or an unknown state
    are all the same, no claim. Fields that it does not know are passed over.
    """
    if len(data) > MAX_BYTES:
        return None
    try:
        wire = msgspec.json.decode(data.removeprefix(b"\xef\xbb\xbf"), type=_Wire)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
    if wire.v != VERSION or not 0 < len(wire.run) <= MAX_RUN:
        return None
    return Claim(
        run=RunNonce(wire.run),
        state=wire.state,
        at=_seconds(wire.at),
        commit=Oid(wire.commit) if _OID.fullmatch(wire.commit) else Oid(""),
        summary=one_line(wire.summary, limit=MAX_SUMMARY),
    )


def _seconds(text: str) -> float:
    try:
        moment = datetime.datetime.fromisoformat(text)
        aware = moment if moment.tzinfo else moment.replace(tzinfo=datetime.UTC)
        return max(0.0, aware.timestamp())
    except (ValueError, OverflowError):
        return 0.0
