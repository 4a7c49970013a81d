"""The console script: the command line, and the commands that are a process of their own.

Each process imports what it needs when it is run, so that `--help` loads click and nothing else. What nobody foresaw
goes to a log file; a person sees one line that names it.
"""

from __future__ import annotations

import gc
import os
import signal
import sys
import tempfile
import threading
import traceback
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import NoReturn

import click

from orch_tui.cli import LazyGroup, diagnostics, group
from orch_tui.cli.options import examples
from orch_tui.model.errors import EnvironmentProblem

CRASH = 70
"""The exit code for a mistake of ours, as `sysexits.h` has it."""


def main() -> NoReturn:
    """Runs the program and ends the process."""
    try:
        program().main()
    except (KeyboardInterrupt, EOFError):
        sys.exit(diagnostics.INTERRUPTED)
    except BrokenPipeError:
        # Whoever read us is gone; the interpreter must not try to write the rest when it ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(diagnostics.BROKEN_PIPE)
    except Exception as error:
        sys.exit(_crashed(error))


def program() -> LazyGroup:
    """Returns the command line with what is a process of its own."""
    for name in ("console", "demo", "engine", "meter", "standin"):
        group.register(name, f"orch_tui.main:{name}", "")
    return group


@click.command(hidden=True)
@click.pass_context
def console(ctx: click.Context) -> int:
    """Open the console."""
    _needs_terminal("`orch-tui status` prints the mission")
    import asyncio  # 41 ms

    return asyncio.run(_console(ctx.obj.directory))


async def _console(directory: Path) -> int:
    gc.disable()  # the console turns it on again when it is ready
    from orch_tui.tui.app import OrchApp  # textual: 300 ms
    from orch_tui.wiring.console import opened

    async with opened(directory) as (mission, settings, log):
        app = OrchApp(mission, log_path=str(log))
        app.set_keymap(settings.keymap)
        await app.run_async()
    return diagnostics.DONE


@click.command(epilog=examples("orch-tui demo", "orch-tui demo --headless --dir /tmp/demo --json"))
@click.option("--headless", is_flag=True, help="Play the story to its end without a terminal.")
@click.option(
    "--dir", "directory", metavar="DIR", type=click.Path(path_type=Path), help="Keep repository and state here."
)
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON; needs --headless.")
def demo(directory: Path | None, headless: bool, as_json: bool) -> int:
    """Play a whole mission with scripted agents and an offline stand-in for the model; all else is real.

    Every figure is SIMULATED; nothing leaves this machine.
    """
    if as_json and not headless:
        raise click.UsageError("--json needs --headless.")
    if headless:
        from orch_tui.cli.commands.demo import play

        return play(directory, as_json=as_json)
    _needs_terminal("`orch-tui demo --headless` plays without one")
    import asyncio  # 41 ms

    try:
        return asyncio.run(_demo(directory))
    except asyncio.CancelledError:
        return diagnostics.HUNG_UP


def _end_with_terminal() -> None:
    """Has this task end in good order when its terminal goes away; only the first signal counts."""
    import asyncio

    task, loop = asyncio.current_task(), asyncio.get_running_loop()
    assert task is not None  # noqa: S101 - asked for inside a coroutine

    def end() -> None:
        loop.add_signal_handler(signal.SIGHUP, lambda: None)
        nowhere = os.open(os.devnull, os.O_RDWR)  # the last words have no reader and must not fail
        for descriptor in (1, 2):
            os.dup2(nowhere, descriptor)
        task.cancel()

    loop.add_signal_handler(signal.SIGHUP, end)


def _end_without_terminal(strike: Callable[[], None]) -> None:
    """Takes the demo down and ends, when the terminal goes away under the console.

    The console is not asked to close: it would write its last words to a terminal that is gone, and may wait for ever.
    """
    import asyncio

    def ended() -> None:
        try:
            strike()
        finally:
            os._exit(diagnostics.HUNG_UP)

    loop = asyncio.get_running_loop()
    ending = threading.Thread(target=ended, name="strike", daemon=True)
    loop.add_signal_handler(signal.SIGHUP, lambda: None if ending.is_alive() else ending.start())


