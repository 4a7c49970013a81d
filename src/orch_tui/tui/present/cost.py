"""The cost screen: burn rate, budget, and where the money goes. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct
from textual.content import Content

from orch_tui.model.fleet import Agent, Fleet, ModelSpend, Money, Stream, money
from orch_tui.model.money import dollars, micros
from orch_tui.tui import look
from orch_tui.tui.present import money as price
from orch_tui.tui.present.cells import cell, right, safe
from orch_tui.tui.present.state import field, lines

GAUGE = 40
RATE, TODAY, TOTAL, TOKENS, REQUESTS = 10, 10, 10, 15, 7


class Line(Struct, frozen=True):
    """A row of the table; `selectable` is false for headings."""

    key: str
    value: object
    selectable: bool = True
    stream: str = ""
    agent: str = ""


def summary(fleet: Fleet, now: float, width: int) -> Content:
    """Returns rate, budget and forecast of the mission."""
    spent = price.fleet_money(fleet, now)
    budget = price.budget(fleet, spent, max(10, min(GAUGE, width - 50)))
    parts = [
        field("burn rate", price.rate(spent), look.STRONG),
        field("today", budget),
        field("forecast", price.forecast(fleet, spent) or _no_forecast(fleet), look.MUTED),
        field("in all", f"{price.total(spent)}, {_requests(spent)}, {price.tokens(spent.tokens)}"),
    ]
    if fleet.simulated:
        parts.append(field("", "SIMULATED: an offline stand-in answers; no money is spent", look.WARN))
    return lines(parts)


def _no_forecast(fleet: Fleet) -> str:
    if fleet.budget.limit is None:
        return "no limit is set"
    return "no rate yet" if price.running(fleet) else "nobody is at work"


def _requests(spent: Money) -> str:
    return "1 request" if spent.requests == 1 else f"{price.count(spent.requests)} requests"


def table(fleet: Fleet) -> Iterator[Line]:
    """Yields streams with their agents, then models."""
    yield Line("# agents", "streams and agents", selectable=False)
    for stream in fleet.streams:
        yield Line(stream.key, stream, stream=stream.key)
        for agent in stream.agents:
            if agent.spend.requests:
                yield Line(agent.id, agent, stream=stream.key, agent=agent.id)
    if fleet.models:
        yield Line("# models", "models", selectable=False)
    for model in sorted(fleet.models, key=lambda m: -m.pico):
        yield Line(f"model {model.model}", model)


def row(line: Line, width: int, *, now: float, day: str) -> Content:
    """Returns one row of that many cells."""
    match line.value:
        case Stream() as stream:
            name = Content.assemble((f" {stream.number} {safe(stream.name)}", look.STRONG))
            return _columns(name, money(stream.agents, now=now, day=day), width, look.MUTED)
        case Agent() as agent:
            spent = money((agent,), now=now, day=day)
            return _columns(Content.styled(f"   {agent.id}", look.PLAIN), spent, width, look.PLAIN)
        case ModelSpend() as model:
            return _model(model, width)
    return _head(str(line.value), width)


def _fits(width: int) -> bool:
    return width >= 84


def _head(title: str, width: int) -> Content:
    wide = _fits(width)
    cells = [right("$/h", RATE, look.FAINT), right("today", TODAY, look.FAINT), right("in all", TOTAL, look.FAINT)]
    cells += [right("tokens in/out", TOKENS, look.FAINT), right("asked", REQUESTS, look.FAINT)] if wide else []
    return _join(Content.styled(f" {title}", look.TITLE), cells, width)


def _columns(name: Content, spent: Money, width: int, tone: str) -> Content:
    asked = bool(spent.requests)
    cells = [
        right(price.rate(spent) if asked else "", RATE, look.STRONG),
        right(price.today(spent), TODAY, tone),
        right(price.total(spent) if asked else "", TOTAL, tone),
    ]
    if _fits(width):
        into = spent.tokens.total - spent.tokens.output
        both = f"{price.count(into)}/{price.count(spent.tokens.output)}" if asked else ""
        cells += [
            right(both, TOKENS, look.MUTED),
            right(price.count(spent.requests) if asked else "", REQUESTS, look.MUTED),
        ]
    return _join(name, cells, width)


def _model(model: ModelSpend, width: int) -> Content:
    approximate = "" if model.priced else "~"
    cells = [right("", RATE), right("", TODAY), right(approximate + dollars(micros(model.pico)), TOTAL, look.PLAIN)]
    if _fits(width):
        into = model.tokens.total - model.tokens.output
        cells += [
            right(f"{price.count(into)}/{price.count(model.tokens.output)}", TOKENS, look.MUTED),
            right(price.count(model.requests), REQUESTS, look.MUTED),
        ]
    return _join(Content.styled(f"   {safe(model.model)}", look.PLAIN), cells, width)


def _join(name: Content, cells: list[Content], width: int) -> Content:
    room = width - sum(c.cell_length for c in cells) - 1
    return Content.assemble(cell(name, room), *cells, " ")
