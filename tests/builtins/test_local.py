from __future__ import annotations

from pathlib import Path

from orch_tui.builtins.runners.local import LocalRunner
from orch_tui.testing.contracts_runner import RunnerContract


class TestLocalRunner(RunnerContract):
    def make_runner(self, root: Path) -> LocalRunner:
        return LocalRunner(root)
