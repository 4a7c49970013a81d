"""A mission on a real repository in a temporary directory; the processes of its agents are played by the test."""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from typing import Any

import tomli_w

from orch_tui.adapters.clock import SystemClock
from orch_tui.adapters.config import read_settings
from orch_tui.adapters.desk import Desk
from orch_tui.adapters.files.watch import Watcher
from orch_tui.adapters.gateroom import GateRoom
from orch_tui.adapters.git.repository import GitRepository
from orch_tui.adapters.paths import StatePaths
from orch_tui.adapters.plan import PlanFiles
from orch_tui.adapters.state.journal import SqliteJournal, read_records, verify_journal
from orch_tui.api import API_VERSION
from orch_tui.builtins.backends.command import CommandBackend
from orch_tui.core.mission import Mission
from orch_tui.core.parts import Current, Parts, Places
from orch_tui.core.ports import Backend, Meter, Runner
from orch_tui.core.store import Store
from orch_tui.model import verbs as v
from orch_tui.model.errors import OrchError, RunnerError
from orch_tui.model.fleet import Agent, Fleet
from orch_tui.model.ids import AgentId, Oid, RunNonce
from orch_tui.model.running import Order, Placement, RunEvent
from orch_tui.model.states import AgentState
from orch_tui.testing.repo import RepoBuilder
from orch_tui.wiring.engine import make_places

PATIENCE_S = 30.0
NOBODY = 4_190_000
"""Process ids from here on belong to nobody."""

TASKS = """\
# Epic: Shop

## Stream 1: Infra (2 agents)
- [ ] Network (1 agent)
- [ ] Disks (1 agent)

## Stream 2: Backend (1 agent)
- [ ] Accounts (1 agent)
"""


class PlayedRunner:
    """A runner whose processes live in the test's head; they outlive the engine like real ones."""

    name = "played"

    def __init__(self) -> None:
        self.now = time.time
        self.orders: list[Order] = []
        self.stops: list[tuple[str, str]] = []
        self.placements: dict[tuple[str, str], Placement] = {}
        self.refusal: Exception | None = None
        self.obedient = True
        """Whether a process ends when it is told to stop."""
        self._events: asyncio.Queue[RunEvent | None] = asyncio.Queue()

    async def launch(self, order: Order) -> Placement:
        if self.refusal:
            raise self.refusal
        assert not self.living(order.agent), "two processes of one agent"
        self.orders.append(order)
        placement = Placement(AgentId(order.agent), order.run, "running", NOBODY + len(self.orders), self.now())
        self.placements[order.agent, order.run] = placement
        return placement

    def living(self, agent: str) -> Placement | None:
        return next((p for p in self.placements.values() if p.agent == agent and p.state == "running"), None)

    def order(self, agent: str) -> Order:
        return [o for o in self.orders if o.agent == agent][-1]

    def end(self, agent: str, rc: int | None = 0, signal: int = 0, *, seen: bool = True) -> None:
        placement = self.living(agent)
        assert placement is not None, f"{agent} has no process"
        run = str(placement.run)
        self.placements[agent, run] = Placement(AgentId(agent), RunNonce(run), "ended", rc=rc, signal=signal, ended=2.0)
        if seen:
            self._events.put_nowait(RunEvent(AgentId(agent), RunNonce(run), "exit", 2.0, rc=rc, signal=signal))

    async def adopt(self) -> Sequence[Placement]:
        self._events = asyncio.Queue()
        return tuple(self.placements.values())

    async def events(self) -> AsyncIterator[Sequence[RunEvent]]:
        while (event := await self._events.get()) is not None:
            yield (event,)

    async def stop(self, agent: str, reason: str) -> None:
        self.stops.append((agent, reason))
        if self.living(agent) is None:
            raise RunnerError("No run of this agent is known here", agent)
        if self.obedient:
            self.end(agent, None, 15)

    async def sweep(self, nonce: str) -> int:
        return 0

    async def close(self) -> None:
        self._events.put_nowait(None)


class Hand:
    """One agent's hand: it works in its worktree and reports."""

    def __init__(self, world: World, name: str) -> None:
        self._world = world
        self.name = name

    @property
    def now(self) -> Agent:
        agent = self._world.fleet.agent(self.name)
        assert agent is not None
        return agent

    @property
    def tree(self) -> RepoBuilder:
        return RepoBuilder.at(Path(self.now.worktree))

    def report(self, state: str, summary: str = "", *, run: str = "", commit: str | None = None) -> None:
        commit = self.tree.head() if commit is None else commit
        claim = {"v": 1, "run": run or self.now.run, "state": state, "at": "", "commit": commit, "summary": summary}
        folder = self.tree.path / ".orch"
        (folder / "new").write_text(json.dumps(claim))
        (folder / "new").replace(folder / "status.json")

    def commit(self, name: str, content: str | bytes) -> Oid:
        return self.tree.file(name, content).commit(f"{self.name} writes")

    async def delivers(self, name: str, content: str | bytes = "work\n") -> Oid:
        """Commits a file, reports done and ends; returns the commit once the engine has seen it all."""
        made = self.commit(name, content)
        self.report("done", f"wrote {name!r}")
        if self._world.runner.living(self.name):
            self._world.runner.end(self.name)
        await self._world.until(lambda _: self.now.state == AgentState.REVIEW and not self.now.pid)
        return made

    async def approved(self, name: str, content: str | bytes = "work\n") -> Oid:
        made = await self.delivers(name, content)
        await self._world.mission.do(v.Review("approve", agent=self.name))
        return made


