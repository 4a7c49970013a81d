"""Homes, missions and terminals that are gone when a story is over."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.fleet import ORCH_TUI, Fleet, Home, Mission, tool
from tests.stories.terminal import Terminal

MakeHome = Callable[[], Home]
MakeMission = Callable[[], Mission]
MakeFleet = Callable[..., Fleet]
OpenConsole = Callable[..., Terminal]


@pytest.fixture
def ends() -> Iterator[ExitStack]:
    """What is to be done when the story is over."""
    with ExitStack() as stack:
        yield stack


@pytest.fixture
def make_home(tmp_path: Path, ends: ExitStack) -> MakeHome:
    """Makes a clean home below the test's directory."""

    def make() -> Home:
        home = Home(tmp_path)
        ends.callback(home.close)
        return home

    return make


@pytest.fixture
def make_mission(tmp_path: Path, ends: ExitStack) -> MakeMission:
    """Makes an empty repository with a home of its own."""

    def make() -> Mission:
        mission = Mission(tmp_path)
        ends.callback(mission.close)
        return mission

    return make


@pytest.fixture
def make_fleet(tmp_path: Path, ends: ExitStack) -> MakeFleet:
    """Makes a mission of puppets."""

    def make(streams: dict[str, list[int]], **more: object) -> Fleet:
        fleet = Fleet(tmp_path, streams, **more)  # type: ignore[arg-type]
        ends.callback(fleet.close)
        return fleet

    return make


@pytest.fixture
def open_console(ends: ExitStack) -> OpenConsole:
    """Opens consoles on a mission, each in a terminal of its own."""
    tmux = tool("tmux")

    def open_on(mission: Mission, *words: str, size: tuple[int, int] = (160, 48)) -> Terminal:
        terminal = Terminal(tmux, [*ORCH_TUI, *words], cwd=mission.root, env=mission.env, size=size)
        ends.callback(terminal.close)
        return terminal

    return open_on
