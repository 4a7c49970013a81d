"""A person watches a fleet at work."""

from __future__ import annotations

import pytest

from tests.fleet import Fleet
from tests.stories.conftest import MakeFleet, OpenConsole

pytestmark = pytest.mark.story

AGENTS = ("alpha-1", "alpha-2", "beta-1")


@pytest.fixture
def fleet(make_fleet: MakeFleet) -> Fleet:
    return make_fleet({"Alpha": [1, 1], "Beta": [1]})


@pytest.mark.parametrize("size", [(80, 24), (160, 48)], ids=["80x24", "160x48"])
def test_one_key_brings_the_fleet_to_life(fleet: Fleet, open_console: OpenConsole, size: tuple[int, int]) -> None:
    console = open_console(fleet, size=size)
    for agent in AGENTS:
        console.see_row(agent, "planned")
    console.keys("L")
    for agent in AGENTS:
        fleet.order(agent, "note ready")
        console.see_row(agent, "working")
    console.see_row("1 Alpha", "running", "0/2")


@pytest.mark.parametrize("size", [(80, 24), (160, 48)], ids=["80x24", "160x48"])
def test_notes_scroll_as_they_are_written(fleet: Fleet, open_console: OpenConsole, size: tuple[int, int]) -> None:
    console = open_console(fleet, size=size)
    console.see_row("alpha-1", "planned")
    console.keys("L", "j", "j", "j")
    fleet.order("alpha-1", "note the first words")
    console.see("the first words")
    fleet.order("alpha-1", *(f"note line {number}." for number in range(1, 61)))
    screen = console.see("line 60.")
    assert "line 59." in screen
    assert "the first words" not in screen


def test_states_roll_up_and_what_needs_the_operator_is_counted(fleet: Fleet, open_console: OpenConsole) -> None:
    console = open_console(fleet)
    console.see_row("alpha-1", "planned")
    console.keys("L")
    fleet.order("alpha-1", "report blocked Which colour?")
    console.see_row("alpha-1", "blocked")
    console.see_row("1 Alpha", "blocked")
    console.see("1 needs you")
    fleet.deliver("alpha-2", "two.txt", "two")
    console.see_row("alpha-2", "review")
    fleet.deliver("beta-1", "three.txt", "three")
    console.see_row("2 Beta", "review")
    console.see("3 need you")
    console.keys("2")
    console.see("Which colour?", "alpha-2", "beta-1")


def test_an_end_is_seen_with_its_status(fleet: Fleet, open_console: OpenConsole) -> None:
    console = open_console(fleet)
    console.see_row("alpha-1", "planned")
    console.keys("L")
    fleet.order("alpha-1", "print these words go to the output", "exit 3")
    console.see_row("alpha-1", "failed")
    console.keys("j", "j", "j", "o")
    console.see("these words go to the output")
    console.keys("s")
    console.see("exited with status 3")