class World:
    """A repository, a state directory, and the mission between them."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.repo = RepoBuilder(home / "shop")
        self.state = home / "state"
        self.paths = StatePaths(self.state)
        self.runner = PlayedRunner()
        self.repo.file("README", "shop\n").commit("first")
        self.settings: dict[str, Any] = {
            "mission": {"target": "main"},
            "agents": {"backend": "command", "max_running": 8},
            "backends": {"command": {"argv": ["sh", str(home / "agent.sh")]}},
            "budget": {"track": False},
        }
        (self.repo.path / ".git" / "info" / "exclude").write_text("/orch.toml\n/tasks.md\n")
        self.plan(TASKS)
        self.failpoints: list[str] = []
        self._opened: Mission | None = None
        self._store: Store | None = None

    def plan(self, text: str, **tables: Any) -> None:
        """Writes `tasks.md` and `orch.toml`."""
        self.settings |= tables
        (self.repo.path / "tasks.md").write_text(text)
        (self.repo.path / "orch.toml").write_text(tomli_w.dumps(self.settings))

    @property
    def mission(self) -> Mission:
        assert self._opened is not None
        return self._opened

    @property
    def store(self) -> Store:
        assert self._store is not None
        return self._store

    @property
    def fleet(self) -> Fleet:
        return self.store.fleet

    def hand(self, name: str) -> Hand:
        return Hand(self, name)

    async def open(
        self,
        *,
        runner: Runner | None = None,
        clock: Any = None,
        meter: Meter | None = None,
        failpoint: Callable[[str], None] | None = None,
        backend: Callable[[str], Backend] | None = None,
        desk: Desk | None = None,
    ) -> Mission:
        """Opens the mission as an engine does, with these parts in place of the real ones."""
        make_places(self.paths)
        env = dict(os.environ)
        settings, _ = read_settings(self.repo.path, {}, env)
        git = await GitRepository.open(self.repo.path, self.state)
        clock = clock or SystemClock()
        self.runner.now = clock.now
        self._store = await Store.open(SqliteJournal(self.paths.state_db), clock)
        current = Current(settings)
        numbers = iter(range(1, 10_000))
        attempt = f"{len(self.runner.orders):04x}{id(git):x}"
        parts = Parts(
            store=self._store,
            git=git,
            runner=runner or self.runner,
            desk=desk or Desk(),
            watcher=Watcher(),
            plan=PlanFiles(self.repo.path, {}, env),
            clock=clock,
            places=Places(self.state),
            meter=meter,
            backend=backend or (lambda _: CommandBackend()),
            gates=GateRoom(
                self.paths.gates,
                git.export,
                git.unchanged,
                lambda: current.settings.gates,
                env,
                api_version=API_VERSION,
            ),
            nonce=lambda: f"{attempt}{next(numbers):04d}",
            heads=git.common_dir / "refs" / "heads",
            failpoint=failpoint or self.failpoints.append,
        )
        self._opened = Mission(parts, current, pid=os.getpid())
        await self._opened.open()
        return self._opened

    async def close(self) -> None:
        """Lets go of the mission; the journal must hold."""
        if self._opened is not None:
            await self._opened.close("the test is over")
            self._opened = None
            verdict = verify_journal(self.paths.state_db)
            assert verdict.ok, verdict

    async def until(self, holds: Callable[[Fleet], bool]) -> Fleet:
        """Returns the fleet for which it holds."""
        try:
            return await asyncio.wait_for(self.store.changed(holds), PATIENCE_S)
        except TimeoutError:
            raise AssertionError("\n".join(self.shown())) from None

    def shown(self) -> list[str]:
        agents = [f"{a.id} {a.state.value} {a.reason!r} pid={a.pid} claim={a.claim}" for a in self.fleet.agents()]
        return [*agents, *(f"{b.id} {b.state.value} {b.note}" for b in self.fleet.batches), *map(str, self.problems)]

    @property
    def problems(self) -> list[str]:
        return [f"{p.subject}: {p.message}" for p in self.fleet.problems]

    def facts(self, kind: type) -> list[Any]:
        return [r.fact for r in read_records(self.paths.state_db) if isinstance(r.fact, kind)]

    async def launched(self, *names: str) -> list[Hand]:
        """Launches the mission, or these agents; returns hands once their processes run."""
        for name in names or ("",):
            await self.mission.do(v.Launch(agent=name))
        wanted = names or tuple(a.id for a in self.fleet.agents())
        await self.until(lambda fleet: all((a := fleet.agent(n)) and a.pid for n in wanted))
        return [self.hand(n) for n in wanted]

    async def refused(self, verb: v.Verb[Any], *words: str) -> OrchError:
        """Expects that the verb is refused, with these words in what is said."""
        try:
            await self.mission.do(verb)
        except OrchError as error:
            said = f"{error} {error.detail} {error.hint}"
            assert all(word in said for word in words), said
            return error
        raise AssertionError(f"{verb} was not refused")
