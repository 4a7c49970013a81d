"""Facts as lines: when, who, what, about whom. Pure."""

from __future__ import annotations

from msgspec import structs
from textual.content import Content

from orch_tui.model.facts import Fact, PlanLoaded, Record
from orch_tui.tui import look
from orch_tui.tui.present import when
from orch_tui.tui.present.cells import cell, safe

WHO = 9
WHAT = 24
_SUBJECTS = ("agent", "stream", "batch", "subject", "checkout")


def name(fact: Fact) -> str:
    """Returns the fact's name in the journal."""
    return str(type(fact).__struct_config__.tag)


def subject(fact: Fact) -> str:
    """Returns what the fact is about."""
    return next((str(v) for s in _SUBJECTS if (v := getattr(fact, s, ""))), "")


def words(fact: Fact) -> str:
    """Returns the rest of a fact as `name=value`; a plan says only its size."""
    if isinstance(fact, PlanLoaded):
        return f"epic={fact.epic} streams={len(fact.streams)}"
    values = structs.asdict(fact)
    about = next((s for s in _SUBJECTS if values.get(s)), "")
    return " ".join(f"{k}={_short(v)}" for k, v in values.items() if k != about and v not in ("", 0, None, ()))


def _short(value: object) -> str:
    text = value if isinstance(value, str) else str(value)
    return text[:10] if isinstance(value, str) and len(text) in (40, 64) and " " not in text else text


def matches(record: Record, query: str) -> bool:
    """Says whether a fact has every one of these words."""
    text = f"{name(record.fact)} {subject(record.fact)} {record.actor} {words(record.fact)}".lower()
    return all(word in text for word in query.lower().split())


def row(record: Record, width: int) -> Content:
    """Returns one fact as a line of that many cells."""
    line = Content.assemble(
        (f" {when.time_of_day(record.at)} ", look.MUTED),
        (f"{record.seq:>6} ", look.FAINT),
        cell(safe(record.actor), WHO, look.MUTED),
        " ",
        cell(name(record.fact), WHAT, look.BUSY),
        " ",
        (f"{safe(subject(record.fact))}  ", look.PLAIN),
        (safe(words(record.fact)), look.MUTED),
    )
    return cell(line, width)


EMPTY = Content.styled("No fact since this console was opened. Each new one shows here as it happens.", look.MUTED)
