"""`orch-tui notes`: what an agent notes, whole or as it grows."""

from __future__ import annotations

import click

from orch_tui.cli.options import agent_argument, examples, json_option
from orch_tui.cli.pages import show_file
from orch_tui.cli.session import Session, pass_session


@click.command(epilog=examples("orch-tui notes api-2", "orch-tui notes api-2 -f"))
@agent_argument
@click.option("--follow", "-f", is_flag=True, help="Go on as the notes grow, until interrupted.")
@json_option
@pass_session
def command(session: Session, agent: str, follow: bool, as_json: bool) -> None:
    """Show the notes of agent A."""
    door = session.ask if follow else session.look
    door(lambda mission: show_file(mission, agent, "notes", follow=follow, as_json=as_json))
