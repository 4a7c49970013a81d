"""The mission as one immutable tree: fleet > streams > tasks and agents.

A value here never changes; `reduce` makes the next one and shares every part that stayed the same, so that
"did this row change?" is an identity check. Nothing here reads a clock: what depends on time takes `now`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from msgspec import Struct
from msgspec.structs import replace

from orch_tui.model.ids import AgentId, BatchId, Oid, StreamKey
from orch_tui.model.money import micros
from orch_tui.model.states import AgentState, BatchState, StreamState
from orch_tui.model.usage import Tokens, Window, window_rate


class Spend(Struct, frozen=True):
    """What one agent has cost: amounts in 10^-12 USD, tokens by class, a sliding window for the rate."""

    pico: int = 0
    day: str = ""
    day_pico: int = 0
    tokens: Tokens = Tokens()
    requests: int = 0
    window: Window = ()
    since: float = 0.0
    estimated: bool = False
    unpriced: bool = False
    simulated: bool = False

    def rate(self, now: float) -> int | None:
        """Returns micro-dollars per hour over the last ten minutes; None in the first minute of life."""
        return window_rate(self.window, now, self.since) if self.since else None

    def today(self, day: str) -> int:
        """Returns the micro-dollars of that budget day."""
        return micros(self.day_pico) if day == self.day else 0


class ModelSpend(Struct, frozen=True):
    """What one model has cost the mission."""

    model: str
    pico: int = 0
    tokens: Tokens = Tokens()
    requests: int = 0
    priced: bool = True


class Message(Struct, frozen=True):
    """One thing said to an agent; its text lies in the agent's inbox, here is its first line."""

    id: int
    kind: str
    at: float
    head: str
    state: str = "queued"


class Agent(Struct, frozen=True, kw_only=True):
    """One worker: a slice of a task, a branch, a process, a claim, a verdict and a cost."""

    id: AgentId
    stream: StreamKey
    task: int
    title: str
    part: str = ""
    backend: str = ""
    state: AgentState = AgentState.PLANNED
    reason: str = ""
    since: float = 0.0
    branch: str = ""
    base: Oid = Oid("")
    head: Oid = Oid("")
    worktree: str = ""
    run: str = ""
    attempt: int = 0
    pid: int = 0
    started: float = 0.0
    clean: bool = True
    ahead: int = 0
    files: int = 0
    added: int = 0
    removed: int = 0
    claim: str = ""
    summary: str = ""
    notes: int = 0
    notes_at: float = 0.0
    verdict: str = ""
    verdict_oid: Oid = Oid("")
    verdict_by: str = ""
    batch: BatchId = BatchId("")
    stopped: bool = False
    archived: bool = False
    messages: tuple[Message, ...] = ()
    spend: Spend = Spend()

    @property
    def approved(self) -> bool:
        """Says whether the newest commit is the one that was approved."""
        return self.verdict == "approved" and bool(self.head) and self.verdict_oid == self.head


class Task(Struct, frozen=True):
    """A checklist line of a stream, for `agents` agents."""

    title: str
    agents: int
    line: int
    done: bool = False


class Conflict(Struct, frozen=True):
    """Why a stream's branches do not fold: who conflicts with whom (an agent or the target), in which files."""

    agent: AgentId
    other: str
    files: tuple[str, ...]
    branch: str = ""
    other_branch: str = ""


class Check(Struct, frozen=True):
    """The newest run of a gate on one exact tree: status is running, passed, failed, error or timeout."""

    gate: str
    tree: Oid
    status: str
    summary: str = ""
    seconds: float = 0.0
    log: str = ""
    at: float = 0.0


class Stream(Struct, frozen=True, kw_only=True):
    """A section of `tasks.md`; lands as one batch after the streams that it waits for."""

    key: StreamKey
    number: int
    name: str
    domain: str
    after: tuple[StreamKey, ...] = ()
    line: int = 0
    backend: str = ""
    gates: tuple[str, ...] = ()
    tasks: tuple[Task, ...] = ()
    agents: tuple[Agent, ...] = ()
    batch: BatchId = BatchId("")
    conflict: Conflict | None = None
    checks: tuple[Check, ...] = ()

    @property
    def landed(self) -> bool:
        """Says whether every agent of the stream is landed or was taken out by a rejection."""
        return bool(self.batch) and all(a.state in (AgentState.LANDED, AgentState.REJECTED) for a in self.agents)

    @property
    def state(self) -> StreamState:
        """Returns the stream's state as its agents' states say it."""
        states = {a.state for a in self.agents}
        if self.landed:
            return StreamState.LANDED
        if states <= {AgentState.PLANNED}:
            return StreamState.PLANNED
        if self.conflict or states & {AgentState.BLOCKED, AgentState.FAILED, AgentState.LOST}:
            return StreamState.BLOCKED
        if states <= {AgentState.APPROVED, AgentState.LANDED, AgentState.REJECTED}:
            return StreamState.READY
        if states & {AgentState.REVIEW}:
            return StreamState.REVIEW
        return StreamState.RUNNING


