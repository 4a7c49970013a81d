"""`orch-tui restart`: an agent starts again in its worktree."""

from __future__ import annotations

import click

from orch_tui.cli import output
from orch_tui.cli.options import agent_argument, examples, json_option
from orch_tui.cli.session import Session, pass_session
from orch_tui.core.ports import MissionVerbs
from orch_tui.model.verbs import Restart


@click.command(epilog=examples("orch-tui restart infrastructure-3"))
@agent_argument
@json_option
@pass_session
def command(session: Session, agent: str, as_json: bool) -> None:
    """Stop agent A where it runs and start it again; its branch, worktree and notes stay."""

    async def job(mission: MissionVerbs) -> None:
        launched = await mission.do(Restart(agent))
        if as_json:
            output.json(launched)
            return
        output.lines(f"{each} starts again." for each in launched.started)
        output.lines(f"{waiting.agent} waits: {waiting.why}" for waiting in launched.waiting)

    session.ask(job)
