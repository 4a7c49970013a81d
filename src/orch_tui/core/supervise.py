"""Follows every agent that has a worktree: files, process, branch; decides its state and records what changed.

One look at an agent is one task: while it runs, further reasons to look are remembered, not queued.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterable
from pathlib import Path

from msgspec.structs import replace

from orch_tui.core.parts import PROTOCOL_NAMES, Current, Parts
from orch_tui.core.ports import AgentFiles
from orch_tui.core.silence import Silence
from orch_tui.core.tracked import Tracked
from orch_tui.model.errors import OrchError, StorageError
from orch_tui.model.evidence import Observation, judge
from orch_tui.model.facts import (
    AgentExited,
    AgentJudged,
    AgentStarted,
    BranchMoved,
    ClaimSeen,
    Fact,
    MessageDelivered,
    NotesGrew,
    ProblemSeen,
)
from orch_tui.model.fleet import Agent, Fleet
from orch_tui.model.ids import AgentId, Oid, agent_branch
from orch_tui.model.running import Placement, RunEvent
from orch_tui.model.signals import Claim
from orch_tui.model.states import ACTIVE, AgentState

NOT_STARTED = "not started"
"""What a runner says of a run that was prepared and never begun."""

_SILENT = frozenset({AgentState.QUIET, AgentState.STALLED})
ROOM_S = 1.0
NOTES_EVERY_S = 1.0
"""Notes that grow in a storm are one fact in so many seconds; whoever reads them follows the file."""

_WRITTEN_BY_US = frozenset({"TASK.md", "BLUEPRINT.md", "inbox", "spec.json"})
"""What the engine writes beside the agent's files is no sign of the agent's life."""

_UNSEEN = frozenset({AgentState.PLANNED, AgentState.QUEUED, AgentState.LANDED})


class Supervisor:
    """Knows each agent's newest evidence; the fleet knows what follows from it."""

    def __init__(self, parts: Parts, current: Current, *, slot_freed: Callable[[], None]) -> None:
        self._parts = parts
        self._current = current
        self._slot_freed = slot_freed
        self._tracked: dict[AgentId, Tracked] = {}
        self._by_directory: dict[Path, AgentId] = {}
        self._refs: set[Path] = set()
        self.silence = Silence(parts, current, self._tracked, self._signed, self.look)
        self._stirs: dict[Path, asyncio.Event] = {}
        self._noticed: dict[Path, Callable[[], None]] = {}

    @property
    def _fleet(self) -> Fleet:
        return self._parts.store.fleet

    # What the mission tells

    def notice(self, path: Path, changed: Callable[[], None]) -> None:
        """Calls back whenever a file that is no agent's changes."""
        if path not in self._noticed:
            self._parts.watcher.add(path.parent)
            self._parts.watcher.follow(path)
        self._noticed[path] = changed

    async def track(self, name: AgentId) -> None:
        """Begins to follow an agent that has a worktree, or goes on with its newest run."""
        agent = self._fleet.agent(name)
        if agent is None or not agent.worktree:
            return
        tracked = self._tracked.get(name) or await self._begin(agent)
        run_dir = self._parts.places.run(name, agent.run) if agent.run else None
        if run_dir != tracked.run_dir:
            self._follow_run(tracked, run_dir)
        self.look(name, git=True)

    async def _begin(self, agent: Agent) -> Tracked:
        worktree = Path(agent.worktree)
        names = await self._parts.git.tracked(Oid(agent.base), PROTOCOL_NAMES)
        if already := self._tracked.get(agent.id):
            return already
        tracked = Tracked(agent.id, worktree, self._parts.desk.agent_files(worktree, names))
        self._tracked[agent.id] = tracked
        for directory in {worktree, worktree / ".orch"}:
            self._watch(directory, agent.id)
        refs = self._parts.heads / "orch" / agent.stream
        if refs not in self._refs:
            self._refs.add(refs)
            self._parts.watcher.add(refs)
        for path in self._followed(tracked):
            self._parts.watcher.follow(path)
        return tracked

    def _followed(self, tracked: Tracked) -> tuple[Path, ...]:
        """Returns the files of which no change may be missed: notes, claim and branch."""
        branch = self._parts.heads / "orch" / tracked.id.rpartition("-")[0] / tracked.id
        return (tracked.files.notes_path, tracked.files.status_path, branch)

    def _watch(self, directory: Path, name: AgentId) -> None:
        self._by_directory[directory] = name
        self._parts.watcher.add(directory)

    def _follow_run(self, tracked: Tracked, run_dir: Path | None) -> None:
        if tracked.run_dir is not None:
            self._parts.watcher.discard(tracked.run_dir)
            self._by_directory.pop(tracked.run_dir, None)
        tracked.run_dir = run_dir
        tracked.rc, tracked.signal, tracked.lost, tracked.reason = None, 0, False, ""
        tracked.claim, tracked.has_sign = None, False
        tracked.alive = run_dir is not None
        tracked.last_sign = self._parts.clock.now()
        if run_dir is not None:
            self._watch(run_dir, tracked.id)

    def over(self, name: AgentId, run: str) -> None:
        """Takes note of the end of a run that never had a process."""
        tracked = self._tracked.get(name)
        if tracked is not None and tracked.run_dir == self._parts.places.run(name, run):
            tracked.alive = False

    def forget(self, name: AgentId) -> None:
        """Stops following an agent."""
        tracked = self._tracked.pop(name, None)
        if tracked is None:
            return
        for path in self._followed(tracked):
            self._parts.watcher.unfollow(path)
        for directory in (tracked.worktree, tracked.worktree / ".orch", tracked.run_dir):
            if directory is not None:
                self._parts.watcher.discard(directory)
                self._by_directory.pop(directory, None)

    def files(self, name: AgentId) -> AgentFiles | None:
        """Returns the files of an agent that is followed."""
        tracked = self._tracked.get(name)
        return tracked.files if tracked else None

    def sign(self, name: AgentId) -> None:
        """Notes a sign of life that is in no file: a model request."""
        if tracked := self._tracked.get(name):
            self._signed(tracked)
            self.look(name)

    def _signed(self, tracked: Tracked) -> None:
        """Notes a sign of life; what we write into a worktree before its process starts is none."""
        agent = self._fleet.agent(tracked.id)
        if agent is not None and agent.pid:
            self._lives(tracked)

    def _lives(self, tracked: Tracked) -> None:
        tracked.last_sign = self._parts.clock.now()
        tracked.has_sign = True

    async def close(self) -> None:
        """Ends the looks under way; the next engine looks again."""
        tasks = [task for t in self._tracked.values() for task in (t.looking, t.later)]
        looks = [task for task in tasks if task is not None]
        for look in looks:
            look.cancel()
        await asyncio.gather(*looks, return_exceptions=True)

    # Endless tasks

    async def follow_files(self) -> None:
        """Looks at the agents whose files changed, and tells who else waits for a change."""
        async for paths in self._parts.watcher.changes():
            self._changed(paths)

    async def stirred(self, directory: Path, seconds: float) -> None:
        """Returns when something in a followed directory changed, or after that many seconds."""
        stir = self._stirs.setdefault(directory, asyncio.Event())
        sleeper = asyncio.ensure_future(self._parts.clock.sleep(seconds))
        waiter = asyncio.ensure_future(stir.wait())
        try:
            await asyncio.wait({sleeper, waiter}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            sleeper.cancel()
            waiter.cancel()

    def _changed(self, paths: Iterable[Path]) -> None:
        for path in paths:
            if stir := self._stirs.pop(path.parent, None):
                stir.set()
            if changed := self._noticed.get(path):
                changed()
            elif path.parent in self._refs:
                self.look(AgentId(path.name.removesuffix(".lock")), git=True)
            elif name := self._by_directory.get(path.parent):
                if path.name not in _WRITTEN_BY_US:
                    self._signed(self._tracked[name])
                self.look(name, git=path.name == "status.json")

    async def follow_processes(self) -> None:
        """Records how processes start and end."""
        async for events in self._parts.runner.events():
            for event in events:
                await self._recorded(event)

    async def _recorded(self, event: RunEvent) -> None:
        """Records an event; an end that the disk refuses waits for room, since nobody will tell it again."""
        while True:
            try:
                await self._happened(event)
                return
            except StorageError:
                await self._parts.clock.sleep(ROOM_S)
            except OrchError as error:
                await self._parts.store.put(ProblemSeen(event.agent, str(error)))
                return

    async def _happened(self, event: RunEvent) -> None:
        agent = self._fleet.agent(event.agent)
        if agent is None or agent.run != event.run or event.kind == "started":
            return
        await self.track(agent.id)  # the process may have ended before anybody asked to follow its run
        if (tracked := self._tracked.get(agent.id)) is None:
            return
        await self._ended(tracked, agent, event.kind == "lost", event.rc, event.signal, event.reason)

    async def _ended(
        self, tracked: Tracked, agent: Agent, lost: bool, rc: int | None, signal: int, reason: str
    ) -> None:
        if not tracked.alive:
            return
        await self._parts.store.put(AgentExited(agent.id, agent.run, rc, signal, reason))
        tracked.alive, tracked.lost, tracked.rc, tracked.signal, tracked.reason = False, lost, rc, signal, reason
        self.look(agent.id, git=True)
        self._slot_freed()
        await self._parts.revoke(agent.run)

    # One look

    def look(self, name: AgentId, *, git: bool = False) -> None:
        """Looks at one agent soon; with `git` also at its branch and worktree."""
        tracked = self._tracked.get(name)
        if tracked is None:
            return
        tracked.git_wanted |= git
        if tracked.looking is None or tracked.looking.done():
            tracked.looking = asyncio.create_task(self._looks(tracked), name=f"look at {name}")
        else:
            tracked.again = True

    async def settled(self, name: AgentId) -> None:
        """Returns when the newest evidence of an agent, git included, is in the fleet."""
        self.look(name, git=True)
        tracked = self._tracked.get(name)
        if tracked is not None and tracked.looking is not None:
            await asyncio.shield(tracked.looking)

    async def _looks(self, tracked: Tracked) -> None:
        tracked.again = True
        while tracked.again:
            tracked.again = False
            try:
                await self._look(tracked)
            except OrchError as error:
                tracked.git_wanted = True
                await self._complain(tracked, str(error))
            else:
                tracked.problem = ""
        self.silence.changed()

    async def _complain(self, tracked: Tracked, words: str) -> None:
        """Records what went wrong, once until it was well again."""
        if words == tracked.problem:
            return
        with contextlib.suppress(StorageError):  # whoever asks for something is told that the disk refuses
            await self._parts.store.put(ProblemSeen(tracked.id, words))
            tracked.problem = words

    async def _look(self, tracked: Tracked) -> None:
        agent = self._fleet.agent(tracked.id)
        if agent is None or agent.state in _UNSEEN:
            return
        claim = tracked.files.read_claim(agent.run)
        facts = [*self._claim_facts(tracked, agent, claim), *self._notes_facts(tracked, agent)]
        if facts:
            await self._parts.store.put(*facts, actor=agent.id)
        tracked.claim = claim
        if tracked.git_wanted:
            tracked.git_wanted = False
            if moved := await self._branch_facts(tracked, agent):
                await self._parts.store.put(*moved, actor=agent.id)
        await self._judge(tracked)

    def _claim_facts(self, tracked: Tracked, agent: Agent, claim: Claim | None) -> list[Fact]:
        if claim is None or claim == tracked.claim:
            return []
        tracked.git_wanted = True
        self._lives(tracked)
        if (claim.state, claim.summary) == (agent.claim, agent.summary):
            return []
        facts: list[Fact] = [ClaimSeen(agent.id, claim.run, claim.state, claim.summary, claim.commit)]
        if agent.claim == "blocked":
            facts += [MessageDelivered(agent.id, m.id) for m in agent.messages if m.state == "queued"]
        return facts

    def _notes_facts(self, tracked: Tracked, agent: Agent) -> list[Fact]:
        size = self._parts.desk.size(tracked.files.notes_path)
        if size == agent.notes:
            return []
        self._lives(tracked)  # only the agent writes them, also before its start is recorded
        wait = tracked.notes_at + NOTES_EVERY_S - self._parts.clock.now()
        if wait > 0:
            self._look_later(tracked, wait)
            return []
        tracked.notes_at = self._parts.clock.now()
        return [NotesGrew(agent.id, size)]

    def _look_later(self, tracked: Tracked, seconds: float) -> None:
        async def later() -> None:
            await self._parts.clock.sleep(seconds)
            tracked.later = None
            self.look(tracked.id)

        if tracked.later is None:
            tracked.later = asyncio.create_task(later(), name=f"look later at {tracked.id}")

    async def _branch_facts(self, tracked: Tracked, agent: Agent) -> list[Fact]:
        git = self._parts.git
        branch = agent_branch(agent.stream, agent.id)
        state = await git.worktree_state(tracked.worktree, await self._compare_to(agent))
        if state.branch != branch:  # it is gone, or its agent works beside its branch: what counts is the branch
            state = replace(state, head=await git.resolve(f"refs/heads/{branch}"))
        if state.missing:
            sizes = {"ahead": agent.ahead, "files": agent.files, "added": agent.added, "removed": agent.removed}
            state = replace(state, clean=True, **sizes)
        tracked.state = state
        tracked.ours = await self._ours(agent, state.head)
        moved = BranchMoved(agent.id, state.head, state.clean, state.ahead, state.files, state.added, state.removed)
        known = BranchMoved(agent.id, agent.head, agent.clean, agent.ahead, agent.files, agent.added, agent.removed)
        return [moved] if moved != known else []

    async def _ours(self, agent: Agent, head: Oid) -> tuple[str, ...]:
        """Returns files of the protocol that the branch contains and its base does not."""
        if not head or head == agent.base:
            return ()
        had = await self._parts.git.tracked(Oid(agent.base), PROTOCOL_NAMES)
        return tuple(name for name in await self._parts.git.tracked(head, PROTOCOL_NAMES) if name not in had)

    async def _compare_to(self, agent: Agent) -> Oid:
        """Returns what the work is measured against: the target, or the agent's base where the target has it all."""
        target = self._fleet.target_head
        if not target or not agent.head or await self._parts.git.is_ancestor(agent.head, target):
            return Oid(agent.base)
        return target

    async def _judge(self, tracked: Tracked) -> None:
        agent = self._fleet.agent(tracked.id)
        if agent is None or agent.state in _UNSEEN or not agent.run or _never_started(agent):
            return
        seen = judge(self._observation(tracked, agent), self._parts.clock.now(), self.silence.thresholds())
        state, reason = seen.state, seen.reason
        if tracked.state.missing and state != AgentState.LANDED:
            reason = f"{reason}; its worktree is missing, its branch is safe".lstrip("; ")
        if state == agent.state and state in _SILENT:
            return  # the screen has the time since; a fact for every minute would fill the journal
        if (state, reason) != (agent.state, agent.reason):
            await self._parts.store.put(AgentJudged(agent.id, state, reason, agent.state.value))

    def _observation(self, tracked: Tracked, agent: Agent) -> Observation:
        starting = agent.state == AgentState.STARTING and not agent.pid and tracked.alive
        return Observation(
            process="alive" if tracked.alive or starting else "gone",
            exit_rc=tracked.rc,
            exit_signal=tracked.signal,
            stopped_by_operator=agent.stopped,
            lost=tracked.lost,
            claim=tracked.claim,
            head=agent.head,
            clean=agent.clean,
            uncommitted=len(tracked.state.dirty),
            ours=tracked.ours,
            empty=not agent.ahead and agent.head == agent.base,
            exit_reason=tracked.reason,
            last_sign=tracked.last_sign,
            started=agent.started or agent.since,
            has_sign=tracked.has_sign,
            verdict=agent.verdict,  # type: ignore[arg-type]
            verdict_oid=agent.verdict_oid,
        )

    # After a restart

    async def adopt(self) -> tuple[int, tuple[AgentId, ...]]:
        """Takes over what runs, and what ended while no engine looked.

        Returns how many runs were found, and whose start was cut short before there was a process.
        """
        placements = {(p.agent, str(p.run)): p for p in await self._parts.runner.adopt()}
        found = 0
        unstarted: list[AgentId] = []
        for agent in list(self._fleet.agents()):
            if not agent.worktree or (agent.state == AgentState.LANDED and not agent.pid):
                continue
            await self.track(agent.id)
            placement = placements.get((agent.id, agent.run))
            if agent.state == AgentState.STARTING and not agent.pid and _nothing_ran(placement):
                self.over(agent.id, agent.run)
                unstarted.append(agent.id)
            elif agent.run:
                found += await self._adopt(agent, placement)
        return found, tuple(unstarted)

    def _recall(self, tracked: Tracked, agent: Agent) -> None:
        """Takes over what the engine before knew of an agent's signs of life."""
        t = self.silence.thresholds()
        silence = {AgentState.QUIET: t.quiet_s, AgentState.STALLED: t.stalled_s}.get(agent.state, 0.0)
        tracked.has_sign = tracked.has_sign or agent.state != AgentState.STARTING
        if silence:
            tracked.last_sign = agent.since - silence

    async def _adopt(self, agent: Agent, placement: Placement | None) -> int:
        tracked = self._tracked[agent.id]
        if placement is not None and placement.state in ("starting", "running"):
            if not agent.pid:
                await self._parts.store.put(AgentStarted(agent.id, agent.run, placement.pid, placement.started))
            self._recall(tracked, agent)
            return 1
        if agent.pid or agent.state in ACTIVE:
            rc, signal = (placement.rc, placement.signal) if placement else (None, 0)
            reason = placement.reason if placement else "the process was never found"
            await self._ended(tracked, agent, placement is None or placement.state == "lost", rc, signal, reason)
            return 1
        tracked.alive = False
        if placement is not None:
            tracked.rc, tracked.signal, tracked.lost = placement.rc, placement.signal, placement.state == "lost"
            tracked.reason = placement.reason
        return 0


def _never_started(agent: Agent) -> bool:
    """Says whether the newest run failed before it had a process: its launcher has said why."""
    return agent.state == AgentState.FAILED and not agent.started


def _nothing_ran(placement: Placement | None) -> bool:
    """Says whether a run that was intended never had a process."""
    return placement is None or (placement.reason == NOT_STARTED and not placement.pid)
