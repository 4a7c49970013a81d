"""The real doors to a mission: its engine over the socket, or its records on disk."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from orch_tui.core.ports import MissionVerbs
from orch_tui.model.problem import Problem
from orch_tui.wiring import client


class EngineDoors:
    """Opens missions through `wiring.client`."""

    @asynccontextmanager
    async def connect(self, directory: Path, *, start_engine: bool = True) -> AsyncIterator[MissionVerbs]:
        """Opens the mission in its engine."""
        mission = await client.connect(directory, start_engine=start_engine)
        try:
            yield mission
        finally:
            await mission.close()

    @asynccontextmanager
    async def view(self, directory: Path) -> AsyncIterator[MissionVerbs]:
        """Opens the mission for reading."""
        from orch_tui.wiring import offline  # only readers need the journal's adapters

        mission = await offline.view(directory)
        try:
            yield mission
        finally:
            await mission.close()

    def problems(self, directory: Path) -> Sequence[Problem]:
        """Reads plan and settings and returns what is wrong with them."""
        from orch_tui.wiring import local  # git and the Markdown parser: 120 ms to import

        return local.problems_of(directory)

    def now(self) -> float:
        """Returns epoch seconds, UTC."""
        return time.time()
