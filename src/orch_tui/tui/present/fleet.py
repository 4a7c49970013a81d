"""The fleet as rows of a tree: which rows there are, and how one is drawn at a width. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Literal

from msgspec import Struct
from textual.content import Content

from orch_tui.model.fleet import Agent, Fleet, Money, Stream, Task, money
from orch_tui.model.states import AgentState, StreamState
from orch_tui.tui import look
from orch_tui.tui.present import money as price
from orch_tui.tui.present import when
from orch_tui.tui.present.cells import cell, right, safe

Kind = Literal["mission", "stream", "task", "agent"]

ROOT = "mission"


class Node(Struct, frozen=True, kw_only=True):
    """A row of the tree; `value` is the part of the fleet that it shows, the same object while nothing changed."""

    key: str
    kind: Kind
    value: object
    guides: str = ""
    stream: str = ""
    agent: str = ""
    parent: str = ""
    branch: bool = False
    open: bool = True


def task_key(stream: str, task: int) -> str:
    """Returns the key of a task's row."""
    return f"{stream}/{task}"


def nodes(fleet: Fleet, closed: frozenset[str] = frozenset(), query: str = "") -> list[Node]:
    """Returns the rows from top to bottom: those below a closed row are left out, a query keeps only what matches.

    A query matches agents by id, title, part, backend and state, and opens every row on the way.
    """
    wanted = query.strip().lower()
    shut = frozenset() if wanted else closed
    rows = [Node(key=ROOT, kind="mission", value=fleet, branch=True, open=ROOT not in shut)]
    if ROOT in shut:
        return rows
    streams = [s for s in fleet.streams if not wanted or any(_matches(s, a, wanted) for a in s.agents)]
    for stream in streams:
        rows += _stream_nodes(stream, shut, wanted, last=stream is streams[-1])
    return rows


def _stream_nodes(stream: Stream, shut: frozenset[str], wanted: str, *, last: bool) -> Iterator[Node]:
    is_open = stream.key not in shut
    yield Node(
        key=stream.key,
        kind="stream",
        value=stream,
        guides="└─" if last else "├─",
        stream=stream.key,
        parent=ROOT,
        branch=True,
        open=is_open,
    )
    if not is_open:
        return
    stem = "  " if last else "│ "
    groups = [
        (i, [a for a in stream.agents if a.task == i and (not wanted or _matches(stream, a, wanted))])
        for i in range(len(stream.tasks))
    ]
    groups = [(i, agents) for i, agents in groups if agents or not wanted]
    for i, agents in groups:
        yield from _task_nodes(stream, i, agents, shut, stem, last=i == groups[-1][0])


def _task_nodes(
    stream: Stream, i: int, agents: list[Agent], shut: frozenset[str], stem: str, *, last: bool
) -> Iterator[Node]:
    key = task_key(stream.key, i)
    is_open = key not in shut
    yield Node(
        key=key,
        kind="task",
        value=(stream.tasks[i], *agents),
        guides=stem + ("└─" if last else "├─"),
        stream=stream.key,
        parent=stream.key,
        branch=bool(agents),
        open=is_open,
    )
    if not is_open:
        return
    stem += "  " if last else "│ "
    for agent in agents:
        yield Node(
            key=agent.id,
            kind="agent",
            value=agent,
            guides=stem + ("└─" if agent is agents[-1] else "├─"),
            stream=stream.key,
            agent=agent.id,
            parent=key,
        )


def _matches(stream: Stream, agent: Agent, wanted: str) -> bool:
    words = (agent.id, agent.title, agent.part, agent.backend, look.AGENT[agent.state].word, stream.name, stream.domain)
    return any(wanted in word.lower() for word in words)


class Column(Struct, frozen=True):
    """A column at the right of the tree: shown where the row is at least `least` cells wide."""

    title: str
    width: int
    least: int
    flush_right: bool = True


STATE = Column("state", 11, 36, flush_right=False)
AGE = Column("age", 4, 62)
DIFF = Column("diff", 12, 78)
RATE = Column("$/h", 9, 68)
TODAY = Column("today", 8, 48)
COLUMNS = (STATE, AGE, DIFF, RATE, TODAY)


def columns(width: int) -> tuple[Column, ...]:
    """Returns the columns that fit a row of that width, from left to right."""
    return tuple(column for column in COLUMNS if width >= column.least)


def heads(width: int) -> Content:
    """Returns the line with the columns' titles."""
    shown = columns(width)
    room = width - 1 - sum(column.width + 1 for column in shown)
    parts = [cell(" agents", room, look.FAINT)]
    for column in shown:
        draw = right if column.flush_right else cell
        parts += [Content(" "), draw(column.title, column.width, look.FAINT)]
    return Content.assemble(*parts, " ")


