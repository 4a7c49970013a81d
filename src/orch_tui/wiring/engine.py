"""The engine's composition root: joins the mission with git, the disk, the runner, the meter and the plug-ins."""

from __future__ import annotations

import asyncio
import logging
import os
import secrets
from collections.abc import Mapping
from pathlib import Path

from orch_tui.adapters import plugins
from orch_tui.adapters.agentfiles import install_orch_report
from orch_tui.adapters.clock import SystemClock
from orch_tui.adapters.config import find_root, read_settings
from orch_tui.adapters.desk import Desk
from orch_tui.adapters.failpoint import failpoint
from orch_tui.adapters.files.watch import Watcher
from orch_tui.adapters.gateroom import GateRoom
from orch_tui.adapters.git.repository import GitRepository
from orch_tui.adapters.logs import log_to
from orch_tui.adapters.paths import StatePaths, publish_socket, short_socket, state_paths
from orch_tui.adapters.plan import PlanFiles
from orch_tui.adapters.secrecy import keep_private
from orch_tui.adapters.state.journal import SqliteJournal
from orch_tui.api import API_VERSION
from orch_tui.core.mission import Mission
from orch_tui.core.parts import Current, Parts, Places
from orch_tui.core.ports import Backend, Meter
from orch_tui.core.store import Store
from orch_tui.engine.lifecycle import hold
from orch_tui.meter.client import MeterClient
from orch_tui.model.errors import ConfigError
from orch_tui.model.settings import Settings

log = logging.getLogger(__name__)


def run(directory: Path) -> int:
    """Hosts the mission of a directory until nobody needs it; returns the exit status."""
    env = dict(os.environ)
    root = find_root(directory)
    settings, _ = read_settings(root, {}, env)
    paths = state_paths(root, settings.paths.state, env)
    make_places(paths)
    log_to(paths.engine_log)
    key = os.environ.pop("ANTHROPIC_API_KEY", "")
    if key:
        keep_private()
    asyncio.run(_host(root, paths, settings, env, key))
    return 0


def make_places(paths: StatePaths) -> None:
    """Makes the directories of the state, for the user alone."""
    paths.root.mkdir(mode=0o700, parents=True, exist_ok=True)
    for place in (paths.worktrees, paths.runs, paths.gates, paths.archive, paths.diffs, paths.bin):
        place.mkdir(mode=0o700, exist_ok=True)
    install_orch_report(paths.bin)


async def _host(root: Path, paths: StatePaths, settings: Settings, env: Mapping[str, str], key: str) -> None:
    async def make() -> Mission:
        return await open_mission(root, paths, settings, env, key)

    socket = short_socket(paths.engine_sock, env, os.getuid())
    await hold(
        lock=paths.engine_lock,
        socket=socket,
        make=make,
        linger_s=float(settings.engine.linger),
        publish=lambda: publish_socket(paths.engine_sock, socket),
    )


async def open_mission(
    root: Path, paths: StatePaths, settings: Settings, env: Mapping[str, str], key: str = ""
) -> Mission:
    """Returns the mission, open: recovered, agents adopted, everything followed."""
    git = await GitRepository.open(root, paths.root)
    clock = SystemClock()
    journal = SqliteJournal(paths.state_db)
    store = await Store.open(journal, clock)
    _same_repository(store.fleet.repository, git.root)
    current = Current(settings)
    runner = plugins.load(plugins.RUNNERS, settings.agents.runner, api_version=API_VERSION)(paths.runs)
    parts = Parts(
        store=store,
        git=git,
        runner=runner,
        desk=Desk(),
        watcher=Watcher(),
        plan=PlanFiles(root, {}, env),
        clock=clock,
        places=Places(paths.root),
        meter=_meter(paths, settings, key),
        backend=_backend,
        gates=GateRoom(
            paths.gates, git.export, git.unchanged, lambda: current.settings.gates, env, api_version=API_VERSION
        ),
        nonce=lambda: secrets.token_hex(16),
        heads=git.common_dir / "refs" / "heads",
        failpoint=failpoint(env),
    )
    mission = Mission(parts, current, pid=os.getpid())
    await mission.open()
    return mission


def _same_repository(recorded: str, root: Path) -> None:
    """Makes sure that two repositories do not share a state directory."""
    if recorded and recorded != str(root) and Path(recorded).exists():
        hint = "Give each mission its own: [paths] state in orch.toml, or ORCH_STATE."
        raise ConfigError("the state directory belongs to another repository", recorded, hint)


def _backend(name: str) -> Backend:
    backend: Backend = plugins.load(plugins.BACKENDS, name, api_version=API_VERSION)()
    return backend


def _meter(paths: StatePaths, settings: Settings, key: str) -> Meter | None:
    if not settings.budget.track:
        return None
    zone = settings.budget.timezone
    return MeterClient(paths.root, settings.meter.upstream, key, float(settings.engine.linger), zone=zone)
