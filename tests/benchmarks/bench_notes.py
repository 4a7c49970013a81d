"""From a note's append to its appearance on the screen of the real console, beside raw inotify on the same file."""

from __future__ import annotations

import random
import select
import sys
import time
from pathlib import Path

from tests.benchmarks.bench_start import BARE
from tests.benchmarks.measure import MS, Inotify, Row, Screen, a_fleet, a_screen, median, p99, say, table
from tests.fleet import ORCH_TUI, Fleet

NOTES = 200


def run(notes: int = NOTES) -> list[Row]:
    """Appends to the notes of one of 50 live agents; the bare application follows the same file."""
    with a_fleet() as fleet:
        path = _started(fleet)
        with (
            a_screen(ORCH_TUI, cwd=fleet.root, env=fleet.env) as console,
            a_screen((*BARE, str(path)), cwd=Path.cwd(), env={**fleet.env, "PYTHONPATH": str(Path.cwd())}) as bare,
        ):
            _select(console)
            bare.wait("Harbour")
            ours, anchor, raw = _measure(console, bare, path, notes)
    return [
        Row(
            "note appended → on the screen, 50 agents",
            f"median {median(ours):.1f} ms, p99 {p99(ours):.1f}",
            f"{median(anchor):.1f} ms, p99 {p99(anchor):.1f} (bare Textual on raw inotify)",
            median(ours) / median(anchor),
            "≤ 4×, p99 ≤ 30 ms",
        ),
        Row(
            "the same append seen by raw inotify alone", f"median {median(raw):.2f} ms, p99 {p99(raw):.2f}", target="-"
        ),
    ]


def _started(fleet: Fleet) -> Path:
    fleet.ok("launch", "--yes")
    names = list(fleet.agents())
    for name in names:
        fleet.order(name, "note ready")
    say("notes: 50 agents run")
    return Path(fleet.agents()[names[0]]["worktree"]) / "AGENT_NOTES.md"


def _select(console: Screen) -> None:
    console.wait("alpha-1")
    console.press("jjj")
    console.wait("ready")
    console.drain(2.0)


def _measure(console: Screen, bare: Screen, path: Path, notes: int) -> tuple[list[float], list[float], list[float]]:
    raw = Inotify(path)
    samples: tuple[list[float], list[float], list[float]] = ([], [], [])
    chance = random.Random(1)  # noqa: S311  paces, not secrets
    with path.open("a", encoding="utf-8") as file:
        for number in range(notes):
            words = f"n{number:04d}."
            began = time.perf_counter_ns()
            file.write(f"{words}\n")
            file.flush()
            for found, at in zip(samples, _arrivals(console, bare, raw, words), strict=True):
                found.append((at - began) * MS)
            pause = 0.05 + 0.1 * chance.random()
            console.drain(pause / 2)
            bare.drain(pause / 2)
    raw.close()
    return samples


def _arrivals(console: Screen, bare: Screen, raw: Inotify, words: str) -> tuple[int, int, int]:
    """Returns when the words were on either screen, and when inotify spoke."""
    at = {console.handle: 0, bare.handle: 0, raw.handle: 0}
    screens = {console.handle: console, bare.handle: bare}
    while waiting := [handle for handle, when in at.items() if not when]:
        ready, _, _ = select.select(waiting, [], [], 30.0)
        if not ready:
            raise TimeoutError(f"{words} did not appear")
        for handle in ready:
            if handle == raw.handle:
                at[handle] = raw.read()
            else:
                now = screens[handle].read()
                at[handle] = now if screens[handle].shows(words) else 0
    return at[console.handle], at[bare.handle], at[raw.handle]


if __name__ == "__main__":
    sys.stdout.write(table(run()) + "\n")
