"""A person reviews, asks for changes, approves, lands in order and takes a landing back, all by keyboard."""

from __future__ import annotations

import pytest

from tests.fleet import Fleet
from tests.stories.conftest import MakeFleet, OpenConsole
from tests.stories.terminal import Terminal

pytestmark = pytest.mark.story

WISH = "Write two instead"


@pytest.fixture
def fleet(make_fleet: MakeFleet) -> Fleet:
    fleet = make_fleet({"Alpha": [1], "Beta": [1]})
    fleet.ok("launch", "--yes")
    for stream, text in (("alpha", "one"), ("beta", "beta")):
        fleet.deliver(f"{stream}-1", f"{stream}.txt", text)
        fleet.ok("wait", "--stream", stream, "--timeout", "60")
    return fleet


@pytest.fixture
def console(fleet: Fleet, open_console: OpenConsole) -> Terminal:
    console = open_console(fleet)
    console.see_row("alpha-1", "review")
    return console


def test_a_request_for_changes_comes_back_as_new_work(fleet: Fleet, console: Terminal) -> None:
    console.keys("j", "j", "j", "Enter")
    console.see("alpha.txt", "+ one")
    console.keys("c")
    console.see("Changes for alpha-1")
    console.type(WISH)
    console.see(WISH)
    console.keys("C-s")
    fleet.wait_attempt("alpha-1", 2)
    fleet.order("alpha-1", "inbox")
    console.keys("1", "n")
    console.see(WISH)
    fleet.deliver("alpha-1", "alpha.txt", "two")
    console.see_row("alpha-1", "review")
    console.keys("Enter")
    console.see("+ two")
    console.keys("a")
    console.see("approved alpha-1")
    assert fleet.agents()["alpha-1"]["verdict"] == "approved"


def test_streams_land_in_order_and_a_landing_is_taken_back(fleet: Fleet, console: Terminal) -> None:
    for agent in ("alpha-1", "beta-1"):
        _approve(console, agent)
    begin = fleet.repo.head("main")
    console.keys("4")
    console.see("can land")
    _select(console, "alpha", "alpha-1", "beta")
    console.keys("M")
    console.see("Cannot land", "beta waits for alpha to land first")
    assert fleet.repo.head("main") == begin

    _select(console, "alpha")
    first = _land(fleet, console, "alpha")
    _select(console, "alpha", "alpha-1", "beta")
    second = _land(fleet, console, "beta")
    assert fleet.repo.git("ls-tree", "--name-only", second, "alpha.txt", "beta.txt").split() == [
        "alpha.txt",
        "beta.txt",
    ]
    assert (fleet.root / "beta.txt").read_text() == "beta\n"

    console.keys("B")
    console.see("Yes, roll back")
    console.keys("y")
    console.see_row("-beta-1", "rolled back")
    assert fleet.repo.head("main") == first
    assert not (fleet.root / "beta.txt").exists()
    assert fleet.repo.status() == ""


def _approve(console: Terminal, agent: str) -> None:
    console.keys("3")
    console.see(f"Diff of {agent}")
    console.keys("a")
    console.see(f"approved {agent}")
    console.keys("]")


def _select(console: Terminal, *path: str) -> None:
    """Goes to the first row of the train and on, row by row, until the last of these is selected."""
    console.keys("g")
    for step, row in enumerate(path):
        if step:
            console.keys("j")
        console.see(f"╭─ {row} ─")


def _land(fleet: Fleet, console: Terminal, stream: str) -> str:
    """Lands the selected stream; the safe answer comes first."""
    before = fleet.repo.head("main")
    console.keys("M")
    console.see("No, ", "Yes, land it")
    console.keys("Enter")
    console.wait("the dialog is gone", lambda text: "Yes, land it" not in text)
    assert fleet.repo.head("main") == before
    console.keys("M")
    console.see("Yes, land it")
    console.keys("y")
    console.see_row(stream.capitalize(), "landed")
    after = fleet.repo.head("main")
    assert fleet.repo.git("tag", "--points-at", before).startswith("pre-feature-batch-")
    return after
