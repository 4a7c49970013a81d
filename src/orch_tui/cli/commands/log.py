"""`orch-tui log`: what an agent's program prints, whole or as it grows."""

from __future__ import annotations

import click

from orch_tui.cli.options import agent_argument, examples, json_option
from orch_tui.cli.pages import show_file
from orch_tui.cli.session import Session, pass_session


@click.command(epilog=examples("orch-tui log api-2", "orch-tui log api-2 --stderr", "orch-tui log api-2 -f"))
@agent_argument
@click.option("--follow", "-f", is_flag=True, help="Go on as the output grows, until interrupted.")
@click.option("--stderr", "errors", is_flag=True, help="Show what it prints as errors.")
@json_option
@pass_session
def command(session: Session, agent: str, follow: bool, errors: bool, as_json: bool) -> None:
    """Show what the program of agent A prints in its newest run."""
    file = "errors" if errors else "output"
    door = session.ask if follow else session.look
    door(lambda mission: show_file(mission, agent, file, follow=follow, as_json=as_json))
