"""The engine's composition root, as a whole and as a process."""

from __future__ import annotations

import asyncio
import os
import stat
from collections.abc import Callable
from pathlib import Path

from orch_tui.adapters.config import read_settings
from orch_tui.adapters.paths import state_paths
from orch_tui.adapters.state.journal import verify_journal
from orch_tui.core.ports import MissionVerbs
from orch_tui.model import verbs as v
from orch_tui.model.fleet import Fleet
from orch_tui.model.states import AgentState
from orch_tui.wiring.engine import make_places, open_mission
from tests.core.world import PATIENCE_S, World

AGENT = """\
env >"$HOME_OF_TEST/env-$ORCH_AGENT"
echo "hello from $ORCH_AGENT" >>AGENT_NOTES.md
echo work >"$ORCH_AGENT.txt"
git add -- "$ORCH_AGENT.txt" && git commit -qm work && orch-report done "made it"
"""


async def until(mission: MissionVerbs, holds: Callable[[Fleet], bool]) -> None:
    async with asyncio.timeout(PATIENCE_S):
        news = mission.follow()
        while not holds(mission.fleet):
            await anext(news)


def test_the_places_are_the_users_alone(tmp_path: Path):
    world = World(tmp_path)
    make_places(world.paths)
    make_places(world.paths)
    for place in (world.paths.root, world.paths.runs, world.paths.worktrees, world.paths.archive):
        assert stat.S_IMODE(place.stat().st_mode) == 0o700
    assert os.access(world.paths.bin / "orch-report", os.X_OK)


async def test_a_stream_goes_from_plan_to_target_on_real_parts(tmp_path: Path):
    world = World(tmp_path)
    world.plan((world.repo.path / "tasks.md").read_text(), paths={"state": str(world.state)})
    (world.home / "agent.sh").write_text(f"HOME_OF_TEST={world.home}\n{AGENT}")
    env = {**os.environ, "ANTHROPIC_API_KEY": "sk-of-the-operator"}
    settings, problems = read_settings(world.repo.path, {}, env)
    assert problems == ()
    paths = state_paths(world.repo.path, settings.paths.state, env)
    make_places(paths)
    mission = await open_mission(world.repo.path, paths, settings, env, "sk-of-the-operator")
    await mission.do(v.Launch(stream="infra"))
    await until(mission, lambda fleet: all(a.state == AgentState.REVIEW for a in fleet.streams[0].agents))
    assert "sk-of-the-operator" not in (world.home / "env-infra-1").read_text()
    assert mission.fleet.agent("infra-1").notes > 0
    await mission.do(v.Review("approve", stream="infra"))
    landing = await mission.do(v.Merge("infra"))
    author = world.repo.git("log", "-1", "--format=%an", f"{landing.commit}^2^2")
    assert author in ("infra-1", "infra-2")
    assert world.repo.status() == ""
    await mission.close("done")
    assert verify_journal(paths.state_db).ok
