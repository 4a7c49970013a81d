"""The README's tables are what the program says."""

from __future__ import annotations

import re
from pathlib import Path

from orch_tui.cli import COMMANDS
from orch_tui.model.settings import TABLES
from orch_tui.tui.commands import key_table

README = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")


def test_the_key_table_is_current() -> None:
    found = re.search(r"<!-- keys:.*?-->\n(.*?)\n<!-- end of keys -->", README, re.DOTALL)
    assert found is not None
    assert found[1].strip() == key_table().strip()


def test_every_table_of_the_configuration_is_named() -> None:
    assert [table for table in TABLES if f"[{table}" not in README and table != "keymap"] == []


def test_every_command_that_the_readme_shows_exists() -> None:
    shown = set(re.findall(r"^orch-tui ([a-z]+)", README, re.MULTILINE))
    assert shown - set(COMMANDS) == set()
