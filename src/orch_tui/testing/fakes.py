"""In-memory stand-ins for the core's ports: scriptable, and honest about what was asked of them.

A test sets what the world looks like, hands these to the core and reads afterwards what was done.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Sequence
from pathlib import Path
from typing import ClassVar, Generic, TypeVar

from msgspec import Struct

from orch_tui.core.ports import AgentFiles as AgentFilesPort
from orch_tui.model.blueprint import Blueprint
from orch_tui.model.errors import OrchError, RunnerError
from orch_tui.model.facts import Record
from orch_tui.model.ids import AgentId, Oid, RunNonce, StreamKey
from orch_tui.model.problem import Problem
from orch_tui.model.running import AgentTask, GateResult, Launch, Order, Placement, RunEvent, StopStep
from orch_tui.model.settings import Settings
from orch_tui.model.signals import Claim, ClaimState
from orch_tui.model.tasks import Epic, StreamPlan, TaskLine
from orch_tui.model.usage import LedgerRow
from orch_tui.model.verbs import Page
from orch_tui.testing.clock import START

T = TypeVar("T")
FIRST_PID = 4_190_000
"""Process ids from here on belong to nobody."""


class Channel(Generic[T]):
    """What a port yields, filled by a test; closing it ends the iteration."""

    def __init__(self) -> None:
        self._queue: asyncio.Queue[T | None] = asyncio.Queue()

    def put(self, item: T) -> None:
        """Adds something to be yielded."""
        self._queue.put_nowait(item)

    def close(self) -> None:
        """Ends the iteration after what waits."""
        self._queue.put_nowait(None)

    async def items(self) -> AsyncIterator[T]:
        """Yields what is put."""
        while (item := await self._queue.get()) is not None:
            yield item


class MemoryJournal:
    """A journal without a disk: it can be held up and made to refuse."""

    def __init__(self, records: Sequence[Record] = ()) -> None:
        self.records = list(records)
        self.commits: list[int] = []
        """How many records each append brought."""
        self._refusal: OrchError | None = None
        self._open = asyncio.Event()
        self._open.set()
        self._reached = asyncio.Event()

    async def load(self) -> Sequence[Record]:
        """Returns every record."""
        return tuple(self.records)

    async def append(self, records: Sequence[Record]) -> None:
        """Takes records, unless it was told otherwise."""
        self._reached.set()
        await self._open.wait()
        if self._refusal:
            raise self._refusal
        self.records += records
        self.commits.append(len(records))

    async def close(self) -> None:
        """Lets go of nothing."""

    def refuse(self, error: OrchError | None) -> None:
        """Makes appends fail, or work again."""
        self._refusal = error

    def block(self) -> None:
        """Makes appends wait."""
        self._open.clear()
        self._reached.clear()

    def unblock(self) -> None:
        """Lets appends go on."""
        self._open.set()

    async def reached(self) -> None:
        """Returns when an append waits."""
        await self._reached.wait()


class FakeRunner:
    """Processes that exist in a test's head; they outlive an engine like real ones."""

    name = "fake"

    def __init__(self) -> None:
        self.orders: list[Order] = []
        self.stops: list[tuple[str, str]] = []
        self.swept: list[str] = []
        self.placements: dict[tuple[str, str], Placement] = {}
        self.refusal: str = ""
        self.obedient = True
        """Whether a process ends when it is told to stop."""
        self._events: Channel[RunEvent] = Channel()

    async def launch(self, order: Order) -> Placement:
        """Starts a process; twice for one nonce is once."""
        if self.refusal:
            raise RunnerError("The agent could not be started", self.refusal)
        key = (str(order.agent), str(order.run))
        if key not in self.placements:
            self.orders.append(order)
            self.placements[key] = Placement(order.agent, order.run, "running", FIRST_PID + len(self.orders), START)
        return self.placements[key]

    async def adopt(self) -> Sequence[Placement]:
        """Returns every run."""
        return tuple(self.placements.values())

    async def events(self) -> AsyncIterator[Sequence[RunEvent]]:
        """Yields what happens to processes."""
        async for event in self._events.items():
            yield (event,)

    async def stop(self, agent: str, reason: str) -> None:
        """Ends the agent's process, if it obeys."""
        self.stops.append((agent, reason))
        if self.obedient:
            self.end(agent, None, 15, reason)

    async def sweep(self, nonce: str) -> int:
        """Kills nobody."""
        self.swept.append(nonce)
        return 0

    async def close(self) -> None:
        """Ends the events."""
        self._events.close()

    def living(self, agent: str) -> Placement | None:
        """Returns the agent's run that has not ended."""
        runs = (p for p in self.placements.values() if p.agent == agent and p.state == "running")
        return next(runs, None)

    def end(self, agent: str, rc: int | None = 0, signal: int = 0, reason: str = "") -> None:
        """Ends the agent's process, as it would by itself."""
        placement = self.living(agent)
        if placement is None:
            return
        ended = Placement(placement.agent, placement.run, "ended", reason=reason, rc=rc, signal=signal)
        self.placements[str(placement.agent), str(placement.run)] = ended
        self._events.put(RunEvent(placement.agent, placement.run, "exit", 0.0, 0, rc, signal, reason))


