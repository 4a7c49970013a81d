"""Values as words for people: ages, times, commits, one fact in a line. Pure."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec

from orch_tui.model.facts import Record
from orch_tui.model.fleet import Agent
from orch_tui.model.plain import one_line, visible
from orch_tui.model.problem import Problem

NOTHING = "—"


def age(seconds: float) -> str:
    """Returns a length of time by its largest unit: `42s`, `17m`, `3h`, `2d`."""
    if seconds < 60:
        return f"{max(0, int(seconds))}s"
    if seconds < 3600:
        return f"{int(seconds // 60)}m"
    if seconds < 86400:
        return f"{int(seconds // 3600)}h"
    return f"{int(seconds // 86400)}d"


def clock(at: float) -> str:
    """Returns the time of day in UTC."""
    return datetime.fromtimestamp(at, UTC).strftime("%H:%M:%S")


def short(oid: str) -> str:
    """Returns the first digits of a commit."""
    return oid[:10] if oid else NOTHING


def size_of_change(agent: Agent) -> str:
    """Returns the lines that an agent added and removed."""
    return f"+{agent.added} -{agent.removed}" if agent.ahead or agent.added or agent.removed else ""


def as_line(text: str) -> str:
    """Returns a name as one line in which each control character, a line's end too, is a symbol."""
    return visible(text.replace("\n", "\N{SYMBOL FOR NEWLINE}").replace("\t", "\N{SYMBOL FOR HORIZONTAL TABULATION}"))


def problem_line(problem: Problem) -> str:
    """Returns what is wrong with a file of the operator: `file:line: message`."""
    return f"{problem.place}: {'warning: ' if problem.severity == 'warning' else ''}{problem.message}"


def fact_line(record: Record) -> str:
    """Returns a record as one line: time, what happened, then the fields that hold something."""
    fields = msgspec.to_builtins(record.fact)
    kind = fields.pop("type")
    fields.pop("streams", None)
    said = " ".join(f"{key}={_value(value)}" for key, value in fields.items() if value not in ("", None, (), [], 0))
    return f"{clock(record.at)}  {record.seq:>6}  {kind:<24}  {said}"


def _value(value: object) -> str:
    if isinstance(value, list | tuple) and all(isinstance(item, str) for item in value):
        return ",".join(one_line(item, limit=60) for item in value)
    shown = value if isinstance(value, str) else msgspec.json.encode(value).decode()
    return one_line(shown, limit=100)
