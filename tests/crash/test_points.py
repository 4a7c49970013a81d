"""The engine ends, fails or finds the disk full at each named point; a restart finds everything in order, twice."""

from __future__ import annotations

import asyncio
import os
import re
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

import orch_tui.core
from orch_tui.adapters.failpoint import POINTS, failpoint
from orch_tui.builtins.runners.local import LocalRunner
from orch_tui.model import verbs as v
from orch_tui.model.facts import (
    BatchLanded,
    BatchRolledBack,
    CheckoutSynced,
    LandingAbandoned,
    LaunchIntended,
    NeedsOperator,
    RollbackAbandoned,
    TargetMoved,
    TaskTicked,
)
from orch_tui.model.states import AgentState, BatchState
from tests.core.world import World
from tests.crash.invariants import check, worktrees

LAND = sorted(p for p in POINTS if p.startswith("land."))
ROLLBACK = sorted(p for p in POINTS if p.startswith("rollback."))
LAUNCH = sorted(p for p in POINTS if p.startswith("launch."))

SETTLING = (
    BatchLanded,
    LandingAbandoned,
    BatchRolledBack,
    RollbackAbandoned,
    NeedsOperator,
    CheckoutSynced,
    TargetMoved,
    TaskTicked,
)

AGENT = """\
echo "$ORCH_AGENT" >>"$RUNS"
echo work >"$ORCH_AGENT.txt"
git add -- "$ORCH_AGENT.txt" && git commit -qm work && orch-report done "made it"
"""


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    made = World(tmp_path)
    made.plan((made.repo.path / "tasks.md").read_text(), paths={"state": str(made.state)})
    yield made
    await made.close()


def driven(world: World, point: str, *orders: str) -> int:
    """Runs an engine that is killed at the point; returns how it ended."""
    environment = {**os.environ, "ORCH_FAILPOINT": f"{point}=kill"}
    argv = [sys.executable, "-m", "tests.crash.drive", str(world.repo.path), *orders]
    root = Path(__file__).parents[2]
    return subprocess.run(argv, env=environment, cwd=root, check=False, timeout=60).returncode


async def approved(world: World) -> None:
    await world.open()
    network, disks = await world.launched("infra-1", "infra-2")
    await network.approved("network.txt")
    await disks.approved("disks.txt")


def settled(world: World) -> list[tuple[str, str]]:
    return [(b.id, b.state.value) for b in world.fleet.batches]


async def recovered_twice(world: World, before: dict[str, str]) -> None:
    """Opens the mission twice: the second start adds nothing but its own coming and going."""
    await world.open()
    check(world, before)
    first, facts = settled(world), [world.facts(kind) for kind in SETTLING]
    await world.close()
    await world.open()
    check(world, before)
    assert settled(world) == first
    assert [world.facts(kind) for kind in SETTLING] == facts, "a second recovery does something"


async def landed_in_the_end(world: World, before: dict[str, str]) -> None:
    if not any(b.state == BatchState.LANDED for b in world.fleet.batches):
        await world.mission.do(v.Merge("infra"))
    check(world, before)
    assert (world.repo.path / "network.txt").read_text() == "work\n"
    assert (world.repo.path / "disks.txt").read_text() == "work\n"


async def back_in_the_end(world: World, before: dict[str, str], base: str) -> None:
    if any(b.state == BatchState.LANDED for b in world.fleet.batches):
        await world.mission.do(v.Rollback())
    check(world, before)
    assert world.repo.head("main") == base
    await world.mission.do(v.Merge("infra"))
    check(world, before)


@pytest.mark.parametrize("point", LAND)
async def test_killed_while_landing(world: World, point: str):
    await approved(world)
    await world.close()
    before = worktrees(world)
    assert driven(world, point, "merge:infra") == -9
    await recovered_twice(world, before)
    await landed_in_the_end(world, before)


@pytest.mark.parametrize("point", ROLLBACK)
@pytest.mark.parametrize("how", ["reset", "revert"])
async def test_killed_while_rolling_back(world: World, point: str, how: str):
    await approved(world)
    base = world.repo.head("main")
    landing = await world.mission.do(v.Merge("infra"))
    if how == "revert":
        world.repo.git("update-ref", "refs/remotes/origin/main", landing.commit)
    await world.close()
    before = worktrees(world)
    assert driven(world, point, "rollback:") == -9
    await recovered_twice(world, before)
    if how == "reset":
        await back_in_the_end(world, before, base)
    else:
        if world.fleet.batch(landing.batch).state == BatchState.LANDED:
            await world.mission.do(v.Rollback())
        assert world.repo.tree("main") == world.repo.tree(base)
        await world.mission.do(v.Merge("infra"))
        check(world, before)
        assert world.repo.tree("main") == world.repo.tree(landing.commit)


