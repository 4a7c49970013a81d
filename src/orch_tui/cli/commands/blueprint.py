"""`orch-tui blueprint show`: what an agent is told, and where each part comes from."""

from __future__ import annotations

import click

from orch_tui.cli import output
from orch_tui.cli.options import examples, json_option
from orch_tui.cli.session import Session, pass_session


@click.group(epilog=examples("orch-tui blueprint show infrastructure-1"))
def command() -> None:
    """Show an agent's composed instructions."""


@command.command(epilog=examples("orch-tui blueprint show api-2", "orch-tui blueprint show security --provenance"))
@click.argument("name", metavar="AGENT|DOMAIN")
@click.option("--provenance", is_flag=True, help="Show only which files each section comes from.")
@json_option
@pass_session
def show(session: Session, name: str, provenance: bool, as_json: bool) -> None:
    """Show the blueprint of an agent, a stream or a domain: base, domain, compliance profiles, documentation duties."""
    from orch_tui.wiring import local  # git: 77 ms to import

    blueprint = local.show_blueprint(session.directory, name)
    if as_json:
        output.json(blueprint)
        return
    if not provenance:
        output.text(blueprint.text)
        output.line()
    rows = [[section.heading or "(preamble)", " + ".join(section.sources)] for section in blueprint.sections]
    output.table(rows, head=("section", "comes from"))
