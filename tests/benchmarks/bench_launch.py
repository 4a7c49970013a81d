"""Fifty agents with worktrees of a repository of 5,000 files, beside the same worktrees by a shell loop."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from pathlib import Path
from unittest.mock import patch

from orch_tui.model.facts import AgentStarted
from orch_tui.model.verbs import Launch
from orch_tui.wiring.client import connect
from tests.benchmarks.measure import Row, a_fleet, say, table
from tests.fleet import Fleet

FILES = 5_000
AGENTS = 50
LOOP = """\
set -e
i=0
while [ $i -lt "$2" ]; do
  git worktree add -q --no-checkout -b "loop/$i" "$1/$i" main
  git -C "$1/$i" read-tree -u --reset HEAD
  i=$((i + 1))
done
"""


def run(files: int = FILES) -> list[Row]:
    """Launches, then makes as many worktrees by hand on the same disk."""
    with a_fleet(files=files) as fleet:
        say("launch: the repository is there")
        fleet.ok("status")
        with patch.dict(os.environ, fleet.env):
            first, every = asyncio.run(_launched(fleet))
        say("launch: 50 agents run")
        failed = [name for name, agent in fleet.agents().items() if not agent["pid"]]
        loop = _by_hand(fleet, fleet.root.parent / "loop")
    return [
        Row(
            f"{AGENTS} agents started, worktrees of {files:,} files",
            f"{every:.1f} s, {len(failed)} failed, the first after {first:.2f} s",
            f"{loop:.1f} s (worktrees alone, shell loop)",
            every / loop,
            "≤ 1.2×",
        )
    ]


async def _launched(fleet: Fleet) -> tuple[float, float]:
    mission = await connect(fleet.root)
    news = mission.follow()
    began = time.monotonic()
    await mission.do(Launch())
    first, started = 0.0, 0
    async for batch in news:
        started += sum(isinstance(record.fact, AgentStarted) for record in batch)
        first = first or (time.monotonic() - began if started else 0.0)
        if started >= AGENTS:
            break
    every = time.monotonic() - began
    await mission.close()
    return first, every


def _by_hand(fleet: Fleet, place: Path) -> float:
    place.mkdir()
    began = time.monotonic()
    subprocess.run(["sh", "-c", LOOP, "loop", str(place), str(AGENTS)], cwd=fleet.root, env=fleet.env, check=True)
    return time.monotonic() - began


if __name__ == "__main__":
    sys.stdout.write(table(run()) + "\n")