class FakeBackend:
    """A kind of agent that needs no program."""

    name: ClassVar[str] = "fake"
    ladder: ClassVar[tuple[StopStep, ...]] = (StopStep("SIGTERM", 1.0),)

    class Options(Struct, frozen=True):
        """What `[backends.fake]` may say."""

        words: str = ""

    def launch(self, task: AgentTask, options: Options) -> Launch:
        """Returns a command that says the task."""
        return Launch(("say", task.title, options.words))


class FakeGates:
    """Gates with the results that a test set; the rest pass."""

    def __init__(self) -> None:
        self.results: dict[str, GateResult] = {}
        self.ran: list[tuple[str, Oid]] = []

    async def run(self, gate: str, commit: Oid, base: Oid) -> GateResult:  # noqa: ARG002  the port's signature
        """Returns the gate's result."""
        self.ran.append((gate, commit))
        return self.results.get(gate, GateResult("passed", "all is well", 0.5))


class MeterStatus(Struct, frozen=True):
    """What the fake meter says of itself."""

    url: str = "http://127.0.0.1:1"
    ledger_id: str = "ledger"
    simulated: bool = True


class FakeMeter:
    """A meter whose rows a test books."""

    def __init__(self) -> None:
        self.granted: dict[str, str] = {}
        self.revoked: list[str] = []
        self.stopped = False
        self._rows: list[LedgerRow] = []
        self._news: Channel[LedgerRow] = Channel()

    async def ensure(self) -> MeterStatus:
        """Returns what the meter says of itself."""
        return MeterStatus()

    async def grant(self, run: str, agent: str, stream: str, task: str) -> str:  # noqa: ARG002  the port's signature
        """Returns an address for one run."""
        self.granted[run] = agent
        return f"http://127.0.0.1:1/{run}"

    async def revoke(self, run: str) -> None:
        """Ends the run's token."""
        self.revoked.append(run)

    async def follow(self, after: int) -> AsyncIterator[Sequence[LedgerRow]]:
        """Yields rows after a number."""
        if earlier := [row for row in self._rows if row.seq > after]:
            yield tuple(earlier)
        async for row in self._news.items():
            yield (row,)

    async def stop(self) -> None:
        """Ends the meter."""
        self.stopped = True

    async def close(self) -> None:
        """Ends those who follow."""
        self._news.close()

    def book(self, agent: str, pico: int, *, model: str = "model", day: str = "2027-01-15") -> LedgerRow:
        """Settles one request."""
        seq = len(self._rows) + 1
        row = LedgerRow(seq, "settle", f"req-{seq}", 0.0, day, "run", agent, "", "", model, pico)
        self._rows.append(row)
        self._news.put(row)
        return row


class FakeFiles:
    """The files of one worktree, kept by the desk."""

    def __init__(self, desk: FakeDesk, worktree: Path, tracked: frozenset[str]) -> None:
        self._desk = desk
        self._worktree = worktree
        self._tracked = tracked
        self._claims: dict[str, Claim] = {}

    @property
    def notes_path(self) -> Path:
        """Returns where the notes are."""
        return self._place("AGENT_NOTES.md")

    @property
    def task_path(self) -> Path:
        """Returns where the task is."""
        return self._place("TASK.md")

    @property
    def status_path(self) -> Path:
        """Returns where the claim is."""
        return self._worktree / ".orch" / "status.json"

    def prepare(self, task: str, blueprint: str) -> None:
        """Writes task and blueprint."""
        self._desk.files[self.task_path] = task
        self._desk.files[self._worktree / ".orch" / "BLUEPRINT.md"] = blueprint
        self._desk.files.setdefault(self.notes_path, "")

    def claim(self, run: str, state: ClaimState, summary: str = "", commit: str = "") -> None:
        """Lets the agent say something about its state."""
        self._claims[run] = Claim(RunNonce(run), state, 0.0, Oid(commit), summary)

    def read_claim(self, run: str = "") -> Claim | None:
        """Returns the newest claim."""
        return self._claims.get(run) if run else next(reversed(self._claims.values()), None)

    def put_message(self, number: int, id: int, text: str) -> Path:  # noqa: A002, ARG002  the port's signature
        """Puts a message into the inbox."""
        path = self._worktree / ".orch" / "inbox" / f"{number:04d}.json"
        self._desk.files[path] = text
        return path

    @property
    def newest_message(self) -> int:
        """Returns the highest number in the inbox."""
        inbox = self._worktree / ".orch" / "inbox"
        return max((int(path.stem) for path in self._desk.files if path.parent == inbox), default=0)

    def messages(self) -> Sequence[str]:
        """Returns the texts in the inbox."""
        inbox = self._worktree / ".orch" / "inbox"
        return tuple(text for path, text in sorted(self._desk.files.items()) if path.parent == inbox)

    def archive(self, into: Path) -> None:
        """Copies notes and task."""
        for path in (self.notes_path, self.task_path):
            self._desk.files[into / path.name] = self._desk.files.get(path, "")

    def _place(self, name: str) -> Path:
        return self._worktree / ".orch" / name if name in self._tracked else self._worktree / name


