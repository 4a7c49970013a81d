from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from orch_tui.cli import COMMANDS, LazyGroup, group
from orch_tui.main import program
from orch_tui.model import errors

RUN = "import sys; from orch_tui.cli import group; group()"


def commands(command: click.Command, path: tuple[str, ...] = ()):
    """Yields the path of every command below this one."""
    if isinstance(command, click.Group):
        for name in command.list_commands(click.Context(command)):
            found = command.get_command(click.Context(command), name)
            assert found is not None
            yield (*path, name)
            yield from commands(found, (*path, name))


EVERY = list(commands(program()))


@pytest.mark.parametrize("path", EVERY, ids=" ".join)
def test_every_command_has_help_with_examples_that_start_it(path):
    result = CliRunner().invoke(group, [*path, "--help"], obj=object())
    assert result.exit_code == 0
    assert f"  orch-tui {' '.join(path)}" in result.stdout.partition("Examples:")[2]


@pytest.mark.parametrize(
    "path",
    [
        p
        for p in EVERY
        if p not in {("tasks",), ("config",), ("blueprint",), ("audit",), ("engine",), ("engine", "run")}
    ],
    ids=" ".join,
)
def test_every_command_prints_json(path):
    assert "--json" in CliRunner().invoke(group, [*path, "--help"], obj=object()).stdout


def test_help_lists_every_command_and_tells_of_completion(run, snapshot):
    result = run("--help")
    assert all(f"  {name} " in result.stdout for name in COMMANDS)
    assert "_ORCH_TUI_COMPLETE=bash_source" in result.stdout
    assert result.stdout == snapshot


@pytest.mark.parametrize("start", [RUN, "from orch_tui.main import main; main()"], ids=["group", "program"])
def test_help_loads_nothing_heavy(start):
    code = f"import atexit, sys; atexit.register(lambda: sys.stderr.write(' '.join(sys.modules))); {start}"
    loaded = subprocess.run(
        [sys.executable, "-c", code, "--help"], capture_output=True, text=True, check=True
    ).stderr.split()
    assert not {"asyncio", "textual", "rich", "git", "msgspec", "sqlite3", "orch_tui.wiring"} & set(loaded)


def test_without_a_command_and_without_a_console_the_help_shows():
    result = subprocess.run([sys.executable, "-c", RUN], capture_output=True, text=True, check=True)
    assert "Commands:" in result.stdout


def test_a_command_that_lies_elsewhere_is_listed_and_run():
    @click.group(cls=LazyGroup)
    def other() -> None:
        """Something."""

    other.register("where", "tests.cli.elsewhere:command", "Say where.")
    other.register("hidden", "tests.cli.elsewhere:command", "")
    runner = CliRunner()
    assert "  where      Say where.\n" in runner.invoke(other, ["--help"]).stdout
    assert "hidden" not in runner.invoke(other, ["--help"]).stdout
    assert runner.invoke(other, ["where"]).stdout == "elsewhere\n"
    assert runner.invoke(other, ["hidden"]).exit_code == 0


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (errors.Refused("no"), 1),
        (errors.UsageError("no"), 2),
        (errors.ConfigError("no"), 2),
        (errors.EnvironmentProblem("no"), 3),
        (errors.GitError("no"), 3),
        (errors.StorageError("no"), 3),
        (errors.PluginError("no"), 3),
        (errors.EngineAway("no"), 3),
        (errors.Busy("no"), 4),
        (click.Abort(), 130),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else "",
)
def test_each_error_has_its_exit_code(run, doors, error, code):
    def closed(directory):
        raise error

    doors.view = closed
    assert run("status").exit_code == code


def test_an_error_says_what_happened_to_what_and_what_to_do_on_stderr(run, doors):
    def closed(directory):
        raise errors.GitError("git failed", "main\x1b[2J", "Try again.")

    doors.view = closed
    result = run("status")
    assert result.stdout == ""
    assert result.stderr == "orch-tui: git failed: main␛[2J\n  Try again.\n"


@pytest.mark.parametrize(
    "args", [["bogus"], ["status", "--bogus"], ["merge"], ["notes"], ["wait", "--timeout", "soon"]]
)
def test_a_wrong_command_line_is_two_and_names_the_help(run, args):
    result = run(*args)
    assert result.exit_code == 2
    assert "--help" in result.stderr
    assert result.stdout == ""


def test_a_reader_that_goes_away_ends_it_quietly():
    read, write = os.pipe()
    process = subprocess.Popen([sys.executable, "-c", RUN, "--version"], stdout=write, stderr=subprocess.PIPE)
    os.close(read)
    os.close(write)
    _, said = process.communicate(timeout=30)
    assert (process.returncode, said) == (141, b"")


WAITING = """
import signal, sys
from orch_tui.cli import group
from orch_tui.model.fleet import Fleet
from orch_tui.model.states import AgentState
from tests.cli.conftest import FakeDoors, FakeMission, agent, stream

class Doors(FakeDoors):
    def now(self):
        return 0.0

class Waiting(FakeMission):
    def follow(self):
        print("ready", flush=True)
        return super().follow()

mission = Waiting(Fleet(streams=(stream("a", 1, agent("a", 1, state=AgentState.WORKING)),)))
mission.endless = True
signal.signal(signal.SIGINT, signal.default_int_handler)
group(["wait"], obj=Doors(mission))
"""


def test_an_interrupt_is_130_and_quiet():
    root = Path(__file__).parents[2]
    process = subprocess.Popen(
        [sys.executable, "-c", WAITING], cwd=root, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "Traceback" not in said
