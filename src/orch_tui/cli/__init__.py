"""The headless face: the `orch-tui` command group, whose commands are imported when they are used.

This module imports click and nothing heavier, so that `orch-tui --help` answers at once. `group` takes as its context
object the doors to a mission (`cli.session.Doors`); without one it opens the real ones.
"""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Any, NoReturn

import click

from orch_tui.cli import diagnostics
from orch_tui.cli.options import examples
from orch_tui.model.errors import EnvironmentProblem, OrchError

COMMANDS: dict[str, str] = {
    "init": "Write what a mission needs into this repository.",
    "tasks": "Check tasks.md.",
    "launch": "Start agents.",
    "wait": "Wait until agents are done or streams have landed.",
    "status": "Show the mission.",
    "notes": "Show what an agent notes.",
    "log": "Show what an agent's program prints.",
    "diff": "Show the work of an agent or a stream.",
    "review": "Approve work, ask for changes or reject it.",
    "merge": "Land a stream.",
    "rollback": "Take a landed batch off the target again.",
    "stop": "Stop agents; their work stays.",
    "restart": "Start an agent again in its worktree.",
    "message": "Say something to an agent.",
    "cost": "Show what the fleet costs.",
    "doctor": "Examine this machine and this repository.",
    "config": "Show the settings and where they come from.",
    "blueprint": "Show an agent's composed instructions.",
    "engine": "Ask for the engine, or end it.",
    "audit": "Verify the journal.",
    "demo": "Play a whole mission with scripted agents.",
}
"""Each command with its line in the help; `cli.commands.<name>` holds it as `command`, or `main` registers it."""

COMPLETION = 'Completion for bash, zsh or fish:  eval "$(_ORCH_TUI_COMPLETE=bash_source orch-tui)"'


class LazyGroup(click.Group):
    """A group that knows the names of its commands and imports one when it is used.

    It is also the one place where errors become a line on stderr and an exit code.
    """

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        self._elsewhere: dict[str, tuple[str, str]] = {}

    def register(self, name: str, target: str, summary: str) -> None:
        """Adds a command that lies elsewhere: `target` is `package.module:attribute`; no summary hides it."""
        self._elsewhere[name] = (target, summary)

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  click's signature
        """Returns the names of the commands that the help shows."""
        return [*COMMANDS, *(name for name, (_, summary) in self._elsewhere.items() if summary)]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002  click's signature
        """Imports a command."""
        if cmd_name in self._elsewhere:
            return _load(self._elsewhere[cmd_name][0])
        if cmd_name in COMMANDS:
            return _load(f"orch_tui.cli.commands.{cmd_name}:command")
        return None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Writes the list of commands without importing one."""
        summaries = {name: summary for name, (_, summary) in self._elsewhere.items()} | COMMANDS
        with formatter.section("Commands"):
            formatter.write_dl([(name, summaries[name]) for name in self.list_commands(ctx)])

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = "orch-tui",
        complete_var: str | None = None,
        standalone_mode: bool = True,  # noqa: ARG002  click's signature; this group always ends the process
        **extra: Any,
    ) -> NoReturn:
        """Runs the command line and ends the process with an exit code."""
        try:
            answer = super().main(args, prog_name, complete_var, standalone_mode=False, **extra)
        except click.ClickException as problem:
            code = diagnostics.report_usage(problem)
        except OrchError as error:
            code = diagnostics.report(error)
        except click.Abort:
            code = diagnostics.INTERRUPTED
        except OSError as error:
            # click itself writes the help and what a shell completes.
            if error.errno != errno.ENOSPC or error.filename is not None:
                raise
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            code = diagnostics.report(EnvironmentProblem("cannot write the output", error.strerror or str(error)))
        else:
            code = answer if isinstance(answer, int) else diagnostics.DONE
        sys.exit(code)


def _load(target: str) -> click.Command:
    module, _, attribute = target.partition(":")
    command = getattr(import_module(module), attribute)
    if not isinstance(command, click.Command):
        raise TypeError(f"{target} is no command")
    return command


def _version(ctx: click.Context, _: click.Parameter, wanted: bool) -> None:
    if wanted and not ctx.resilient_parsing:
        from orch_tui import __version__
        from orch_tui.cli import output

        output.line(f"orch-tui {__version__}")
        ctx.exit(0)


@click.group(
    cls=LazyGroup,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog=examples(
        "orch-tui init",
        "orch-tui launch --stream infrastructure --yes",
        "orch-tui wait --until done && orch-tui status",
        "orch-tui -C ~/shop status --json",
        after=COMPLETION,
    ),
)
@click.option(
    "-C",
    "--directory",
    metavar="DIR",
    default=".",
    type=click.Path(path_type=Path),
    help="Work on the repository that holds DIR.",
)
@click.option("--version", is_flag=True, is_eager=True, expose_value=False, callback=_version, help="Show the version.")
@click.pass_context
def group(ctx: click.Context, directory: Path) -> None:
    """Launch, watch, review, land and pay for a fleet of coding agents on one Git repository.

    Without a command the console opens. What changes nothing starts no engine; what cannot be undone shows its plan
    first and needs --yes. Exit codes: 0 done, 1 refused or a failed verdict, 2 usage or configuration, 3 environment,
    4 busy or out of time, 130 interrupted.
    """
    from orch_tui.cli.session import Session

    ctx.obj = Session.of(ctx.obj, directory)
    if ctx.invoked_subcommand is None:
        _without_a_command(ctx)


def _without_a_command(ctx: click.Context) -> None:
    """Opens the console where there is one, else shows the help."""
    if isinstance(ctx.command, LazyGroup) and (console := ctx.command.get_command(ctx, "console")):
        ctx.exit(ctx.invoke(console) or 0)
    from orch_tui.cli import output

    output.line(ctx.get_help())
