"""The composition root of console and command line: finds the mission and its engine, and loads nothing heavier."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

from orch_tui import __version__
from orch_tui.adapters.config import find_root, load_settings
from orch_tui.adapters.paths import StatePaths, find_socket, state_paths
from orch_tui.engine.client import MissionClient
from orch_tui.engine.starter import Starter, answers
from orch_tui.model.errors import EngineAway

NO_FLAGS: Mapping[str, str] = {}


def engine_argv(root: Path) -> tuple[str, ...]:
    """Returns the command that hosts the mission of a repository."""
    return (sys.executable, "-m", "orch_tui", "engine", "run", "--directory", os.fspath(root))


def find_state(directory: Path, flags: Mapping[str, str] = NO_FLAGS) -> tuple[Path, StatePaths]:
    """Returns the mission that a directory belongs to, and where its state lies.

    Raises:
        ConfigError: there is no mission, or its configuration cannot be used.
    """
    root = find_root(directory)
    settings = load_settings(root, flags, os.environ)
    return root, state_paths(root, settings.paths.state, os.environ)


async def connect(directory: Path, *, start_engine: bool = True, flags: Mapping[str, str] = NO_FLAGS) -> MissionClient:
    """Returns the mission of a directory in its engine; close it when done.

    Args:
        directory: any directory of the repository.
        start_engine: whether an engine is started where none runs, and again where it is lost.
        flags: settings from the command line, by dotted key.

    Raises:
        ConfigError: there is no mission, or its configuration cannot be used.
        EngineAway: no engine runs and none was to be started, or it cannot be.
    """
    root, paths = find_state(directory, flags)
    find: Callable[[], Path] = partial(find_socket, paths.engine_sock)
    if start_engine:
        starter = Starter(find, engine_argv(root), paths.engine_log)
        return await MissionClient.connect(await starter(), restart=starter, program=__version__)
    if not answers(find()):
        raise EngineAway("No engine runs", str(root), "`orch-tui launch` starts it")
    return await MissionClient.connect(find(), program=__version__)