class Member(Struct, frozen=True):
    """One agent's revision in a batch."""

    agent: AgentId
    oid: Oid


class Batch(Struct, frozen=True, kw_only=True):
    """What one approval lands: members, the landing commit, the tag before it, and how it came off again."""

    id: BatchId
    stream: StreamKey
    state: BatchState
    at: float
    base: Oid
    new: Oid
    tree: Oid
    tag: str
    members: tuple[Member, ...] = ()
    undone_by: Oid = Oid("")
    how: str = ""
    behind: tuple[str, ...] = ()
    note: str = ""
    synced: bool = False
    """Whether a checkout has followed its newest move whole."""


class Budget(Struct, frozen=True):
    """The daily limit in micro-dollars (None: no limit), the share that alerts, and where the values came from."""

    limit: int | None = None
    alert: float = 0.8
    source: str = "default"
    alerted_day: str = ""


class Problem(Struct, frozen=True):
    """Something that went wrong around an agent, a stream or a checkout."""

    at: float
    subject: str
    message: str


class Engine(Struct, frozen=True):
    """The process that hosts the mission; pid 0 while none runs."""

    pid: int = 0
    since: float = 0.0
    version: str = ""


class Fleet(Struct, frozen=True, eq=False, kw_only=True):
    """The whole mission at one moment; compared by identity."""

    seq: int = 0
    at: float = 0.0
    name: str = ""
    repository: str = ""
    target: str = ""
    target_head: Oid = Oid("")
    epic: str = ""
    size: str = "mvp"
    streams: tuple[Stream, ...] = ()
    batches: tuple[Batch, ...] = ()
    budget: Budget = Budget()
    models: tuple[ModelSpend, ...] = ()
    simulated: bool = False
    metered: bool = True
    ledger: str = ""
    ledger_seq: int = 0
    problems: tuple[Problem, ...] = ()
    max_running: int = 50
    engine: Engine = Engine()
    day: str = ""

    def agents(self) -> Iterator[Agent]:
        """Yields every agent, stream by stream."""
        for stream in self.streams:
            yield from stream.agents

    def agent(self, agent: str) -> Agent | None:
        """Returns the agent of that id."""
        stream = self.stream(agent.rpartition("-")[0])
        return next((a for a in stream.agents if a.id == agent), None) if stream else None

    def stream(self, key: str) -> Stream | None:
        """Returns the stream of that key."""
        return next((s for s in self.streams if s.key == key), None)

    def batch(self, batch: str) -> Batch | None:
        """Returns the batch of that id."""
        return next((b for b in self.batches if b.id == batch), None)

    def with_agent(self, agent: str, change: Callable[[Agent], Agent]) -> Fleet:
        """Returns the fleet in which one agent is changed; the same fleet where nothing changes."""
        key = agent.rpartition("-")[0]
        return self.with_stream(key, lambda s: _with_agent(s, agent, change))

    def with_stream(self, key: str, change: Callable[[Stream], Stream]) -> Fleet:
        """Returns the fleet in which one stream is changed; the same fleet where nothing changes."""
        for i, stream in enumerate(self.streams):
            if stream.key == key:
                new = change(stream)
                if new is stream:
                    return self
                return replace(self, streams=(*self.streams[:i], new, *self.streams[i + 1 :]))
        return self


def _with_agent(stream: Stream, agent: str, change: Callable[[Agent], Agent]) -> Stream:
    for i, old in enumerate(stream.agents):
        if old.id == agent:
            new = change(old)
            if new is old:
                return stream
            return replace(stream, agents=(*stream.agents[:i], new, *stream.agents[i + 1 :]))
    return stream


class Money(Struct, frozen=True):
    """A roll-up of spend: micro-dollars in all, today, per hour (None: too young), and how sure the figures are."""

    total: int = 0
    today: int = 0
    rate: int | None = None
    tokens: Tokens = Tokens()
    requests: int = 0
    estimated: bool = False
    unpriced: bool = False
    simulated: bool = False


def money(agents: Iterator[Agent] | tuple[Agent, ...], *, now: float, day: str) -> Money:
    """Returns the roll-up of these agents; the rate of a node is the sum of its agents' rates."""
    pico = day_pico = requests = 0
    rate: int | None = None
    tokens = Tokens()
    estimated = unpriced = simulated = False
    for spend in (a.spend for a in agents):
        if not spend.requests and not spend.since:
            continue
        pico += spend.pico
        day_pico += spend.day_pico if spend.day == day else 0
        requests += spend.requests
        tokens = tokens + spend.tokens
        own = spend.rate(now)
        rate = rate if own is None else (rate or 0) + own
        estimated |= spend.estimated
        unpriced |= spend.unpriced
        simulated |= spend.simulated
    return Money(micros(pico), micros(day_pico), rate, tokens, requests, estimated, unpriced, simulated)
