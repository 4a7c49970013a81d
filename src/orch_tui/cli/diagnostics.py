"""The only writer of stderr, and the exit codes."""

from __future__ import annotations

import click

from orch_tui.model.errors import OrchError
from orch_tui.model.plain import visible

DONE = 0
REFUSED = 1
USAGE = 2
ENVIRONMENT = 3
BUSY = 4
INTERRUPTED = 130
HUNG_UP = 129
BROKEN_PIPE = 141
"""As a shell reports a program that nobody listened to any more."""


def say(text: str) -> None:
    """Writes a remark."""
    click.echo(visible(text), err=True)


def report(error: OrchError) -> int:
    """Writes what happened, to what and what to do; returns the exit code."""
    parts = error.detail.splitlines()
    say(f"orch-tui: {error}" if len(parts) < 2 else "\n  ".join([f"orch-tui: {error.title}:", *parts]))
    if error.hint:
        say(f"  {error.hint}")
    return error.exit_code


def report_usage(problem: click.ClickException) -> int:
    """Writes what is wrong with the command line; returns the exit code."""
    context = getattr(problem, "ctx", None)
    say(f"orch-tui: {problem.format_message()}")
    if context is not None:
        say(f"  Try '{context.command_path} --help'.")
    return problem.exit_code if problem.exit_code == USAGE else ENVIRONMENT
