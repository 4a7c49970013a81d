"""`orch-tui tasks`: the plan as it was understood and what is wrong with it; and taking it into the mission."""

from __future__ import annotations

from pathlib import Path

import click
from msgspec import Struct

from orch_tui.cli import diagnostics, output
from orch_tui.cli.options import examples, json_option
from orch_tui.cli.session import Session, pass_session
from orch_tui.cli.words import problem_line
from orch_tui.core.ports import MissionVerbs
from orch_tui.model.plain import counted
from orch_tui.model.problem import errors
from orch_tui.model.tasks import Plan
from orch_tui.model.verbs import LoadPlan, Outcome


class TaskShape(Struct, frozen=True):
    """A task of the plan."""

    title: str
    agents: int
    done: bool
    line: int


class StreamShape(Struct, frozen=True):
    """A stream of the plan."""

    number: int
    key: str
    name: str
    domain: str
    agents: int
    after: tuple[str, ...]
    tasks: tuple[TaskShape, ...]


class ProblemShape(Struct, frozen=True):
    """Something to mend; line 0 where the place is not known."""

    file: str
    line: int
    message: str


class PlanShape(Struct, frozen=True):
    """The whole of `tasks check --json`."""

    epic: str
    size: str
    agents: int
    streams: tuple[StreamShape, ...]
    problems: tuple[ProblemShape, ...]


@click.group(epilog=examples("orch-tui tasks check", "orch-tui tasks check --json", "orch-tui tasks load"))
def command() -> None:
    """Check tasks.md, or take it into the mission."""


@command.command(epilog=examples("orch-tui tasks check", "orch-tui tasks check draft.md --json | jq .problems"))
@click.argument("file", required=False, type=click.Path(path_type=Path))
@json_option
@pass_session
def check(session: Session, file: Path | None, as_json: bool) -> int:
    """Show the plan in FILE, or in the mission's tasks.md; problems go to stderr as file:line: message.

    Exit code 2: the plan has errors.
    """
    from orch_tui.wiring import local  # git and the Markdown parser: 120 ms to import

    plan = local.check_tasks(session.directory, file)
    if as_json:
        output.json(_shape(plan))
    elif plan.epic.streams:
        _show(plan)
    for problem in plan.problems:
        diagnostics.say(problem_line(problem))
    return diagnostics.USAGE if errors(plan.problems) else diagnostics.DONE


@command.command(epilog=examples("orch-tui tasks load"))
@json_option
@pass_session
def load(session: Session, as_json: bool) -> int:
    """Read tasks.md, orch.toml and the blueprints again; agents that exist keep their past."""

    async def job(mission: MissionVerbs) -> Outcome:
        return await mission.do(LoadPlan())

    output.outcome(session.ask(job), as_json=as_json)
    return diagnostics.DONE


def _shape(plan: Plan) -> PlanShape:
    return PlanShape(
        epic=plan.epic.title,
        size=plan.epic.size,
        agents=plan.epic.agents,
        streams=tuple(
            StreamShape(
                number=s.number,
                key=s.key,
                name=s.name,
                domain=s.domain,
                agents=s.agents,
                after=tuple(s.after),
                tasks=tuple(TaskShape(t.title, t.agents, t.done, t.line) for t in s.tasks),
            )
            for s in plan.epic.streams
        ),
        problems=tuple(ProblemShape(p.file, p.line, p.message) for p in plan.problems),
    )


def _show(plan: Plan) -> None:
    epic = plan.epic
    streams = counted(len(epic.streams), "stream")
    output.line(f"{epic.title or 'untitled'}: {streams}, {counted(epic.agents, 'agent')} ({epic.size})", bold=True)
    for stream in epic.streams:
        after = f"  after {', '.join(stream.after)}" if stream.after else ""
        agents = counted(stream.agents, "agent")
        output.line(f"{stream.number} {stream.name}  [{stream.key}, {stream.domain}]  {agents}{after}")
        output.lines(f"  [{'x' if t.done else ' '}] {t.title}  {counted(t.agents, 'agent')}" for t in stream.tasks)
