"""Every verb can be asked for from the command line and from the console."""

from __future__ import annotations

import ast
from pathlib import Path

import click
import pytest

from orch_tui.cli import COMMANDS
from orch_tui.main import program
from orch_tui.model.verbs import VERBS

SOURCE = Path(__file__).parents[2] / "src" / "orch_tui"
BY_THE_CONSOLE_ITSELF = {"StopEngine"}
"""The console leaves the engine running; ending it is for the command line."""


def used_in(folder: str) -> set[str]:
    """Returns the names that the code of this folder uses, beyond importing them."""
    nodes = [n for path in (SOURCE / folder).rglob("*.py") for n in ast.walk(ast.parse(path.read_text("utf-8")))]
    return {n.id for n in nodes if isinstance(n, ast.Name)} | {n.attr for n in nodes if isinstance(n, ast.Attribute)}


@pytest.mark.parametrize("verb", [verb.__name__ for verb in VERBS])
def test_a_verb_has_a_command(verb):
    assert verb in used_in("cli")


@pytest.mark.parametrize("verb", [verb.__name__ for verb in VERBS if verb.__name__ not in BY_THE_CONSOLE_ITSELF])
def test_a_verb_is_in_the_console(verb):
    assert verb in used_in("tui")


def test_every_command_of_the_help_can_be_imported():
    group = program()
    for name in COMMANDS:
        command = group.get_command(click.Context(group), name)
        assert command is not None
        assert command.help
