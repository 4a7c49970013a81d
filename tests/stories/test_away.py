"""The engine is killed while agents run, and comes back; consoles come and go; nothing is missed."""

from __future__ import annotations

import fcntl
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager

import psutil
import pytest

from tests.fleet import Fleet, until
from tests.stories.conftest import MakeFleet, OpenConsole
from tests.stories.terminal import Terminal

pytestmark = pytest.mark.story

AWAY = "engine away"


@pytest.fixture
def fleet(make_fleet: MakeFleet) -> Fleet:
    fleet = make_fleet({"Alpha": [1, 1, 1]})
    fleet.ok("launch", "--yes")
    for agent in ("alpha-1", "alpha-2", "alpha-3"):
        fleet.order(agent, "note ready")
    fleet.wait_states(dict.fromkeys(("alpha-1", "alpha-2", "alpha-3"), "working"))
    return fleet


@contextmanager
def no_engine(fleet: Fleet) -> Iterator[None]:
    """Kills the engine and keeps its place taken, so that none comes back meanwhile."""
    with fleet.engine_lock.open("rb") as lock:
        os.kill(fleet.engine, signal.SIGKILL)
        until("the engine's lock is free", lambda: _taken(lock.fileno()))
        yield


def _taken(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _notes_of_first(console: Terminal) -> None:
    console.see_row("alpha-1", "working")
    console.keys("j", "j", "j")
    console.see("╭─ alpha-1 ─", "ready")


def test_a_killed_engine_comes_back_and_has_missed_nothing(fleet: Fleet, open_console: OpenConsole) -> None:
    console = open_console(fleet)
    _notes_of_first(console)
    before = fleet.agents()
    engine = fleet.engine
    with no_engine(fleet):
        console.see(AWAY)
        fleet.order("alpha-1", "note written while the engine was away", "report blocked Are you there?")
        fleet.order("alpha-2", "exit 7")
        os.kill(before["alpha-3"]["pid"], signal.SIGTERM)
        until("two agents have ended", lambda: not any(_runs(before[a]["pid"]) for a in ("alpha-2", "alpha-3")))
    console.wait("the engine is back", lambda text: AWAY not in text)
    console.see("written while the engine was away")
    console.see_row("alpha-1", "blocked")
    console.see_row("alpha-2", "failed")
    console.see_row("alpha-3", "failed")

    after = fleet.agents()
    assert fleet.engine not in (0, engine)
    assert _runs(before["alpha-1"]["pid"])
    assert (after["alpha-1"]["pid"], after["alpha-1"]["attempt"]) == (before["alpha-1"]["pid"], 1)
    assert "status 7" in after["alpha-2"]["reason"]
    assert "signal 15" in after["alpha-3"]["reason"]
    fleet.order("alpha-1", "note and on it goes")
    console.see("and on it goes")
    fleet.ok("audit", "verify")


def test_two_consoles_and_the_command_line_agree(fleet: Fleet, open_console: OpenConsole) -> None:
    wide, narrow = open_console(fleet), open_console(fleet, size=(80, 24))
    for console in (wide, narrow):
        _notes_of_first(console)
    assert fleet.json("engine", "status")["clients"] == 3
    fleet.order("alpha-2", "report blocked Which way?")
    fleet.deliver("alpha-3", "three.txt", "three")
    for console in (wide, narrow):
        console.see_row("alpha-2", "blocked")
        console.see_row("alpha-3", "review")
    narrow.keys("3")
    narrow.see("three.txt")
    narrow.keys("a")
    wide.see_row("alpha-3", "approved")
    states = {name: agent["state"] for name, agent in fleet.agents().items()}
    assert states == {"alpha-1": "working", "alpha-2": "blocked", "alpha-3": "approved"}


def test_quitting_leaves_everything_running_and_says_so(fleet: Fleet, open_console: OpenConsole) -> None:
    console = open_console(fleet)
    _notes_of_first(console)
    pids = [agent["pid"] for agent in fleet.agents().values()]
    engine = fleet.engine
    console.keys("q")
    assert console.ended() == 0
    assert "everything keeps running" in console.screen()
    assert all(map(_runs, pids))
    assert fleet.engine == engine
    fleet.order("alpha-1", "note written without a console")
    again = open_console(fleet)
    _notes_of_first(again)
    again.see("written without a console")


def _runs(pid: int) -> bool:
    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False
