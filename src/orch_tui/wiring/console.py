"""The composition root of the console: the mission in its engine, or from its records where no engine can run."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from orch_tui.adapters.config import load_settings
from orch_tui.core.playback import Playback
from orch_tui.core.ports import MissionVerbs
from orch_tui.engine.client import MissionClient
from orch_tui.model.errors import EngineAway
from orch_tui.model.settings import Settings
from orch_tui.wiring.client import NO_FLAGS, connect, find_state


@asynccontextmanager
async def opened(directory: Path) -> AsyncIterator[tuple[MissionVerbs, Settings, Path]]:
    """Yields the mission, its settings and the engine's log; lets go of the mission at the end, and the engine goes on.

    Raises:
        ConfigError: there is no mission, or its configuration cannot be used.
        StorageError: no engine can be started and the journal cannot be read.
    """
    root, paths = find_state(directory)
    settings = load_settings(root, NO_FLAGS, os.environ)
    mission: MissionClient | Playback
    try:
        mission = await connect(directory)
    except EngineAway as error:
        from orch_tui.wiring.offline import playback  # journal and git: 25 ms that only a lost engine costs

        mission = playback(directory, why=str(error))
    try:
        yield mission, settings, paths.engine_log
    finally:
        await mission.close()
