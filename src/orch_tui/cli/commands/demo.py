"""`orch-tui demo`: a whole mission on a throw-away repository."""

from __future__ import annotations

from pathlib import Path

import click

from orch_tui.cli.options import examples


@click.command(epilog=examples("orch-tui demo", "orch-tui demo --headless --dir /tmp/demo --json"))
@click.option("--headless", is_flag=True, help="Play the story to its end without a terminal.")
@click.option(
    "--dir", "directory", metavar="DIR", type=click.Path(path_type=Path), help="Keep repository and state here."
)
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON; needs --headless.")
def command(directory: Path | None, headless: bool, as_json: bool) -> int:
    """Play a whole mission with scripted agents and an offline stand-in for the model; all else is real.

    Every figure is SIMULATED; nothing leaves this machine.
    """
    if as_json and not headless:
        raise click.UsageError("--json needs --headless.")
    from orch_tui.wiring import demo

    return demo.run(directory, headless, as_json)
