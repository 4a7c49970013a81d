"""The train: streams in landing order with their members and gates, and the batches that landed. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct
from textual.content import Content

from orch_tui.model.fleet import Agent, Batch, Check, Fleet, Stream
from orch_tui.model.refusals import why_not_landable
from orch_tui.model.states import BatchState
from orch_tui.tui import look
from orch_tui.tui.present import state as shown
from orch_tui.tui.present import when
from orch_tui.tui.present.cells import cell, right, safe

WORD = 12
"""Cells of a state's word."""


class Car(Struct, frozen=True, kw_only=True):
    """A row of the train; those without a kind are headings."""

    key: str
    kind: str
    value: object
    stream: str = ""
    agent: str = ""
    batch: str = ""


def landing_order(fleet: Fleet) -> list[Stream]:
    """Returns the streams as they land: each after those that it waits for, else by number."""
    left, order = sorted(fleet.streams, key=lambda s: s.number), list[Stream]()
    while left:
        placed = {s.key for s in order}
        free = [s for s in left if set(s.after) <= placed] or left
        order.append(free[0])
        left.remove(free[0])
    return order


def cars(fleet: Fleet) -> Iterator[Car]:
    """Yields the rows from the first stream that lands to the last, then the batches, newest first."""
    if fleet.streams:
        yield Car(key="# streams", kind="", value="Streams, in the order in which they land")
    for stream in landing_order(fleet):
        yield from _of_stream(stream, why_not_landable(fleet, stream))
    if fleet.batches:
        yield Car(key="# batches", kind="", value="Batches, newest first")
    for batch in sorted(fleet.batches, key=lambda b: b.at, reverse=True):
        yield Car(key=f"batch {batch.id}", kind="batch", value=batch, stream=batch.stream, batch=batch.id)


def _of_stream(stream: Stream, why: str | None) -> Iterator[Car]:
    yield Car(key=stream.key, kind="stream", value=(stream, why), stream=stream.key)
    if why and not stream.landed:
        yield Car(key=f"# why {stream.key}", kind="", value=("not yet:", why))
    for check in stream.checks:
        yield Car(key=f"# gate {stream.key} {check.gate}", kind="", value=check)
    for agent in stream.agents:
        yield Car(key=agent.id, kind="agent", value=agent, stream=stream.key, agent=agent.id)


def row(car: Car, width: int, now: float) -> Content:
    """Returns one row of that many cells."""
    match car.value:
        case (Stream() as stream, str() | None as why):
            return _stream(stream, why, width)
        case (str() as label, str() as words):
            return cell(Content.assemble(("   │ ", look.FAINT), (f"{label} {safe(words)}", look.WARN)), width)
        case Check() as check:
            return cell(Content.assemble(("   │ ", look.FAINT), shown.check(check)), width)
        case Agent() as agent:
            return _member(agent, width, now)
        case Batch() as batch:
            return _batch(batch, width, now)
    return cell(f" {car.value}", width, look.TITLE)


def _stream(stream: Stream, why: str | None, width: int) -> Content:
    state = look.STREAM[stream.state]
    after = f" after {', '.join(stream.after)}" if stream.after else ""
    if why is None:
        state = look.Look("✓", "can land", look.GOOD)
    name = Content.assemble(
        (f" {state.glyph} ", state.tone), (f"{stream.number} {safe(stream.name)}", look.STRONG), (after, look.MUTED)
    )
    return Content.assemble(cell(name, width - WORD - 1), " ", cell(state.word, WORD, state.tone))


def _member(agent: Agent, width: int, now: float) -> Content:
    state = look.AGENT[agent.state]
    name = Content.assemble(
        ("   │ ", look.FAINT),
        (f"{state.glyph} ", state.tone),
        (agent.id, look.PLAIN),
        (f"  {agent.head[:8]}" if agent.ahead else "", look.MUTED),
    )
    return Content.assemble(
        cell(name, width - WORD - 5),
        right(when.age(agent.since, now), 4, look.MUTED),
        " ",
        cell(state.word, WORD, state.tone),
    )


def _batch(batch: Batch, width: int, now: float) -> Content:
    state = look.BATCH[batch.state]
    name = Content.assemble((f" {state.glyph} ", state.tone), (batch.id, look.PLAIN))
    return Content.assemble(
        cell(name, width - WORD - 5),
        right(when.age(batch.at, now), 4, look.MUTED),
        " ",
        cell(state.word, WORD, state.tone),
    )


def detail(car: Car | None, fleet: Fleet, now: float) -> Content:
    """Returns everything about a row."""
    if car is None:
        return shown.what_to_do(fleet) or Content("")
    if batch := fleet.batch(car.batch):
        return shown.lines(_batch_detail(batch, now))
    if agent := (fleet.agent(car.agent) if car.agent else None):
        return shown.agent(agent, fleet, now)
    stream = fleet.stream(car.stream)
    return shown.stream(stream, fleet, now) if stream else Content("")


def _batch_detail(batch: Batch, now: float) -> Iterator[Content]:
    state = look.BATCH[batch.state]
    yield shown.field("batch", batch.id, look.STRONG)
    yield shown.field(
        "state", Content.assemble((state.text, state.tone), (f" for {when.age(batch.at, now)}", look.MUTED))
    )
    yield shown.field("stream", batch.stream)
    yield shown.field("tag", safe(batch.tag))
    yield shown.field("target", f"{batch.base[:10]} → {batch.new[:10]}", look.MUTED)
    if batch.how:
        yield shown.field("undone by", f"{batch.how} to {batch.undone_by[:10]}", look.WARN)
    if batch.note:
        yield shown.field("note", safe(batch.note), look.WARN)
    for path in batch.behind[:8]:
        yield shown.field("behind", safe(path), look.WARN)
    yield shown.heading("Members")
    for member in batch.members:
        yield Content.assemble((f"{member.agent}  ", look.PLAIN), (member.oid[:10], look.MUTED))
    if batch.state == BatchState.LANDED:
        yield Content.assemble("\n", ("B", look.KEY), (" takes it off the target again", look.MUTED))


EMPTY = Content.styled("No streams yet. Write them into tasks.md; each lands as one batch.", look.MUTED)
