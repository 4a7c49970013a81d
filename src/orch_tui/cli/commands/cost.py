"""`orch-tui cost`: dollars by stream, agent and model."""

from __future__ import annotations

import click

from orch_tui.cli import output, shapes
from orch_tui.cli.options import examples, json_option
from orch_tui.cli.session import Session, pass_session
from orch_tui.core.ports import MissionVerbs
from orch_tui.model.fleet import Fleet, Money, money
from orch_tui.model.money import dollars, dollars_per_hour, micros


@click.command(epilog=examples("orch-tui cost", "orch-tui cost --json | jq .total.usd_per_hour"))
@json_option
@pass_session
def command(session: Session, as_json: bool) -> None:
    """Show what each stream, agent and model costs: in all, today and per hour.

    Marks: ~ some usage was estimated, ? a model without a known price.
    """

    async def job(mission: MissionVerbs) -> None:
        if as_json:
            output.json(shapes.costs(mission.fleet, session.doors.now()))
        else:
            _show(mission.fleet, session.doors.now())

    session.look(job)


def _show(fleet: Fleet, now: float) -> None:
    total = money(fleet.agents(), now=now, day=fleet.day)
    head = (
        f"{dollars_per_hour(total.rate)}  today {dollars(total.today)}{_budget(fleet)}  in all {dollars(total.total)}"
    )
    output.line(f"{head}{_marks(total)}{f'  {output.MARK}' if fleet.simulated else ''}", bold=True)
    if not fleet.metered:
        output.line("Nothing is metered: [budget] track is off.")
    rows = [
        row
        for stream in fleet.streams
        for row in (
            _row(stream.key, money(stream.agents, now=now, day=fleet.day)),
            *(_row(f"  {a.id}", money((a,), now=now, day=fleet.day)) for a in stream.agents if a.run),
        )
    ]
    if rows:
        output.line()
        output.table(rows, head=("", "$/h", "today", "in all", "requests", "tokens", ""), right=range(1, 6))
    _show_models(fleet)


def _budget(fleet: Fleet) -> str:
    budget = fleet.budget
    if budget.limit is None:
        return ""
    alert = "  ALERT" if fleet.day and budget.alerted_day == fleet.day else ""
    return f" of {dollars(budget.limit)} ({budget.source}){alert}"


def _row(name: str, spent: Money) -> list[str]:
    return [
        name,
        dollars_per_hour(spent.rate),
        dollars(spent.today),
        dollars(spent.total),
        f"{spent.requests:,}",
        f"{spent.tokens.total:,}",
        _marks(spent).strip(),
    ]


def _marks(spent: Money) -> str:
    return f"{' ~' if spent.estimated else ''}{' ?' if spent.unpriced else ''}"


def _show_models(fleet: Fleet) -> None:
    if not fleet.models:
        return
    rows = [
        [m.model, dollars(micros(m.pico)), f"{m.requests:,}", f"{m.tokens.total:,}", "" if m.priced else "?"]
        for m in fleet.models
    ]
    output.line()
    output.table(rows, head=("model", "in all", "requests", "tokens", ""), right=(1, 2, 3))