@pytest.mark.parametrize("how", ["raise", "enospc"])
@pytest.mark.parametrize("point", LAND)
async def test_a_failure_while_landing_is_settled_at_once(world: World, point: str, how: str):
    await approved(world)
    await world.close()
    before = worktrees(world)
    await world.open(failpoint=failpoint({"ORCH_FAILPOINT": f"{point}={how}"}))
    with pytest.raises((RuntimeError, OSError)):
        await world.mission.do(v.Merge("infra"))
    check(world, before)
    await world.close()
    await recovered_twice(world, before)
    await landed_in_the_end(world, before)


@pytest.mark.parametrize("how", ["raise", "enospc"])
@pytest.mark.parametrize("point", ROLLBACK)
async def test_a_failure_while_rolling_back_is_settled_at_once(world: World, point: str, how: str):
    await approved(world)
    base = world.repo.head("main")
    await world.mission.do(v.Merge("infra"))
    await world.close()
    before = worktrees(world)
    await world.open(failpoint=failpoint({"ORCH_FAILPOINT": f"{point}={how}"}))
    with pytest.raises((RuntimeError, OSError)):
        await world.mission.do(v.Rollback())
    check(world, before)
    await world.close()
    await recovered_twice(world, before)
    await back_in_the_end(world, before, base)


def with_agents(world: World) -> Path:
    """Lets real processes play the agents; returns the file that each of their runs adds a line to."""
    runs = world.home / "runs.txt"
    (world.home / "agent.sh").write_text(f"RUNS={runs}\n{AGENT}")
    return runs


async def delivered(world: World, runs: Path) -> None:
    await world.until(
        lambda fleet: fleet.agent("infra-1").state == AgentState.REVIEW and not fleet.agent("infra-1").pid
    )
    assert runs.read_text() == "infra-1\n"
    world.repo.git("fsck", "--connectivity-only")
    assert world.repo.status() == ""


@pytest.mark.parametrize("point", LAUNCH)
async def test_killed_while_launching(world: World, point: str):
    runs = with_agents(world)
    assert driven(world, point, "launch:infra-1") == -9
    await world.open(runner=LocalRunner(world.paths.runs))
    await delivered(world, runs)
    await world.close()
    await world.open(runner=LocalRunner(world.paths.runs))
    await delivered(world, runs)


@pytest.mark.parametrize("how", ["raise", "enospc"])
@pytest.mark.parametrize("point", LAUNCH)
async def test_a_failure_while_launching_leaves_no_process_and_a_second_try_works(world: World, point: str, how: str):
    runs = with_agents(world)
    (world.home / "agent.sh").write_text("exec sleep 1000\n")
    await world.open(runner=LocalRunner(world.paths.runs), failpoint=failpoint({"ORCH_FAILPOINT": f"{point}={how}"}))
    await world.mission.do(v.Launch(agent="infra-1"))
    await world.until(lambda fleet: fleet.agent("infra-1").state == AgentState.FAILED)
    await world.close()
    with_agents(world)
    await world.open(runner=LocalRunner(world.paths.runs))
    assert world.fleet.agent("infra-1").state == AgentState.FAILED
    assert len(world.facts(LaunchIntended)) == (0 if point == "launch.after_worktree" else 1)
    for _ in range(50):
        if not carrying(world):
            break
        await asyncio.sleep(0.1)
    assert carrying(world) == []
    await world.mission.do(v.Launch(agent="infra-1"))
    await delivered(world, runs)


def carrying(world: World) -> list[str]:
    """Returns the processes whose environment names a run of this mission."""
    found = []
    mark = str(world.home).encode()
    for place in Path("/proc").glob("[0-9]*/environ"):
        try:
            environment = place.read_bytes()
        except OSError:
            continue
        if b"ORCH_RUN=" in environment and mark in environment:
            found.append(place.parent.name)
    return found


async def test_every_point_is_in_the_table_and_is_reached(world: World):
    named = set()
    for path in Path(orch_tui.core.__file__).parent.glob("*.py"):
        named |= set(re.findall(r'fail(?:point)?\("([^"]+)"\)', path.read_text()))
    assert named == POINTS
    await approved(world)
    await world.mission.do(v.Merge("infra"))
    await world.mission.do(v.Rollback())
    assert set(world.failpoints) == POINTS
