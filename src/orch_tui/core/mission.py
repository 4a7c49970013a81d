"""The mission in this process: each verb to its use case, and the endless tasks that keep the fleet true."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Sequence
from pathlib import Path
from typing import Any, TypeVar, cast

from orch_tui import __version__
from orch_tui.core.assembly import Assembler
from orch_tui.core.boxes import Boxes
from orch_tui.core.landing import Lander
from orch_tui.core.launch import Launcher
from orch_tui.core.pages import agent_file, root_of
from orch_tui.core.parts import Current, Parts
from orch_tui.core.planning import Planner
from orch_tui.core.recover import Recovery
from orch_tui.core.review import Reviewer
from orch_tui.core.rollback import Undoer
from orch_tui.core.spend import Spender
from orch_tui.core.supervise import Supervisor
from orch_tui.core.talk import Talker
from orch_tui.core.target import Target
from orch_tui.model import verbs as v
from orch_tui.model.errors import OrchError, Refused
from orch_tui.model.facts import (
    AgentExited,
    AgentHarvested,
    AgentJudged,
    AgentPrepared,
    BatchLanded,
    BatchRolledBack,
    EngineStarted,
    EngineStopped,
    LaunchIntended,
    ProblemSeen,
    Record,
    VerbRefused,
)
from orch_tui.model.fleet import Agent, Fleet
from orch_tui.model.ids import AgentId
from orch_tui.model.plain import counted
from orch_tui.model.preview import Preview, agree, preview, refusal
from orch_tui.model.refusals import refuse, scope
from orch_tui.model.states import AgentState

R = TypeVar("R")
Use = Callable[[Any, str, str], Awaitable[Any]]

log = logging.getLogger(__name__)

PLAN_FILES = ("tasks.md", "orch.toml")
SETTLE_S = 0.3
RESTART_S = 1.0
LONGEST_REST_S = 60.0
"""How long an endless task that failed rests before it is begun again."""


class Mission:
    """The real thing: the only MissionVerbs that can change anything."""

    def __init__(self, parts: Parts, current: Current, *, pid: int) -> None:
        self._parts = parts
        self._current = current
        self._pid = pid
        self._launcher = Launcher(parts, current)
        self._target_moved = asyncio.Event()
        self._plan_edited = asyncio.Event()
        self._supervisor = Supervisor(parts, current, slot_freed=self._launcher.wake)
        self._talker = Talker(parts, self._launcher, self._supervisor)
        self._target = Target(parts)
        boxes, assembler = Boxes(parts), Assembler(parts)
        self._recovery = Recovery(parts, self._target, boxes)
        self._lander = Lander(parts, self._supervisor, self._target, assembler, boxes, self._recovery)
        self._undoer = Undoer(parts, self._target, self._recovery)
        self._reviewer = Reviewer(parts, self._supervisor, self._talker, assembler)
        self._planner = Planner(parts, current)
        self._spender = Spender(parts, current, sign=self._supervisor.sign)
        self._tasks: list[asyncio.Task[None]] = []
        self._uses: dict[type, Use] = {
            v.LoadPlan: self._load_plan,
            v.Launch: self._launch,
            v.Stop: self._stop,
            v.Restart: self._restart,
            v.Say: self._say,
            v.Review: self._review,
            v.Merge: self._merge,
            v.Rollback: self._rollback,
            v.ReadPage: self._read_page,
            v.ReadDiff: self._read_diff,
        }

    # The interface

    @property
    def fleet(self) -> Fleet:
        """Returns the newest value."""
        return self._parts.store.fleet

    def follow(self) -> AsyncIterator[Sequence[Record]]:
        """Yields batches of facts, each after `fleet` has taken them in."""
        return self._parts.store.follow()

    @property
    def idle(self) -> bool:
        """Says whether nothing runs that an engine is needed for."""
        return not any(_has_work_ahead(a) for a in self.fleet.agents())

    async def preview(self, verb: v.Verb[Any]) -> Preview:
        """Says what the verb would do; changes nothing but what is known about git."""
        title = str(verb.__struct_config__.tag).replace("_", " ")
        if reason := refuse(self.fleet, verb):
            return refusal(title, reason)
        try:
            if isinstance(verb, v.Merge):
                return await self._lander.preview(verb.stream)
            if isinstance(verb, v.Rollback):
                return await self._undoer.preview(verb.batch)
        except Refused as error:
            return refusal(title, str(error))
        if isinstance(verb, v.Stop):
            return self._preview_stop(verb)
        return preview(title, names=(repr(verb),))

    def _preview_stop(self, verb: v.Stop) -> Preview:
        agents = scope(self.fleet, verb.stream, verb.agent)
        hit = [a.id for a in agents if not isinstance(a, str) and _has_work_ahead(a)]
        what = verb.agent or verb.stream or "the whole mission"
        steps = (f"interrupt, then terminate, then kill {counted(len(hit), 'agent')}: {', '.join(hit[:8])}",)
        losses = ("their processes end; worktrees, branches and notes stay, and each can be launched again",)
        return preview(f"Stop {what}", steps=steps, losses=losses, names=tuple(hit))

    async def do(self, verb: v.Verb[R], *, agreed: str = "", actor: str = "operator") -> R:
        """Does the verb.

        Raises:
            Refused: the mission's state forbids it, or the preview that was agreed to no longer holds.
        """
        use = self._uses.get(type(verb))
        if use is None:
            raise Refused(f"the mission does not know the verb {type(verb).__name__}")
        try:
            if isinstance(verb, v.Launch):
                await self._planner.load(actor)
                await self._need_target()
            if isinstance(verb, v.Review):
                await self._reviewer.look(verb)
            if reason := refuse(self.fleet, verb):
                raise Refused(reason)
            return cast("R", await use(verb, actor, agreed))
        except Refused as error:
            if not verb.reads:
                await self._parts.store.put(VerbRefused(_scope(verb), str(error)[:500]), actor=actor)
            raise

    async def _need_target(self) -> None:
        """Refuses to launch anybody towards a branch that is not there."""
        if not await self._target.tip():
            hint = "Make it, or set [mission] target in orch.toml."
            raise Refused(f"the target branch {self.fleet.target} does not exist", "", hint)

    # Verbs

    async def _load_plan(self, verb: v.LoadPlan, actor: str, agreed: str) -> v.Outcome:
        return await self._planner.load(actor)

    async def _launch(self, verb: v.Launch, actor: str, agreed: str) -> v.Launched:
        return await self._launcher.queue(verb.stream, verb.agent, actor)

    async def _stop(self, verb: v.Stop, actor: str, agreed: str) -> v.Outcome:
        agree(self._preview_stop(verb), agreed)
        return await self._talker.stop(verb.stream, verb.agent, verb.reason, actor)

    async def _restart(self, verb: v.Restart, actor: str, agreed: str) -> v.Launched:
        return await self._talker.again(AgentId(verb.agent), actor)

    async def _say(self, verb: v.Say, actor: str, agreed: str) -> v.Outcome:
        return await self._talker.say(verb.agent, verb.text, actor)

    async def _review(self, verb: v.Review, actor: str, agreed: str) -> v.Outcome:
        return await self._reviewer.review(verb, actor)

    async def _merge(self, verb: v.Merge, actor: str, agreed: str) -> v.Landing:
        return await self._lander.land(verb.stream, actor, agreed)

    async def _rollback(self, verb: v.Rollback, actor: str, agreed: str) -> v.RolledBack:
        return await self._undoer.roll_back(verb.batch, actor, agreed)

    async def _read_diff(self, verb: v.ReadDiff, actor: str, agreed: str) -> v.DiffFile:
        return await self._reviewer.diff(verb)

    async def _read_page(self, verb: v.ReadPage, actor: str, agreed: str) -> v.Page:
        agent, desk = self._talker.agent(verb.agent), self._parts.desk
        path = agent_file(verb.file, agent, self._supervisor.files(agent.id), self._parts.places)
        if verb.wait_s and desk.size(path) <= verb.offset:
            await self._grown(path, verb.offset, verb.wait_s)
        return desk.page(path, verb.offset, verb.size, root_of(path, agent))

    async def _grown(self, path: Path, offset: int, wait_s: float) -> None:
        """Returns when the file reaches past the offset, or after `wait_s` seconds."""
        deadline = self._parts.clock.now() + wait_s
        while self._parts.desk.size(path) <= offset and (left := deadline - self._parts.clock.now()) > 0:
            await self._supervisor.stirred(path.parent, left)

    # Life

    async def open(self) -> None:
        """Takes the mission: loads the plan, settles what a crash left open, adopts what runs, begins to follow."""
        await self._planner.open()
        recovered = await self._recovery.recover()
        adopted, unstarted = await self._supervisor.adopt()
        await self._parts.store.put(EngineStarted(self._pid, __version__, recovered + adopted))
        await self._requeue(unstarted)
        for agent in list(self.fleet.agents()):
            await self._launcher.obey(agent.id)
        self._watch_people()
        for name, endless in self._endless().items():
            self._tasks.append(asyncio.create_task(self._kept(name, endless), name=name))
        self._launcher.wake()

    async def _requeue(self, unstarted: Sequence[AgentId]) -> None:
        """Queues again what was about to start when an engine ended; one that was told to stop meanwhile stops."""
        agents = [self._talker.agent(name) for name in unstarted]
        for agent in agents:
            await self._parts.revoke(agent.run)
            if agent.stopped:
                await self._parts.store.put(AgentJudged(agent.id, AgentState.STOPPED, "stopped before it had started"))
        if half := tuple(a.id for a in agents if not a.stopped):
            await self._launcher.enqueue(half, "engine")

    def _endless(self) -> dict[str, Callable[[], Coroutine[Any, Any, None]]]:
        tasks: dict[str, Callable[[], Coroutine[Any, Any, None]]] = {
            "launches": self._launcher.run,
            "files": self._supervisor.follow_files,
            "processes": self._supervisor.follow_processes,
            "silence": self._supervisor.silence.watch,
            "started": self._track_started,
            "days": self._spender.keep_days,
            "target": self._notice_target,
            "plan": self._reload_plan,
        }
        if (meter := self._parts.meter) is not None:
            tasks["spend"] = lambda: self._spender.follow(meter)
        return tasks

    def _watch_people(self) -> None:
        """Notices what people change: the target branch, the plan, the settings."""
        self._supervisor.notice(self._parts.heads / self.fleet.target, self._target_moved.set)
        for name in PLAN_FILES:
            self._supervisor.notice(self._parts.git.root / name, self._plan_edited.set)

    async def _reload_plan(self) -> None:
        """Reads the plan again a moment after it was edited, so that an editor may finish its write."""
        while True:
            await self._plan_edited.wait()
            await self._parts.clock.sleep(SETTLE_S)
            self._plan_edited.clear()
            await self._planner.open()
            self._supervisor.notice(self._parts.heads / self.fleet.target, self._target_moved.set)

    async def _notice_target(self) -> None:
        """Records each move of the target that is not ours, when no landing of ours is under way."""
        while True:
            await self._target_moved.wait()
            self._target_moved.clear()
            await self._target.notice()

    async def _track_started(self) -> None:
        """Follows each agent as soon as it has a worktree or a new run, and lets go of those that landed."""
        news = self._parts.store.follow()
        await self._track_all()
        await self._harvest()
        async for records in news:
            if not records:  # some were left out
                await self._track_all()
            for record in records:
                await self._take(record)

    async def _take(self, record: Record) -> None:
        kind = type(record.fact)
        if kind in (AgentPrepared, LaunchIntended, BatchRolledBack):
            await self._track(record)
        elif isinstance(record.fact, AgentExited):
            self._supervisor.over(record.fact.agent, record.fact.run)
        elif kind is BatchLanded:
            await self._harvest()

    async def _track_all(self) -> None:
        for agent in list(self.fleet.agents()):
            if agent.state != AgentState.LANDED:
                await self._supervisor.track(agent.id)

    async def _track(self, record: Record) -> None:
        for agent in self._concerned(record):
            await self._supervisor.track(agent)

    def _concerned(self, record: Record) -> tuple[AgentId, ...]:
        if name := getattr(record.fact, "agent", ""):
            return (AgentId(name),)
        batch = self.fleet.batch(getattr(record.fact, "batch", ""))
        return tuple(m.agent for m in batch.members) if batch else ()

    async def _harvest(self) -> None:
        """Archives notes and claims of what landed and is not in the archive yet, then lets go of it."""
        for agent in [a for a in self.fleet.agents() if a.state == AgentState.LANDED and not a.archived]:
            if not self._supervisor.files(agent.id):
                await self._supervisor.track(agent.id)
            if files := self._supervisor.files(agent.id):
                place = self._parts.places.archive(agent.id)
                await self._parts.desk.archive(files, place)
                await self._parts.store.put(AgentHarvested(agent.id, str(place)))
            if not agent.pid:
                self._supervisor.forget(agent.id)

    async def _kept(self, name: str, endless: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Keeps an endless task going: one that fails is recorded, once, and begun again after a growing rest."""
        rest, said = RESTART_S, ""
        while True:
            began = self._parts.clock.now()
            try:
                await endless()
                return
            except Exception as error:
                log.exception("the task %s failed", name)
                words = f"{type(error).__name__}: {error}"[:500]
            if self._parts.clock.now() - began > LONGEST_REST_S:
                rest, said = RESTART_S, ""
            if words != said:
                with contextlib.suppress(OrchError):  # a disk that is full must not end what waits for room
                    await self._parts.store.put(ProblemSeen(name, words))
                    said = words
            await self._parts.clock.sleep(rest)
            rest = min(2 * rest, LONGEST_REST_S)

    async def close(self, reason: str) -> None:
        """Lets go of the mission; agents and meter go on."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._launcher.close()
        await self._supervisor.close()
        await self._parts.store.put(EngineStopped(reason))
        await self._parts.runner.close()
        if self._parts.meter is not None:
            await self._parts.meter.close()
        await self._parts.git.close()
        await self._parts.store.close()


def _scope(verb: v.Verb[Any]) -> str:
    """Returns what was asked for and of whom, without the words of a message."""
    subject = next((str(getattr(verb, name)) for name in ("agent", "stream", "batch") if getattr(verb, name, "")), "")
    return f"{v.tag_of(verb)} {subject}".strip()[:200]


def _has_work_ahead(agent: Agent) -> bool:
    """Says whether an agent has a process, or will have one."""
    return bool(agent.pid) or agent.state in (AgentState.STARTING, AgentState.QUEUED)
