"""`orch-tui launch`: the plan of a launch, or the launch."""

from __future__ import annotations

import click
from msgspec import Struct

from orch_tui.cli import diagnostics, output
from orch_tui.cli.agreement import not_agreed
from orch_tui.cli.options import agent_option, examples, json_option, one_scope, stream_option, yes_option
from orch_tui.cli.session import Session, pass_session
from orch_tui.cli.words import problem_line
from orch_tui.core.ports import MissionVerbs
from orch_tui.model.errors import Refused
from orch_tui.model.fleet import Fleet
from orch_tui.model.money import dollars
from orch_tui.model.plain import counted
from orch_tui.model.problem import errors
from orch_tui.model.refusals import STARTABLE, refuse, scope
from orch_tui.model.states import ACTIVE
from orch_tui.model.verbs import Launch, Launched

REFERENCE = (150_000, 300_000, 450_000)
"""Micro-dollars that one agent costs in an hour: light work, the average, heavy work."""


class LaunchPlan(Struct, frozen=True):
    """What a launch would start, how many may run at once, and the dollars per hour by the reference."""

    agents: tuple[str, ...]
    running: int
    max_running: int
    usd_per_hour_low: float
    usd_per_hour: float
    usd_per_hour_high: float


@click.command(
    epilog=examples("orch-tui launch", "orch-tui launch --stream 1 --yes", "orch-tui launch --agent api-2 --yes"),
)
@stream_option
@agent_option
@yes_option
@json_option
@pass_session
def command(session: Session, stream: str, agent: str, yes: bool, as_json: bool) -> int:
    """Start agents: all, those of one stream, or one.

    Without --yes it prints which agents would start, how many may run at once and what that costs by the reference.
    Exit code 2: tasks.md or orch.toml has errors.
    """
    one_scope(stream, agent, needed=False)
    problems = session.doors.problems(session.directory)
    for problem in problems:
        diagnostics.say(problem_line(problem))
    if errors(problems):
        return diagnostics.USAGE
    verb = Launch(stream=stream, agent=agent)

    async def job(mission: MissionVerbs) -> int:
        if yes:
            _show_launched(await mission.do(verb), as_json=as_json)
            return diagnostics.DONE
        _show_plan(_plan(mission.fleet, verb), as_json=as_json)
        return not_agreed(plan=False)

    return session.ask(job)


def _plan(fleet: Fleet, verb: Launch) -> LaunchPlan:
    if reason := refuse(fleet, verb):
        raise Refused(reason)
    agents = scope(fleet, verb.stream, verb.agent)
    if isinstance(agents, str):
        raise Refused(agents)
    starting = tuple(a.id for a in agents if a.state in STARTABLE)
    running = sum(a.state in ACTIVE for a in fleet.agents())
    at_once = min(len(starting), max(0, fleet.max_running - running))
    low, average, high = (at_once * each / 1_000_000 for each in REFERENCE)
    return LaunchPlan(starting, running, fleet.max_running, low, average, high)


def _show_plan(plan: LaunchPlan, *, as_json: bool) -> None:
    if as_json:
        output.json(plan)
        return
    output.line(f"Launch {counted(len(plan.agents), 'agent')}:", bold=True)
    output.lines(f"  {agent}" for agent in plan.agents)
    output.line(f"{plan.running} at work now, at most {plan.max_running} at once; the rest waits for a place.")
    low, average, high = (
        dollars(round(each * 1_000_000)) for each in (plan.usd_per_hour_low, plan.usd_per_hour, plan.usd_per_hour_high)
    )
    output.line(
        f"Reference: about {average} an hour, {low} for light work, {high} for heavy; `orch-tui cost` measures."
    )


def _show_launched(launched: Launched, *, as_json: bool) -> None:
    if as_json:
        output.json(launched)
        return
    output.line(f"Started {counted(len(launched.started), 'agent')}.")
    output.lines(f"  {agent}" for agent in launched.started)
    if launched.waiting:
        output.line("Waiting:")
        output.lines(f"  {waiting.agent}: {waiting.why}" for waiting in launched.waiting)
