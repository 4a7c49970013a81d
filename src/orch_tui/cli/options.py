"""Options and texts that several commands share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

F = TypeVar("F", bound=Callable[..., Any])

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
yes_option = click.option("--yes", is_flag=True, help="Do it; without this the plan is shown.")
plan_option = click.option("--plan", is_flag=True, help="Show what would be done and do nothing.")
stream_option = click.option("--stream", "-s", metavar="S", default="", help="A stream: its number, key or domain.")
agent_option = click.option("--agent", "-a", metavar="A", default="", help="An agent: its id, such as api-2.")
agent_argument = click.argument("agent", metavar="A")


def examples(*lines: str, after: str = "") -> str:
    """Returns the block of examples that ends a command's help."""
    block = "\n".join(["\b", "Examples:", *(f"  {line}" for line in lines)])
    return f"{block}\n\n\b\n{after}" if after else block


def one_scope(stream: str, agent: str, *, needed: bool = True) -> None:
    """Checks that a stream or an agent is named, not both.

    Raises:
        click.UsageError: both are named, or none where one is needed.
    """
    if stream and agent:
        raise click.UsageError("Say --stream or --agent, not both.")
    if needed and not (stream or agent):
        raise click.UsageError("Say which: --agent A or --stream S.")


def one_way(plan: bool, yes: bool) -> None:
    """Checks that not both --plan and --yes are given.

    Raises:
        click.UsageError: both are given.
    """
    if plan and yes:
        raise click.UsageError("Say --plan or --yes, not both.")
