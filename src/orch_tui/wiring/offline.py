"""The composition root of those who only look: the engine if one runs, else the mission's records on disk."""

from __future__ import annotations

from pathlib import Path

from orch_tui.adapters.desk import Desk
from orch_tui.adapters.paths import StatePaths
from orch_tui.adapters.state.journal import read_records
from orch_tui.core.pages import agent_file, root_of
from orch_tui.core.parts import PROTOCOL_NAMES, Places
from orch_tui.core.playback import NO_ENGINE, Playback, Reader
from orch_tui.engine.client import MissionClient
from orch_tui.model.errors import EngineAway
from orch_tui.model.fleet import Agent
from orch_tui.model.verbs import Page, ReadPage
from orch_tui.wiring.client import connect, find_state


async def view(directory: Path) -> MissionClient | Playback:
    """Returns the mission of a directory for reading; starts nothing.

    Raises:
        ConfigError: there is no mission, or its configuration cannot be used.
        StorageError: its journal cannot be read.
    """
    try:
        return await connect(directory, start_engine=False)
    except EngineAway:
        return playback(directory)


def playback(directory: Path, *, why: str = NO_ENGINE) -> Playback:
    """Returns the mission of a directory as its records tell it; empty where nothing was recorded yet.

    Raises:
        ConfigError: there is no mission, or its configuration cannot be used.
        StorageError: its journal cannot be read.
    """
    _, paths = find_state(directory)
    records = read_records(paths.state_db) if paths.state_db.exists() else ()
    return Playback(records, _pages(paths), why=why)


def _pages(paths: StatePaths) -> Reader:
    desk = Desk()

    def page(agent: Agent, verb: ReadPage) -> Page:
        worktree = Path(agent.worktree)
        ours = [name for name in PROTOCOL_NAMES if (worktree / ".orch" / name).exists()]
        files = desk.agent_files(worktree, ours) if worktree.exists() else None
        path = agent_file(verb.file, agent, files, Places(paths.root))
        return desk.page(path, verb.offset, verb.size, root_of(path, agent))

    return page
