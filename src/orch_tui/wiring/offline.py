"""The composition root of those who only look: the engine if one runs, else the mission's records on disk."""

from __future__ import annotations

from pathlib import Path

from orch_tui.adapters.desk import Desk
from orch_tui.adapters.paths import StatePaths
from orch_tui.adapters.state.journal import read_records
from orch_tui.core.playback import NO_ENGINE, Playback, Reader
from orch_tui.engine.client import MissionClient
from orch_tui.model.errors import EngineAway, Refused
from orch_tui.model.fleet import Agent
from orch_tui.model.ids import RunNonce
from orch_tui.model.verbs import Page, ReadPage
from orch_tui.wiring.client import connect, find_state

OURS = ("TASK.md", "AGENT_NOTES.md")
"""Files that lie in `.orch/` where the repository has some of that name."""


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
        return desk.page(_file(paths, desk, agent, verb.file), verb.offset, verb.size)

    return page


def _file(paths: StatePaths, desk: Desk, agent: Agent, file: str) -> Path:
    """Returns the file of an agent that has this name in `ReadPage`."""
    if not agent.worktree:
        raise Refused(f"{agent.id} was never launched", hint="`orch-tui launch` starts it")
    worktree = Path(agent.worktree)
    files = desk.agent_files(worktree, [name for name in OURS if (worktree / ".orch" / name).exists()])
    run = paths.run(agent.id, RunNonce(agent.run))
    places = {
        "notes": files.notes_path,
        "task": files.task_path,
        "blueprint": worktree / ".orch" / "BLUEPRINT.md",
        "output": run / "out.log",
        "errors": run / "err.log",
    }
    if file not in places:
        raise Refused(f"{agent.id} has no file {file!r}", hint=f"these can be read: {', '.join(places)}")
    return places[file]
