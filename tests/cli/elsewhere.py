"""A command that the group finds by its address."""

from __future__ import annotations

import click


@click.command()
def command() -> None:
    """Say where."""
    click.echo("elsewhere")
