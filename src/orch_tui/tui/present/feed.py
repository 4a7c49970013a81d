"""What happened lately, as headlines: the facts that a person would tell another. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice

from textual.content import Content

from orch_tui.model import facts as f
from orch_tui.tui import look
from orch_tui.tui.present import when
from orch_tui.tui.present.cells import safe

LIMIT = 14
"""More headlines than this are no headlines."""

_VERDICTS = {"approved": look.GOOD, "changes": look.WARN, "rejected": look.MUTED}

Headline = tuple[str, str, str]
"""Whom it is about, what happened, and its tone."""


def headlines(records: Iterable[f.Record], stream: str, now: float) -> list[Content]:
    """Returns the newest headlines of a stream, or of the mission where none is named.

    Args:
        records: newest first.
        stream: the stream's key, or "".
        now: the present.
    """
    return list(islice(_lines(records, stream, now), LIMIT))


def _lines(records: Iterable[f.Record], stream: str, now: float) -> Iterator[Content]:
    for record in records:
        headline = _headline(record.fact)
        if headline is None:
            continue
        who, words, tone = headline
        if stream and stream not in (who, who.rpartition("-")[0]):
            continue
        yield Content.assemble(
            (f"{when.age(record.at, now):>4}  ", look.MUTED), (f"{safe(who)} ", look.PLAIN), (safe(words), tone)
        )


def _headline(fact: f.Fact) -> Headline | None:
    match fact:
        case f.AgentJudged():
            state = look.AGENT[fact.state]
            return fact.agent, f"{state.text} {fact.reason}", state.tone
        case f.AgentStarted():
            return fact.agent, "started", look.BUSY
        case f.ClaimSeen():
            return fact.agent, f"says {fact.state}: {fact.summary}", look.PLAIN
        case f.MessageSent():
            return fact.agent, f"is told: {fact.head}", look.MUTED
        case f.VerdictGiven():
            return fact.agent, f"{fact.verdict} {fact.note}", _VERDICTS.get(fact.verdict, look.MUTED)
    return _stream_headline(fact)


def _stream_headline(fact: f.Fact) -> Headline | None:
    match fact:
        case f.GateFinished():
            gate = look.check(fact.status)
            return fact.stream, f"{gate.glyph} gate {fact.gate} {gate.word} {fact.summary}", gate.tone
        case f.ConflictFound():
            return fact.stream, f"≠ {fact.agent} conflicts with {fact.other} in {', '.join(fact.files[:3])}", look.BAD
        case f.LandingIntended():
            return fact.stream, f"is landing as {fact.batch}", look.BUSY
        case f.BatchLanded():
            return fact.batch, "landed", look.GOOD
        case f.BatchRolledBack():
            return fact.batch, "was rolled back", look.WARN
        case f.NeedsOperator():
            return fact.batch, f"needs you: {fact.reason}", look.BAD
        case f.BudgetAlerted():
            return "budget", "the alert of today's limit is passed", look.WARN
        case f.ProblemSeen():
            return fact.subject, fact.message, look.WARN
    return None
