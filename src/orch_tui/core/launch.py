"""Starts agents: a queue, a number of slots, a worktree, a briefing, a process. Intent before effect, outcome after."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from orch_tui.core.briefing import task_text
from orch_tui.core.parts import PROTOCOL_NAMES, Current, Parts
from orch_tui.core.ports import Backend
from orch_tui.model.errors import ConfigError, OrchError, RunnerError
from orch_tui.model.facts import (
    AgentExited,
    AgentJudged,
    AgentPrepared,
    AgentsQueued,
    AgentStarted,
    Fact,
    LaunchIntended,
    MessageDelivered,
    ProblemSeen,
)
from orch_tui.model.fleet import Agent, Fleet, Stream
from orch_tui.model.ids import AgentId, Oid, RunNonce, agent_branch
from orch_tui.model.refusals import STARTABLE, scope
from orch_tui.model.running import AgentTask, Order
from orch_tui.model.settings import shape_options
from orch_tui.model.states import AgentState
from orch_tui.model.verbs import Launched, Waiting

AT_ONCE = 4
"""Launches under way at the same time: enough to hide the disk, too few to stall a small machine."""


class Launcher:
    """Takes agents from the queue as slots become free."""

    def __init__(self, parts: Parts, current: Current) -> None:
        self._parts = parts
        self._current = current
        self._wake = asyncio.Event()
        self._under_way: dict[AgentId, asyncio.Task[None]] = {}

    @property
    def _fleet(self) -> Fleet:
        return self._parts.store.fleet

    async def queue(self, stream: str, agent: str, actor: str) -> Launched:
        """Queues every agent of the scope that can be started."""
        agents = scope(self._fleet, stream, agent)
        assert not isinstance(agents, str)  # noqa: S101  `refuse` was asked before
        wanted = tuple(a.id for a in agents if a.state in STARTABLE and not _done(self._fleet, a))
        return await self.enqueue(wanted, actor)

    async def enqueue(self, wanted: Sequence[AgentId], actor: str) -> Launched:
        """Queues these agents and says which of them find a free slot now."""
        ahead = sum(1 for a in self._waiting() if a not in wanted)
        free = max(0, self._fleet.max_running - self._busy() - ahead)
        why = f"waits for one of {self._fleet.max_running} slots"
        if now := tuple(wanted[:free]):
            await self._parts.store.put(AgentsQueued(now, "starts now"), actor=actor)
        if later := tuple(wanted[free:]):
            await self._parts.store.put(AgentsQueued(later, why), actor=actor)
        self._wake.set()
        return Launched(now, tuple(Waiting(a, why) for a in later))

    def wake(self) -> None:
        """Looks at the queue again: a slot may be free."""
        self._wake.set()

    async def run(self) -> None:
        """Starts queued agents for as long as the mission is open."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            for agent in self._next():
                task = asyncio.create_task(self._launch(agent), name=f"launch {agent}")
                self._under_way[agent] = task
                task.add_done_callback(partial(self._finished, agent))

    async def close(self) -> None:
        """Waits until the launches under way are over."""
        await asyncio.gather(*self._under_way.values(), return_exceptions=True)

    def _finished(self, agent: AgentId, _: asyncio.Task[None]) -> None:
        self._under_way.pop(agent, None)
        self._wake.set()

    def _busy(self) -> int:
        return sum(1 for a in self._fleet.agents() if a.pid or a.id in self._under_way)

    def _next(self) -> tuple[AgentId, ...]:
        free = min(self._fleet.max_running - self._busy(), AT_ONCE - len(self._under_way))
        return tuple(itertools.islice(self._waiting(), max(0, free)))

    def _waiting(self) -> Iterator[AgentId]:
        """Yields who is queued and whose process, if it had one before, has ended."""
        for a in self._fleet.agents():
            if a.state == AgentState.QUEUED and not a.pid and a.id not in self._under_way:
                yield a.id

    async def _launch(self, agent: AgentId) -> None:
        """Starts one agent; whatever goes wrong is the agent's state, never the engine's end."""
        try:
            await self._start(agent)
            await self.obey(agent)
        except OrchError as error:
            await self._failed(agent, str(error), error.hint)
        except Exception as error:  # a backend is a plug-in
            await self._failed(agent, f"{type(error).__name__}: {error}", "")

    async def obey(self, agent: AgentId) -> None:
        """Ends a process that was told to stop or to start again while it could not be reached."""
        now = self._fleet.agent(agent)
        if now is not None and now.pid and (now.stopped or now.state == AgentState.QUEUED):
            with contextlib.suppress(RunnerError):  # it has ended by itself; its end is on the way
                await self._parts.runner.stop(agent, "operator" if now.stopped else "restart")

    async def _failed(self, agent: AgentId, reason: str, hint: str) -> None:
        now = self._fleet.agent(agent)
        facts: list[Fact] = [ProblemSeen(agent, f"{reason} {hint}".strip())]
        if now is not None and now.run and not now.started:
            facts.append(AgentExited(agent, now.run, None, 0, reason))
        await self._parts.store.put(*facts, AgentJudged(agent, AgentState.FAILED, f"could not start: {reason}"))
        if now is not None and now.run and not now.started:
            await self._undone(now)

    async def _undone(self, agent: Agent) -> None:
        """Takes back what a start had made before it failed: a process that nobody would know of, a token."""
        with contextlib.suppress(RunnerError):  # the runner does not know it either
            await self._parts.runner.stop(agent.id, "its start failed")
            await self._parts.runner.sweep(agent.run)
        await self._parts.revoke(agent.run)

    async def _start(self, name: AgentId) -> None:
        agent, stream = self._find(name)
        backend, options = self._backend(stream)
        worktree = await self._prepare(agent)
        agent, stream = self._find(name)
        if agent.state != AgentState.QUEUED:
            return
        run = RunNonce(f"{self._parts.nonce()}.{agent.attempt + 1}")
        await self._parts.store.put(LaunchIntended(name, run, agent.attempt + 1, backend.name))
        self._parts.failpoint("launch.after_intent")
        agent, stream = self._find(name)
        order = await self._order(agent, stream, worktree, backend, options)
        placement = await self._parts.runner.launch(order)
        self._parts.failpoint("launch.after_start")
        delivered = [MessageDelivered(name, m.id) for m in agent.messages if m.state == "queued"]
        await self._parts.store.put(AgentStarted(name, run, placement.pid, placement.started), *delivered)

    def _find(self, name: AgentId) -> tuple[Agent, Stream]:
        agent = self._fleet.agent(name)
        stream = self._fleet.stream(agent.stream) if agent else None
        if agent is None or stream is None:
            raise ConfigError(f"agent {name} is no longer in the plan")
        return agent, stream

    def _backend(self, stream: Stream) -> tuple[Backend, Any]:
        settings = self._current.settings
        name = stream.backend or settings.agents.backend
        backend = self._parts.backend(name)
        key = f"backends.{name}"
        options, complaints = shape_options(settings.backends.get(name, {}), backend.Options, key)
        if complaints or options is None:
            said = "; ".join(f"{path}: {message}" for path, message in complaints)
            raise ConfigError(f"[{key}] of orch.toml does not fit", said, "See `orch-tui config show`.")
        return backend, options

    async def _prepare(self, agent: Agent) -> Path:
        """Makes branch, worktree and the files in it; again is the same as once."""
        parts = self._parts
        worktree = parts.places.worktree(agent.stream, agent.id)
        branch = agent_branch(agent.stream, agent.id)
        base = agent.base or await parts.git.resolve(f"refs/heads/{self._fleet.target}")
        if not base:
            raise ConfigError(
                f"the target branch {self._fleet.target} has no commit", "", "Set `[mission] target` in orch.toml."
            )
        await parts.git.add_worktree(worktree, branch, base)
        parts.failpoint("launch.after_worktree")
        if not agent.worktree:
            await parts.store.put(AgentPrepared(agent.id, branch, base, str(worktree)))
        return worktree

    async def _order(self, agent: Agent, stream: Stream, worktree: Path, backend: Backend, options: Any) -> Order:
        parts = self._parts
        tracked = await parts.git.tracked(Oid(agent.base), PROTOCOL_NAMES)
        files = parts.desk.agent_files(worktree, tracked)
        notes = str(files.notes_path.relative_to(worktree))
        text = task_text(self._fleet, stream, agent, notes=notes, messages=files.messages())
        blueprint = parts.plan.blueprint(stream.domain, self._current.settings.mission.compliance)
        files.prepare(text, blueprint.text)
        run_dir = parts.places.run(agent.id, agent.run)
        task = AgentTask(
            agent=agent.id,
            stream=agent.stream,
            branch=agent.branch,
            title=agent.title,
            prompt=text,
            attempt=agent.attempt,
        )
        launch = backend.launch(task, options)
        meter = await parts.meter.grant(agent.run, agent.id, agent.stream, agent.title) if parts.meter else ""
        return Order(
            mission=str(parts.places.state),
            agent=agent.id,
            run=RunNonce(agent.run),
            attempt=agent.attempt,
            branch=agent.branch,
            base=agent.base,
            worktree=str(worktree),
            run_dir=str(run_dir),
            repository=self._fleet.repository,
            task_file=str(files.task_path),
            notes_file=str(files.notes_path),
            argv=launch.argv,
            env=self._environment(agent, launch.env),
            stdin=launch.stdin,
            ladder=backend.ladder,
            stream=agent.stream,
            prompt=text,
            meter=meter,
        )

    def _environment(self, agent: Agent, own: dict[str, str]) -> dict[str, str]:
        """Returns what the agent's environment has beyond what its runner passes on: commits carry its name."""
        who = {"NAME": agent.id, "EMAIL": f"{agent.id}@agents.invalid"}
        git = {f"GIT_{role}_{field}": value for role in ("AUTHOR", "COMMITTER") for field, value in who.items()}
        model = {"ANTHROPIC_BASE_URL": "{meter}", "ANTHROPIC_API_KEY": "metered"} if self._parts.meter else {}
        return {**git, **model, **own}


def _done(fleet: Fleet, agent: Agent) -> bool:
    """Says whether the agent's task is ticked and the agent never ran."""
    stream = fleet.stream(agent.stream)
    if stream is None or not 0 <= agent.task < len(stream.tasks):
        return False
    return stream.tasks[agent.task].done and not agent.run
