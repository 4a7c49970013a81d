"""Makes the demo's repository: a few files of a small payments library, a plan, and settings for offline work."""

from __future__ import annotations

import sys
from pathlib import Path

import tomli_w

from orch_tui.adapters.git.command import GitProgram
from orch_tui.model.errors import EnvironmentProblem, GitError

PLAYS = Path(__file__).with_name("plays.json")
UPSTREAM = f"simulated:{PLAYS}"

TASKS = """\
# Epic: Harbour Payments

A library that a small port uses to bill its berths. Three streams, eight agents.

## Stream 1: Infrastructure (3 agents)
- [ ] Settings with safe defaults (1 agent)
- [ ] Structured log lines (1 agent)
- [ ] Health report (1 agent)

## Stream 2: Backend (3 agents)
- [ ] Account store (1 agent)
- [ ] Ledger postings (2 agents)
    - debits and credits
    - balances

## Stream 3: API (2 agents)
- [ ] HTTP routes (1 agent)
- [ ] Machine-readable description (1 agent)
"""

FILES = {
    ".gitignore": "__pycache__/\n",
    "README.md": "# Harbour Payments\n\nBills berths by the night. Run the tests with `python3 -m unittest`.\n",
    "CLAUDE.md": "# House rules\n\n## Style\n\nSmall modules, one test file each, no dependencies.\n",
    "tasks.md": TASKS,
    "harbour/__init__.py": '"""Harbour Payments."""\n',
    "harbour/money.py": (
        '"""Money as whole cents."""\n\n\n'
        "def euros(cents: int) -> str:\n"
        '    """Returns an amount for people: 1250 is 12.50 EUR."""\n'
        '    return f"{cents // 100}.{cents % 100:02d} EUR"\n'
    ),
    "tests/__init__.py": "",
    "tests/test_money.py": (
        "import unittest\n\nfrom harbour.money import euros\n\n\n"
        "class MoneyTest(unittest.TestCase):\n"
        "    def test_shows_cents(self):\n"
        '        self.assertEqual(euros(1250), "12.50 EUR")\n'
    ),
}

SETTINGS: dict[str, object] = {
    "mission": {"target": "main"},
    "agents": {"backend": "builtin", "max_running": 8},
    "budget": {"daily_usd": 5, "alert": 0.8},
    "gates": {"tests": {"argv": [sys.executable, "-m", "unittest", "-q"], "timeout": "1m"}},
    "streams": {name: {"gates": ["tests", "human"]} for name in ("infrastructure", "backend", "api")},
    "engine": {"linger": "1m"},
}


def make_repository(place: Path, state: Path) -> None:
    """Makes the repository with one commit on `main`.

    Raises:
        EnvironmentProblem: the place is taken, the disk refuses, or git is missing.
    """
    if place.exists() and any(place.iterdir()):
        raise EnvironmentProblem("the demo's directory is not empty", str(place), "Choose another with --dir.")
    meter = {"upstream": UPSTREAM}
    settings = {**SETTINGS, "meter": meter, "paths": {"state": str(state)}}
    try:
        for name, text in FILES.items():
            path = place / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        (place / "orch.toml").write_text(tomli_w.dumps(settings), encoding="utf-8")
    except OSError as error:
        raise EnvironmentProblem("the demo cannot be written", f"{place}: {error.strerror}", "Choose --dir.") from error
    _commit(place)


def _commit(place: Path) -> None:
    git = GitProgram()
    who = ("-c", "user.name=Demo Operator", "-c", "user.email=operator@demo.invalid")
    for args in (("init", "-q", "-b", "main"), ("add", "-A"), (*who, "commit", "-q", "-m", "Harbour Payments")):
        done = git.run(["-C", str(place), *args])
        if done.status:
            raise GitError(f"git {args[0]} failed", done.err.strip())