class FakeDesk:
    """Files in memory, by path."""

    def __init__(self) -> None:
        self.files: dict[Path, str] = {}
        self.cpu: dict[int, float] = {}
        self.busy: set[int] = set()
        self._worktrees: dict[Path, FakeFiles] = {}

    def agent_files(self, worktree: Path, tracked: Iterable[str] = ()) -> FakeFiles:
        """Returns the files of one worktree, the same ones each time."""
        return self._worktrees.setdefault(worktree, FakeFiles(self, worktree, frozenset(tracked)))

    def exists(self, path: Path) -> bool:
        """Says whether a file or a directory is there."""
        return any(path == known or path in known.parents for known in self.files)

    def size(self, path: Path) -> int:
        """Returns a file's size in bytes."""
        return len(self.files.get(path, "").encode())

    def page(self, path: Path, offset: int, size: int, root: Path | None = None) -> Page:  # noqa: ARG002  the port's
        """Returns a page of a file."""
        data = self.files.get(path, "").encode()
        start = offset if offset >= 0 else max(0, len(data) + offset)
        part = data[start : start + size]
        return Page(part.decode("utf-8", "replace"), start, start + len(part), len(data))

    async def archive(self, files: AgentFilesPort, into: Path) -> None:
        """Copies what an agent leaves behind."""
        files.archive(into)

    async def cpu_seconds(self, pids: Sequence[int]) -> Sequence[float]:
        """Returns what a test set; a process listed in `busy` uses a second between any two looks."""
        for pid in self.busy:
            self.cpu[pid] = self.cpu.get(pid, 0.0) + 1.0
        return tuple(self.cpu.get(pid, 0.0) for pid in pids)


class FakeWatcher:
    """A watch that a test rings."""

    def __init__(self) -> None:
        self.directories: set[Path] = set()
        self.followed: set[Path] = set()
        self._rung: Channel[frozenset[Path]] = Channel()

    def add(self, directory: Path) -> None:
        """Watches a directory."""
        self.directories.add(directory)

    def discard(self, directory: Path) -> None:
        """Watches a directory no more."""
        self.directories.discard(directory)

    def follow(self, path: Path) -> None:
        """Compares a file now and then."""
        self.followed.add(path)

    def unfollow(self, path: Path) -> None:
        """Compares a file no more."""
        self.followed.discard(path)

    def ring(self, *paths: Path) -> None:
        """Tells that these files changed, if somebody watches where they are."""
        seen = frozenset(path for path in paths if path.parent in self.directories or path in self.followed)
        if seen:
            self._rung.put(seen)

    async def changes(self) -> AsyncIterator[frozenset[Path]]:
        """Yields what was rung."""
        async for paths in self._rung.items():
            yield paths


class FakePlan:
    """A plan that a test wrote; by default two streams of two agents and of one."""

    def __init__(self, epic: Epic | None = None, settings: Settings | None = None) -> None:
        self.epic = epic or epic_of(("infra", 2), ("api", 1))
        self.settings = settings or Settings()
        self.problems: tuple[Problem, ...] = ()
        self.ticked: list[str] = []

    def load(self) -> tuple[Epic, Settings, Sequence[Problem]]:
        """Returns plan and settings."""
        return self.epic, self.settings, self.problems

    def blueprint(self, domain: str, compliance: Sequence[str]) -> Blueprint:
        """Returns a blueprint of one line."""
        return Blueprint(f"Work on {domain} under {', '.join(compliance) or 'no profile'}.\n", ())

    def tick(self, line: int, title: str) -> None:  # noqa: ARG002  the port's signature
        """Notes that a box was ticked."""
        self.ticked.append(title)


def epic_of(*streams: tuple[str, int], backend: str = "fake") -> Epic:
    """Returns an epic of streams with so many agents each, one task per agent, each stream after the one before."""
    plans: list[StreamPlan] = []
    for number, (key, agents) in enumerate(streams, 1):
        tasks = tuple(TaskLine(f"Part {n} of {key}", 1, False, 10 * number + n) for n in range(1, agents + 1))
        after = (plans[-1].key,) if plans else ()
        plans.append(
            StreamPlan(number, StreamKey(key), key.title(), key, agents, after, 10 * number, tasks, backend=backend)
        )
    return Epic("Fake epic", tuple(plans), "mvp", sum(agents for _, agents in streams))


def agent_id(stream: str, number: int) -> AgentId:
    """Returns the id of a stream's agent."""
    return AgentId(f"{stream}-{number}")
