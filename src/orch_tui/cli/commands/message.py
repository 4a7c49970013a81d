"""`orch-tui message`: something is said to an agent."""

from __future__ import annotations

import sys

import click

from orch_tui.cli import output
from orch_tui.cli.options import agent_argument, examples, json_option
from orch_tui.cli.session import Session, pass_session
from orch_tui.core.ports import MissionVerbs
from orch_tui.model.verbs import Say


@click.command(
    epilog=examples('orch-tui message api-2 "Use the retry helper in net.py"', "orch-tui message api-2 - < answer.md"),
)
@agent_argument
@click.argument("text")
@json_option
@pass_session
def command(session: Session, agent: str, text: str, as_json: bool) -> None:
    """Say TEXT to agent A; - reads it from standard input. An agent without a process is started with it."""
    said = sys.stdin.read() if text == "-" else text

    async def job(mission: MissionVerbs) -> None:
        outcome = await mission.do(Say(agent, said))
        output.outcome(outcome, as_json=as_json)

    session.ask(job)