def row(node: Node, width: int, *, now: float, day: str) -> Content:
    """Returns one row of exactly that many cells."""
    name, draw = _DRAW[node.kind](node, now, day)
    shown = columns(width)
    room = width - 1 - sum(column.width + 1 for column in shown)
    marker = ("▾ " if node.open else "▸ ") if node.branch else ""
    parts: list[Content] = [cell(Content.assemble((" " + node.guides, look.FAINT), (marker, look.MUTED), name), room)]
    for column in shown:
        parts += [Content(" "), draw(column)]
    return Content.assemble(*parts, " ")


Draw = Callable[[Column], Content]


def _agent(node: Node, now: float, day: str) -> tuple[Content, Draw]:
    agent = node.value
    assert isinstance(agent, Agent)  # noqa: S101  the kind says so
    state = look.AGENT[agent.state]
    part = f"  {safe(agent.part)}" if agent.part not in ("", "1/1") else ""
    name = Content.assemble((f"{state.glyph} ", state.tone), (agent.id, look.PLAIN), (part, look.MUTED))
    spent = money((agent,), now=now, day=day)

    def draw(column: Column) -> Content:
        if column is STATE:
            return cell(state.word, column.width, state.tone)
        if column is AGE:
            return right(when.age(agent.since, now), column.width, look.MUTED)
        if column is DIFF:
            return diffstat((agent,), column.width)
        if column is RATE:
            return _rate(spent, column)
        return right(price.today(spent), column.width, look.PLAIN)

    return name, draw


def _task(node: Node, now: float, day: str) -> tuple[Content, Draw]:
    assert isinstance(node.value, tuple)  # noqa: S101  the kind says so
    task, *agents = node.value
    assert isinstance(task, Task)  # noqa: S101  the kind says so
    box, tone = ("☑", look.GOOD) if task.done else ("☐", look.MUTED)
    name = Content.assemble((f"{box} ", tone), (safe(task.title), look.MUTED if task.done else look.PLAIN))
    return name, _rolled_up(agents, _progress(agents), look.MUTED, now, day)


def _stream(node: Node, now: float, day: str) -> tuple[Content, Draw]:
    stream = node.value
    assert isinstance(stream, Stream)  # noqa: S101  the kind says so
    state = look.STREAM[stream.state]
    name = Content.assemble((f"{state.glyph} ", state.tone), (f"{stream.number} {safe(stream.name)}", look.STRONG))
    word = state.word
    if stream.state not in (StreamState.PLANNED, StreamState.LANDED):
        word = f"{state.word} {_progress(stream.agents)}".strip()
    return name, _rolled_up(stream.agents, word, state.tone, now, day)


def _mission(node: Node, now: float, day: str) -> tuple[Content, Draw]:
    fleet = node.value
    assert isinstance(fleet, Fleet)  # noqa: S101  the kind says so
    agents = tuple(fleet.agents())
    name = Content.styled(safe(fleet.epic) or safe(fleet.name) or "mission", look.TITLE)
    return name, _rolled_up(agents, _progress(agents), look.MUTED, now, day)


def _rolled_up(agents: Iterable[Agent], word: str, tone: str, now: float, day: str) -> Draw:
    members = tuple(agents)
    spent = money(members, now=now, day=day)

    def draw(column: Column) -> Content:
        if column is STATE:
            return cell(word, column.width, tone)
        if column is DIFF:
            return diffstat(members, column.width)
        if column is RATE:
            return _rate(spent, column)
        if column is TODAY:
            return right(price.today(spent), column.width, look.MUTED)
        return cell("", column.width)

    return draw


def _progress(agents: Iterable[Agent]) -> str:
    """Returns how many have landed, of how many: a rejection settles an agent, yet it is no progress."""
    states = [a.state for a in agents]
    return f"{states.count(AgentState.LANDED)}/{len(states)}" if states else ""


def _rate(spent: Money, column: Column) -> Content:
    if not spent.requests or spent.rate == 0:
        return cell("", column.width)
    return right(price.rate(spent), column.width, look.MUTED)


def diffstat(agents: Iterable[Agent], width: int) -> Content:
    """Returns the lines that these agents added and removed, against the right edge."""
    members = tuple(agents)
    added, removed = sum(a.added for a in members), sum(a.removed for a in members)
    if not added and not removed:
        return cell("", width)
    plus, minus = f"+{price.count(added)}", f"-{price.count(removed)}"
    gap = max(0, width - len(plus) - len(minus) - 1)
    return Content.assemble(" " * gap, (plus, look.GOOD), " ", (minus, look.BAD)).truncate(width)


_DRAW: dict[str, Callable[[Node, float, str], tuple[Content, Draw]]] = {
    "mission": _mission,
    "stream": _stream,
    "task": _task,
    "agent": _agent,
}
