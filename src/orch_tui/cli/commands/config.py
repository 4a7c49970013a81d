"""`orch-tui config show`: every setting and what set it."""

from __future__ import annotations

import click

from orch_tui.cli import diagnostics, output
from orch_tui.cli.options import examples, json_option
from orch_tui.cli.session import Session, pass_session


@click.group(epilog=examples("orch-tui config show"))
def command() -> None:
    """Show the settings and where they come from."""


@command.command(epilog=examples("orch-tui config show", "orch-tui config show --json | jq -r '.settings[].key'"))
@json_option
@pass_session
def show(session: Session, as_json: bool) -> int:
    """Show every setting in force: flags, environment, orch.toml, your own file, defaults; the nearest wins.

    Exit code 2: something in them does not fit; then the default is in force.
    """
    from orch_tui.wiring import local  # git: 77 ms to import

    in_force = local.show_config(session.directory)
    if as_json:
        output.json(in_force)
    else:
        output.table([[s.key, s.value, s.source] for s in in_force.settings], head=("key", "value", "set by"))
    for problem in in_force.problems:
        diagnostics.say(problem.text)
    return diagnostics.USAGE if in_force.problems else diagnostics.DONE
