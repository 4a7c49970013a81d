"""Any program as an agent, described as data: an argument list and a few variables.

Its state comes from the file protocol alone; its output is shown as it is. Does no IO.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import msgspec

from orch_tui.api import DEFAULT_LADDER, Activity, AgentTask, Launch, StopStep


class CommandOptions(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[backends.command]`: what to run; each item may hold placeholders, none goes through a shell."""

    argv: tuple[str, ...]
    env: dict[str, str] = {}


class CommandBackend:
    """Starts the operator's own command for each agent."""

    name: ClassVar[str] = "command"
    Options: ClassVar[type[msgspec.Struct]] = CommandOptions
    ladder: ClassVar[tuple[StopStep, ...]] = DEFAULT_LADDER

    def launch(self, task: AgentTask, options: CommandOptions) -> Launch:  # noqa: ARG002 - the port's signature
        """Returns the command as it stands in the configuration; placeholders are filled where it runs."""
        return Launch(argv=options.argv, env=options.env)

    def parse(self, line: bytes) -> Sequence[Activity]:  # noqa: ARG002 - the port's signature
        """Reads nothing out of a stranger's output."""
        return ()
