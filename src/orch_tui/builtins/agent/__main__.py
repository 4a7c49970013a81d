"""The built-in agent's own process: reads its task, works, reports, ends.

python -P -m orch_tui.builtins.agent --worktree DIR --task-file FILE --notes-file FILE --model NAME
"""

from __future__ import annotations

import argparse
import os
import sys
from contextlib import closing
from pathlib import Path

from orch_tui.builtins.agent.inbox import Inbox
from orch_tui.builtins.agent.loop import Worker, give_up
from orch_tui.builtins.agent.model import Model
from orch_tui.builtins.agent.tools import Limits, Toolbox
from orch_tui.builtins.agent.workspace import Workspace

BLUEPRINT_LIMIT = 400_000
INTERRUPTED = 130

SYSTEM = """You are one of several coding agents that work on one Git repository at the same time.
You have a worktree and a branch of your own; everything you do happens there, through the tools you are given.
Work in small steps and look before you change. Before you report `done`, commit your work with `git add` and
`git commit` (through run_command): only committed work counts. Never push, and never switch branches.
Write what you do and decide into your notes with `note`, for a person who follows along. If you need a decision,
report `blocked` with the question; the answer comes as the next message. End with `report`: `done` when the task
is complete, `failed` when it cannot be completed, each with one line that says why.
"""


def main(arguments: list[str] | None = None) -> int:
    """Runs one agent to its end; returns the exit status."""
    given = _parser().parse_args(arguments)
    root = Path(given.worktree)
    reach = Limits(given.command_timeout, tuple(given.allow or ("*",)))
    toolbox = Toolbox(Workspace(root), Path(given.notes_file), os.environ, reach)
    base_url, task = os.environ.get("ANTHROPIC_BASE_URL", ""), _read(Path(given.task_file))
    if not base_url:
        return give_up(toolbox, _say, "there is no meter to ask the model through; start the agent with one")
    if not task.strip():
        return give_up(toolbox, _say, f"there is no task in {given.task_file}")
    token = os.environ.get("ANTHROPIC_API_KEY") or base_url.rstrip("/").rpartition("/")[2]
    inbox = Inbox(Path(os.environ.get("ORCH_DIR") or root / ".orch"))
    system = f"{SYSTEM}\n{_read(root / '.orch' / 'BLUEPRINT.md')}".strip()
    try:
        limits = {"max_tokens": given.max_tokens, "retries": given.retries}
        with closing(Model(base_url, token, given.model, **limits)) as model:
            return Worker(model, toolbox, inbox, _say).work(system, task, given.max_turns)
    except KeyboardInterrupt:
        _say("error: interrupted")
        return INTERRUPTED


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="orch-agent", description="A small coding agent for one task in one worktree."
    )
    for name in ("--worktree", "--task-file", "--notes-file", "--model"):
        parser.add_argument(name, required=True)
    parser.add_argument("--max-turns", type=int, default=60)
    parser.add_argument("--max-tokens", type=int, default=16_000)
    parser.add_argument("--command-timeout", type=float, default=300.0)
    parser.add_argument("--retries", type=int, default=8, help="how often a request is tried again")
    parser.add_argument("--allow", action="append", help="a program that may be run; any, unless given")
    return parser


def _read(path: Path) -> str:
    try:
        with path.open("rb") as stream:
            return stream.read(BLUEPRINT_LIMIT).decode(errors="replace")
    except OSError:
        return ""


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    raise SystemExit(main())
