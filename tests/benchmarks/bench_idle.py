"""What console, engine and meter cost while 50 agents live and say nothing: processor, processes, memory."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.benchmarks.bench_notes import _started
from tests.benchmarks.bench_start import BARE
from tests.benchmarks.measure import Row, Screen, a_fleet, a_screen, cpu_ns, memory_mb, meter_of, say, table
from tests.fleet import ORCH_TUI

SECONDS = 20.0
SETTLE = 8.0
MINUTE = 65.0
"""Ages are shown in seconds for a minute, so each row is painted anew every few seconds; then in minutes."""
LIMITS = {"console": 80, "engine": 80, "meter": 60}


def run(seconds: float = SECONDS) -> list[Row]:
    """Lets the fleet rest and reads the figures of its processes."""
    with a_fleet() as fleet:
        _started(fleet)
        with (
            a_screen(ORCH_TUI, cwd=fleet.root, env=fleet.env) as console,
            a_screen(BARE, cwd=fleet.root, env=fleet.env) as bare,
        ):
            console.wait("alpha-1")
            console.drain(SETTLE)
            pids = {"console": console.pid, "engine": fleet.engine, "meter": meter_of(fleet)}
            watched = {**pids, "bare": bare.pid}
            young = _used(watched, console, seconds)
            console.drain(MINUTE - SETTLE - seconds)
            used = _used(watched, console, seconds)
            say("idle: processor measured")
            started = _started_processes(list(pids.values()), console, seconds)
            rows = [_processor("rest", used, seconds), _processor("rest, in their first minute", young, seconds)]
            return [*rows, _processes(started, seconds), *_memory(pids, bare.pid)]


def _used(pids: dict[str, int], console: Screen, seconds: float) -> dict[str, float]:
    """Returns the percentage of a core that each process used."""
    before = {name: cpu_ns(pid) for name, pid in pids.items()}
    console.drain(seconds)
    return {name: (cpu_ns(pid) - before[name]) / seconds / 1e7 for name, pid in pids.items()}


def _processor(when: str, used: dict[str, float], seconds: float) -> Row:
    ours = {name: percent for name, percent in used.items() if name != "bare"}
    each = ", ".join(f"{name} {percent:.2f}" for name, percent in ours.items())
    return Row(
        f"processor with 50 live agents at {when}, {seconds:.0f} s",
        f"{sum(ours.values()):.2f} % of a core ({each})",
        f"{used['bare']:.2f} % (bare Textual)",
        target="≤ 1 %",
    )


def _started_processes(pids: list[int], console: Screen, seconds: float) -> int | None:
    """Returns how many processes they started meanwhile; nothing where strace is missing."""
    strace = shutil.which("strace")
    if strace is None:
        return None
    with tempfile.NamedTemporaryFile(suffix=".strace") as log:
        attached = [word for pid in pids for word in ("-p", str(pid))]
        argv = [strace, "-f", "-qq", "-e", "trace=clone,clone3,fork,vfork,execve", "-o", log.name, *attached]
        watch = subprocess.Popen(argv, stderr=subprocess.DEVNULL)
        console.drain(seconds)
        watch.terminate()
        watch.wait()
        calls = Path(log.name).read_text(errors="replace").splitlines()
    return sum(1 for call in calls if re.search(r" (clone3?|v?fork)\(", call) and "CLONE_THREAD" not in call)


def _processes(started: int | None, seconds: float) -> Row:
    value = "strace is not installed" if started is None else f"{started} in {seconds:.0f} s"
    return Row("processes started at rest", value, target="0")


def _memory(pids: dict[str, int], bare: int) -> list[Row]:
    anchor = f"{memory_mb(bare)[1]:.0f} MB (bare Textual)"
    rows = []
    for name, pid in pids.items():
        share, resident = memory_mb(pid)
        rows.append(
            Row(
                f"memory of the {name}, 50 agents",
                f"{resident:.0f} MB resident, {share:.0f} MB its share",
                anchor,
                target=f"≤ {LIMITS[name]} MB",
            )
        )
    return rows


if __name__ == "__main__":
    sys.stdout.write(table(run()) + "\n")