async def _demo(directory: Path | None) -> int:
    gc.disable()  # the console turns it on again when it is ready
    from orch_tui.tui.app import OrchApp  # textual: 300 ms
    from orch_tui.wiring.demo.director import Director, play
    from orch_tui.wiring.demo.stage import FAREWELL, PAUSE_S, staged, strike

    _end_with_terminal()
    diagnostics.say("Setting the stage: a small repository, an engine, a meter, an offline model ...")
    async with staged(directory) as (mission, top):
        _end_without_terminal(partial(strike, top, remove=directory is None))
        app = OrchApp(mission, farewell=FAREWELL)

        async def say(words: str) -> None:
            app.call_later(app.narrate, words)

        await app.run_with(play(mission, Director(roll_back=False), say, pause=PAUSE_S))
    return diagnostics.DONE


class _Engine(click.Group):
    """The command line's `engine` and the process itself."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Returns the names of its commands."""
        return [*self._asking().list_commands(ctx), "run"]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Returns one of them."""
        return engine_run if cmd_name == "run" else self._asking().get_command(ctx, cmd_name)

    def _asking(self) -> click.Group:
        from orch_tui.cli.commands.engine import command

        return command


@click.group(
    cls=_Engine, epilog=examples("orch-tui engine status --json", "orch-tui engine stop", "orch-tui engine run")
)
def engine() -> None:
    """Ask for the engine, end it, or be it. It starts by itself with the first command that needs it."""


@click.command(epilog=examples("orch-tui engine run"))
@click.option("--directory", metavar="DIR", type=click.Path(path_type=Path), help="Host the mission that holds DIR.")
@click.pass_context
def engine_run(ctx: click.Context, directory: Path | None) -> int:
    """Host the mission in this process until nobody needs it or Ctrl-C ends it; agents go on."""
    from orch_tui.wiring.engine import run

    return run(directory or ctx.obj.directory)


@click.command(hidden=True)
@click.option("--state", metavar="DIR", type=click.Path(path_type=Path), required=True, help="The state directory.")
@click.option("--upstream", metavar="URL", required=True, help="The Messages API, or `simulated`.")
@click.option("--linger", metavar="SECONDS", type=float, default=600.0, show_default=True, help="Stay so long unused.")
@click.option("--zone", metavar="NAME", default="UTC", show_default=True, help="The time zone of a budget day.")
@click.option(
    "--port-seconds", type=float, default=60.0, show_default=True, help="Wait so long for the port of before."
)
def meter(state: Path, upstream: str, linger: float, zone: str, port_seconds: float) -> int:
    """Count what model requests cost; the real key comes as one line on standard input."""
    from orch_tui.wiring.meter import run_meter

    return run_meter(state, upstream=upstream, linger=linger, zone=zone, port_seconds=port_seconds)


@click.command(hidden=True)
@click.option("--port", type=int, default=0, show_default=True, help="The port on this machine; 0: any.")
@click.option("--plays", metavar="FILE", type=click.Path(path_type=Path), help="The conversations to play.")
def standin(port: int, plays: Path | None) -> int:
    """Stand in for the model API, offline; the first line says where."""
    from orch_tui.wiring.meter import run_standin

    return run_standin(port, plays)


def _needs_terminal(instead: str) -> None:
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise EnvironmentProblem("The console needs a terminal", "standard input or output is none", instead)


def _crashed(error: Exception) -> int:
    handle, name = tempfile.mkstemp(prefix="orch-tui-crash-", suffix=".log")
    with os.fdopen(handle, "w", encoding="utf-8", errors="backslashreplace") as log:
        log.write("".join(traceback.format_exception(error)))
    diagnostics.say(f"orch-tui: this is a mistake of ours: {type(error).__name__}: {error}")
    diagnostics.say(f"  nothing that was recorded is lost; the details are in {name}")
    return CRASH
