"""What the command line costs: `--help`, and `status` of 100 agents, beside an interpreter that does nothing."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Sequence

from tests.benchmarks.measure import Row, a_fleet, median, say, table
from tests.fleet import ORCH_TUI, Fleet

ROUNDS = 15
HUNDRED = {name: [20] for name in ("Alpha", "Beta", "Gamma", "Delta", "Epsilon")}
COMMANDS = {
    "nothing": (sys.executable, "-c", "pass"),
    "help": (*ORCH_TUI, "--help"),
    "status": (*ORCH_TUI, "status"),
}


def run(rounds: int = ROUNDS) -> list[Row]:
    """Runs all in turns; the engine is up."""
    with a_fleet(HUNDRED) as fleet:
        fleet.ok("status")
        samples: dict[str, list[tuple[float, float]]] = {name: [] for name in COMMANDS}
        for number in range(rounds + 1):
            for name, argv in COMMANDS.items():
                sample = _one(fleet, argv)
                if number:
                    samples[name].append(sample)
    say("command line: done")
    cpu = {name: median([c for c, _ in found]) for name, found in samples.items()}
    wall = {name: median([w for _, w in found]) for name, found in samples.items()}
    anchor = f"{cpu['nothing']:.0f} ms processor, {wall['nothing']:.0f} ms (python -c pass)"
    return [
        Row(
            "`orch-tui --help`",
            f"{cpu['help']:.0f} ms processor, {wall['help']:.0f} ms",
            anchor,
            cpu["help"] / cpu["nothing"],
            "≤ 80 ms processor",
        ),
        Row(
            "`orch-tui status` of 100 agents",
            f"{wall['status']:.0f} ms, {cpu['status']:.0f} ms processor",
            anchor,
            wall["status"] / wall["nothing"],
            "≤ 200 ms",
        ),
    ]


def _one(fleet: Fleet, argv: Sequence[str]) -> tuple[float, float]:
    """Returns processor and wall time in milliseconds."""
    began = time.perf_counter()
    process = subprocess.Popen(argv, cwd=fleet.root, env=fleet.env, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.perf_counter() - began
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0, argv
    return (usage.ru_utime + usage.ru_stime) * 1000, wall * 1000


if __name__ == "__main__":
    sys.stdout.write(table(run()) + "\n")
