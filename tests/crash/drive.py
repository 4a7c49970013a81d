"""An engine for crash tests: opens the mission as the real one does, does what it is told, and lets go.

`python -m tests.crash.drive ROOT launch:infra-1 merge:infra rollback:`; ORCH_FAILPOINT says where it ends instead.
"""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

from orch_tui.adapters.config import read_settings
from orch_tui.adapters.paths import state_paths
from orch_tui.model import verbs as v
from orch_tui.wiring.engine import make_places, open_mission

VERBS = {
    "launch": lambda name: v.Launch(agent=name),
    "merge": lambda name: v.Merge(name),
    "rollback": lambda name: v.Rollback(name),
}


async def drive(root: Path, orders: list[str]) -> None:
    env = dict(os.environ)
    settings, _ = read_settings(root, {}, env)
    paths = state_paths(root, settings.paths.state, env)
    make_places(paths)
    mission = await open_mission(root, paths, settings, env)
    for order in orders:
        verb, _, name = order.partition(":")
        await mission.do(VERBS[verb](name))
        if verb == "launch":
            async for _ in mission.follow():
                agent = mission.fleet.agent(name)
                if agent is not None and agent.pid:
                    break
    await mission.close("done")


if __name__ == "__main__":
    asyncio.run(drive(Path(sys.argv[1]), sys.argv[2:]))
