"""The core's mission on the fakes of the test kit, as the contract wants it."""

from __future__ import annotations

from pathlib import Path

from orch_tui.core.mission import Mission
from orch_tui.core.parts import Current, Parts, Places
from orch_tui.core.store import Store
from orch_tui.model.settings import Settings
from orch_tui.testing.clock import VirtualClock
from orch_tui.testing.fake_git import FakeGit
from orch_tui.testing.fakes import (
    FakeBackend,
    FakeDesk,
    FakeGates,
    FakeMeter,
    FakePlan,
    FakeRunner,
    FakeWatcher,
    MemoryJournal,
)


class FakeWorld:
    """Everything around a mission, in memory."""

    def __init__(self) -> None:
        self.clock = VirtualClock(autojump=False)
        self.journal = MemoryJournal()
        self.git = FakeGit()
        self.runner = FakeRunner()
        self.desk = FakeDesk()
        self.watcher = FakeWatcher()
        self.plan = FakePlan()
        self.meter = FakeMeter()
        self.gates = FakeGates()
        self.runs = 0

    async def open(self) -> Mission:
        parts = Parts(
            store=await Store.open(self.journal, self.clock),
            git=self.git,
            runner=self.runner,
            desk=self.desk,
            watcher=self.watcher,
            plan=self.plan,
            clock=self.clock,
            places=Places(Path("/state")),
            meter=self.meter,
            backend=lambda name: FakeBackend(),
            gates=self.gates,
            nonce=self._nonce,
            heads=Path("/repository/.git/refs/heads"),
        )
        mission = Mission(parts, Current(Settings()), pid=1)
        await mission.open()
        return mission

    def _nonce(self) -> str:
        self.runs += 1
        return f"{self.runs:032x}"
