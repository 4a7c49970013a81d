"""`orch-tui status`: the mission as a tree, once or fact by fact."""

from __future__ import annotations

from collections.abc import Iterator

import click

from orch_tui.cli import diagnostics, output, shapes
from orch_tui.cli.options import examples, json_option
from orch_tui.cli.session import Session, pass_session
from orch_tui.cli.words import NOTHING, age, as_line, fact_line, short, size_of_change
from orch_tui.core.ports import MissionVerbs
from orch_tui.model.attention import attention
from orch_tui.model.errors import EngineAway
from orch_tui.model.fleet import Agent, Fleet, Stream, money
from orch_tui.model.money import dollars, dollars_per_hour, micros
from orch_tui.model.plain import counted
from orch_tui.model.refusals import waits_for
from orch_tui.model.verbs import AskEngine


@click.command(
    epilog=examples(
        "orch-tui status",
        "orch-tui status --json | jq '.streams[].agents[] | {id, state}'",
        "orch-tui status --watch",
    ),
)
@json_option
@click.option("--watch", is_flag=True, help="Go on with one line for each fact; --json: one record a line.")
@pass_session
def command(session: Session, as_json: bool, watch: bool) -> int:
    """Show streams, agents, batches, what waits for you and what it costs."""

    async def job(mission: MissionVerbs) -> int:
        engine, now = await _engine(mission), session.doors.now()
        if as_json:
            output.json(shapes.status(mission.fleet, now, engine), one_line=watch)
        else:
            _show(mission.fleet, now, engine)
        if watch and engine:
            await _watch(mission, as_json=as_json)
        elif watch:
            diagnostics.say(
                "orch-tui: no engine runs, so there is nothing to watch; `orch-tui launch --yes` starts one"
            )
            return diagnostics.ENVIRONMENT
        return diagnostics.DONE

    return session.look(job)


async def _engine(mission: MissionVerbs) -> int:
    """Returns the engine's process; 0 where none runs, whatever the records say."""
    try:
        return (await mission.do(AskEngine())).pid
    except EngineAway:
        return 0


async def _watch(mission: MissionVerbs, *, as_json: bool) -> None:
    async for records in mission.follow():
        for record in records:
            if as_json:
                output.json(record, one_line=True)
            else:
                output.line(fact_line(record))


def _show(fleet: Fleet, now: float, engine: int) -> None:
    output.line(_headline(fleet, engine), bold=True)
    spent = money(fleet.agents(), now=now, day=fleet.day)
    simulated = f"  {output.MARK}" if fleet.simulated else ""
    output.line(f"{dollars_per_hour(spent.rate)}  today {dollars(spent.today)}{_limit(fleet)}{simulated}")
    if not fleet.streams:
        output.line("No plan is loaded yet; `orch-tui tasks check` shows what tasks.md holds.")
        return
    output.line()
    output.table([row for stream in fleet.streams for row in _rows(fleet, stream, now)], right=(3, 4, 5))
    _show_attention(fleet, now)


def _headline(fleet: Fleet, engine: int) -> str:
    hosted = f"engine {engine}" if engine else "no engine runs"
    named = f"{fleet.name}: {fleet.epic}" if fleet.epic else fleet.name or "no mission yet"
    title = as_line(named)
    return f"{title}  {fleet.target} {short(fleet.target_head)}  {hosted}"


def _limit(fleet: Fleet) -> str:
    return "" if fleet.budget.limit is None else f" of {dollars(fleet.budget.limit)}"


def _rows(fleet: Fleet, stream: Stream, now: float) -> Iterator[list[str]]:
    spent = money(stream.agents, now=now, day=fleet.day)
    name = f"{stream.number} {stream.name} ({counted(len(stream.agents), 'agent')})"
    waits = ", ".join(other.key for other in waits_for(fleet, stream))
    why = f"after {waits}" if waits else stream.batch
    yield [name, stream.state.value, "", "", dollars_per_hour(spent.rate), dollars(spent.total), why]
    for agent in stream.agents:
        yield _agent_row(agent, now)


def _agent_row(agent: Agent, now: float) -> list[str]:
    return [
        f"  {agent.id}",
        agent.state.value,
        age(now - agent.since) if agent.since else NOTHING,
        size_of_change(agent),
        dollars_per_hour(agent.spend.rate(now)),
        dollars(micros(agent.spend.pico)),
        output.cut(agent.reason or agent.summary or agent.part or agent.title, limit=60),
    ]


def _show_attention(fleet: Fleet, now: float) -> None:
    items = attention(fleet)
    if not items:
        return
    output.line()
    output.line(f"{counted(len(items), 'thing')} for you:", bold=True)
    output.table(
        [["", i.kind, i.subject, age(now - i.since) if i.since else "", output.cut(i.text, limit=80)] for i in items]
    )
