"""The agent that comes with the program: needs no other command-line tool, only a model behind the meter.

Does no IO: it builds the command of `orch_tui.builtins.agent` and reads the plain lines that it prints.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Annotated, ClassVar

import msgspec

from orch_tui.api import Activity, AgentTask, ConfigError, Duration, Launch, StopStep

KINDS = {b"turn": "turn", b"say": "say", b"tool": "tool", b"waiting": "waiting", b"error": "error"}
SHOWN = 300


class BuiltinOptions(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[backends.builtin]`: the model, and how far an agent may go on its own."""

    model: str = "claude-sonnet-5-5"
    max_turns: Annotated[int, msgspec.Meta(ge=1, le=10_000)] = 60
    max_tokens: Annotated[int, msgspec.Meta(ge=256, le=128_000)] = 16_000
    command_timeout: str | float = "5m"
    allow: tuple[str, ...] = ("*",)
    """Programs that `run_command` may start, by name; `*` is any."""


class BuiltinBackend:
    """Starts the built-in agent."""

    name: ClassVar[str] = "builtin"
    Options: ClassVar[type[msgspec.Struct]] = BuiltinOptions
    ladder: ClassVar[tuple[StopStep, ...]] = (StopStep("SIGINT", 2.0), StopStep("SIGTERM", 3.0))

    def launch(self, task: AgentTask, options: BuiltinOptions) -> Launch:
        """Returns the agent's command; `-P` keeps the worktree's own modules out of its imports.

        Raises:
            ConfigError: `command_timeout` is no length of time.
        """
        allowed = [f"--allow={program}" for program in options.allow]
        numbers = [f"--max-turns={options.max_turns}", f"--max-tokens={options.max_tokens}"]
        return Launch(
            argv=(
                *(sys.executable, "-P", "-m", "orch_tui.builtins.agent", f"--model={task.model or options.model}"),
                *numbers,
                f"--command-timeout={_seconds(options):g}",
                *allowed,
                *("--worktree={worktree}", "--task-file={task_file}", "--notes-file={notes_file}"),
            ),
            env={"ANTHROPIC_BASE_URL": "{meter}", "PYTHONUNBUFFERED": "1"},
        )

    def parse(self, line: bytes) -> Sequence[Activity]:
        """Returns what one printed line says: `turn: 3`, `tool: read_file README.md` and the like."""
        word, colon, rest = line.partition(b":")
        if not colon or word not in KINDS:
            return ()
        return (Activity(KINDS[word], rest.strip().decode(errors="replace")[:SHOWN]),)


def _seconds(options: BuiltinOptions) -> float:
    try:
        return float(Duration.parse(options.command_timeout))
    except ValueError as trouble:
        detail = f"backends.builtin.command_timeout = {options.command_timeout!r}"
        raise ConfigError(
            "The built-in agent's time limit cannot be used", detail, str(trouble).capitalize()
        ) from trouble
