"""From the spawn of the console to its first painted content, beside a bare Textual application."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from tests.benchmarks.measure import MS, Row, a_fleet, a_screen, median, p99, say, table
from tests.fleet import ORCH_TUI, Fleet, until

ROUNDS = 9
BARE = (sys.executable, str(Path(__file__).with_name("bare.py")))


def run(rounds: int = ROUNDS) -> list[Row]:
    """Measures both in turns; the engine runs already, then it does not."""
    with a_fleet() as fleet:
        fleet.ok("status")
        ours, bare = [], []
        for number in range(rounds + 1):
            samples = _first(fleet, BARE, "Harbour"), _first(fleet, ORCH_TUI, "alpha-1")
            if number:  # the first round fills caches
                bare.append(samples[0])
                ours.append(samples[1])
        say("start: engine runs: done")
        cold = []
        for _ in range(3):
            fleet.run("engine", "stop")
            until("the engine is gone", lambda: not fleet.engine)
            cold.append(_first(fleet, ORCH_TUI, "alpha-1"))
    anchor = f"{median(bare):.0f} ms (bare Textual)"
    return [
        Row(
            "start to first frame with 50 agents, engine up",
            f"{median(ours):.0f} ms, worst {p99(ours):.0f}",
            anchor,
            median(ours) / median(bare),
            "≤ 1.3×",
        ),
        Row("the same with the engine to be started", f"{median(cold):.0f} ms", anchor, median(cold) / median(bare)),
    ]


def _first(fleet: Fleet, argv: Sequence[str], words: str) -> float:
    with a_screen(argv, cwd=fleet.root, env=fleet.env) as screen:
        return (screen.wait(words) - screen.began) * MS


if __name__ == "__main__":
    sys.stdout.write(table(run()) + "\n")
