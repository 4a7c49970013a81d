"""The operator's files as the core asks for them: plan, settings and blueprints of one mission, read anew each time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from orch_tui.adapters.blueprints import BlueprintLibrary
from orch_tui.adapters.config import read_settings
from orch_tui.adapters.references import misfits
from orch_tui.adapters.taskfile import read_plan, tick
from orch_tui.model.blueprint import Blueprint
from orch_tui.model.settings import Settings
from orch_tui.model.tasks import Epic, Plan, Problem

TASKS = "tasks.md"


def read_checked(root: Path, settings: Settings, *, shown: str = TASKS) -> Plan:
    """Reads a mission's own plan; its problems include what the settings name that does not exist.

    Raises:
        ConfigError: There is no plan, or it cannot be read at all.
    """
    plan = read_plan(root / TASKS, settings, shown=shown)
    return Plan(plan.epic, (*plan.problems, *misfits(plan.epic, settings)))


class PlanFiles:
    """Implements the core's `PlanSource` on the files in a mission's root."""

    def __init__(self, root: Path, flags: Mapping[str, object], env: Mapping[str, str]) -> None:
        self._root = root
        self._flags = dict(flags)
        self._env = dict(env)

    def load(self) -> tuple[Epic, Settings, Sequence[Problem]]:
        """Returns the plan, the settings, and all problems of both.

        Raises:
            ConfigError: There is no plan, or it cannot be read at all.
        """
        settings, problems = read_settings(self._root, self._flags, self._env)
        plan = read_checked(self._root, settings)
        return plan.epic, settings, (*problems, *plan.problems)

    def blueprint(self, domain: str, compliance: Sequence[str]) -> Blueprint:
        """Returns the composed blueprint of a domain.

        Raises:
            ConfigError: A profile is unknown, or a file cannot be used.
        """
        return BlueprintLibrary(self._root).compose(domain, compliance)

    def tick(self, line: int, title: str) -> None:
        """Ticks the box of a task.

        Raises:
            Refused: The line is no longer that task.
        """
        tick(self._root / TASKS, line, title)
