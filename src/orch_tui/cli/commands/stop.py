"""`orch-tui stop`: agents stop, their work stays."""

from __future__ import annotations

import click

from orch_tui.cli import diagnostics, output
from orch_tui.cli.agreement import agreed, not_agreed
from orch_tui.cli.options import (
    agent_option,
    examples,
    json_option,
    one_scope,
    one_way,
    plan_option,
    stream_option,
    yes_option,
)
from orch_tui.cli.session import Session, pass_session
from orch_tui.core.ports import MissionVerbs
from orch_tui.model.verbs import Stop


@click.command(
    epilog=examples("orch-tui stop --agent api-2 --yes", "orch-tui stop --stream api --plan", "orch-tui stop --yes"),
)
@stream_option
@agent_option
@click.option("--reason", metavar="TEXT", default="", help="Why; it is recorded.")
@plan_option
@yes_option
@json_option
@pass_session
def command(session: Session, stream: str, agent: str, reason: str, plan: bool, yes: bool, as_json: bool) -> int:
    """Stop agents: all, those of one stream, or one. Branches, worktrees and notes stay."""
    one_scope(stream, agent, needed=False)
    one_way(plan, yes)

    async def job(mission: MissionVerbs) -> int:
        verb = Stop(stream=stream, agent=agent, reason=reason)
        outcome = await agreed(mission, verb, yes=yes, as_json=as_json)
        if outcome is None:
            return not_agreed(plan=plan)
        output.outcome(outcome, as_json=as_json)
        return diagnostics.DONE

    return session.ask(job)
