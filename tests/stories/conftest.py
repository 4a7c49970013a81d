"""Fleets and terminals that are gone when a story is over."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.fleet import ORCH_TUI, Fleet, tool
from tests.stories.terminal import Terminal

MakeFleet = Callable[..., Fleet]
OpenConsole = Callable[..., Terminal]


@pytest.fixture
def make_fleet(tmp_path: Path) -> Iterator[MakeFleet]:
    """Makes missions below the test's directory."""
    with ExitStack() as stack:

        def make(streams: dict[str, list[int]], **more: object) -> Fleet:
            fleet = Fleet(tmp_path, streams, **more)  # type: ignore[arg-type]
            stack.callback(fleet.close)
            return fleet

        yield make


@pytest.fixture
def open_console(make_fleet: object) -> Iterator[OpenConsole]:
    """Opens consoles on a fleet; it asks for `make_fleet` so that terminals close before fleets do."""
    tmux = tool("tmux")
    with ExitStack() as stack:

        def open_on(fleet: Fleet, *words: str, size: tuple[int, int] = (160, 48)) -> Terminal:
            terminal = Terminal(tmux, [*ORCH_TUI, *words], cwd=fleet.root, env=fleet.env, size=size)
            stack.callback(terminal.close)
            return terminal

        yield open_on
