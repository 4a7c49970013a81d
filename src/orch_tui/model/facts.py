"""Every fact: what happened, in the past tense, with ids and numbers; the only vocabulary of change.

No bulk text and no secret stands in a fact: notes, output and diffs stay in files, a fact says how far they reach.
"""

from __future__ import annotations

from msgspec import Struct

from orch_tui.model.fleet import Member, Stream
from orch_tui.model.ids import AgentId, BatchId, Oid, StreamKey
from orch_tui.model.states import AgentState
from orch_tui.model.usage import Tokens


class MissionOpened(Struct, frozen=True, tag="mission.opened"):
    """The mission's settings as the engine uses them from here on."""

    name: str
    repository: str
    target: str
    max_running: int
    limit: int | None
    alert: float
    budget_source: str
    metered: bool = True


class EngineStarted(Struct, frozen=True, tag="engine.started"):
    """An engine took the mission."""

    pid: int
    version: str
    recovered: int = 0


class EngineStopped(Struct, frozen=True, tag="engine.stopped"):
    """The engine let go of the mission in good order."""

    reason: str


class PlanLoaded(Struct, frozen=True, tag="plan.loaded"):
    """The plan was read: streams with tasks and agents; agents that exist keep their past."""

    epic: str
    size: str
    streams: tuple[Stream, ...]


class TaskTicked(Struct, frozen=True, tag="task.ticked"):
    """The box of a task was ticked in `tasks.md`."""

    stream: StreamKey
    task: int


class AgentsQueued(Struct, frozen=True, tag="agents.queued"):
    """The operator ordered these agents to start; each waits for a slot."""

    agents: tuple[AgentId, ...]
    reason: str = ""


class AgentPrepared(Struct, frozen=True, tag="agent.prepared"):
    """The agent has its branch and worktree."""

    agent: AgentId
    branch: str
    base: Oid
    worktree: str


class LaunchIntended(Struct, frozen=True, tag="agent.launch_intended"):
    """A process is about to be started under this nonce."""

    agent: AgentId
    run: str
    attempt: int
    backend: str


class AgentStarted(Struct, frozen=True, tag="agent.started"):
    """The agent's process runs."""

    agent: AgentId
    run: str
    pid: int
    started: float


class AgentExited(Struct, frozen=True, tag="agent.exited"):
    """The agent's process is gone; rc None: nobody saw how."""

    agent: AgentId
    run: str
    rc: int | None
    signal: int
    reason: str


class AgentJudged(Struct, frozen=True, tag="agent.judged"):
    """The agent's state changed, and why.

    With `was` it counts only for an agent in that state: what was judged before an order says nothing after it.
    """

    agent: AgentId
    state: AgentState
    reason: str
    was: str = ""


class ClaimSeen(Struct, frozen=True, tag="agent.claimed"):
    """The agent said something about its state."""

    agent: AgentId
    run: str
    state: str
    summary: str
    commit: Oid


class NotesGrew(Struct, frozen=True, tag="agent.notes_grew"):
    """The agent's notes reach this many bytes."""

    agent: AgentId
    to: int


class BranchMoved(Struct, frozen=True, tag="agent.branch_moved"):
    """The agent's branch or worktree changed: newest commit, cleanliness, size against the base."""

    agent: AgentId
    head: Oid
    clean: bool
    ahead: int
    files: int
    added: int
    removed: int


class StopOrdered(Struct, frozen=True, tag="agent.stop_ordered"):
    """The operator ordered this agent to stop."""

    agent: AgentId
    reason: str


class MessageSent(Struct, frozen=True, tag="agent.message_sent"):
    """Something was put into the agent's inbox; `head` is its first line, cut."""

    agent: AgentId
    id: int
    kind: str
    head: str


class MessageDelivered(Struct, frozen=True, tag="agent.message_delivered"):
    """A message reached the agent: its program took it, or a new run began with it."""

    agent: AgentId
    id: int


class VerdictGiven(Struct, frozen=True, tag="agent.verdict_given"):
    """The operator judged one exact commit of the agent: approved, changes or rejected."""

    agent: AgentId
    verdict: str
    oid: Oid
    note: str = ""


class SpendSettled(Struct, frozen=True, tag="spend.settled"):
    """Ledger rows up to `upto` were read: what they cost in 10^-12 USD, for one agent and model."""

    agent: AgentId
    upto: int
    model: str
    day: str
    pico: int
    tokens: Tokens
    requests: int
    estimated: bool = False
    priced: bool = True
    simulated: bool = False


class LedgerOpened(Struct, frozen=True, tag="spend.ledger_opened"):
    """The ledger of this id is read from its start; a replaced file is a new ledger."""

    ledger: str
    simulated: bool


class DayBegan(Struct, frozen=True, tag="spend.day_began"):
    """A new budget day began."""

    day: str


class BudgetAlerted(Struct, frozen=True, tag="budget.alerted"):
    """The day's spend passed the alert share of the limit; once a day."""

    day: str
    spent: int
    limit: int


class ConflictFound(Struct, frozen=True, tag="stream.conflict_found"):
    """The stream's branches do not fold."""

    stream: StreamKey
    agent: AgentId
    other: str
    files: tuple[str, ...]
    branch: str
    other_branch: str


class LandingIntended(Struct, frozen=True, tag="batch.landing_intended"):
    """The target is about to move from base to new."""

    batch: BatchId
    stream: StreamKey
    base: Oid
    new: Oid
    tree: Oid
    tag: str
    members: tuple[Member, ...]


class BatchLanded(Struct, frozen=True, tag="batch.landed"):
    """The target moved: the batch is on it."""

    batch: BatchId


class LandingAbandoned(Struct, frozen=True, tag="batch.landing_abandoned"):
    """The target did not move; the stream is as before."""

    batch: BatchId
    reason: str


class RollbackIntended(Struct, frozen=True, tag="batch.rollback_intended"):
    """The target is about to move off the batch, by reset or revert."""

    batch: BatchId
    how: str
    old: Oid
    new: Oid


class BatchRolledBack(Struct, frozen=True, tag="batch.rolled_back"):
    """The batch is off the target."""

    batch: BatchId


class RollbackAbandoned(Struct, frozen=True, tag="batch.rollback_abandoned"):
    """The target did not move; the batch is still landed."""

    batch: BatchId
    reason: str


class CheckoutSynced(Struct, frozen=True, tag="checkout.synced"):
    """A checkout of the target followed; `behind` names the paths that could not."""

    checkout: str
    to: Oid
    behind: tuple[str, ...] = ()


class TargetMoved(Struct, frozen=True, tag="target.moved"):
    """The target branch is at another commit; foreign: not by us."""

    old: Oid
    new: Oid
    foreign: bool


class NeedsOperator(Struct, frozen=True, tag="batch.needs_operator"):
    """A batch met something that only a person may decide."""

    batch: BatchId
    reason: str


class GateFinished(Struct, frozen=True, tag="gate.finished"):
    """A gate judged one exact tree."""

    stream: StreamKey
    gate: str
    tree: Oid
    status: str
    summary: str
    seconds: float
    log: str = ""


class GateStarted(Struct, frozen=True, tag="gate.started"):
    """A gate began on one exact tree."""

    stream: StreamKey
    gate: str
    tree: Oid


class AgentHarvested(Struct, frozen=True, tag="agent.harvested"):
    """The agent's notes and claims were archived."""

    agent: AgentId
    archive: str


class VerbRefused(Struct, frozen=True, tag="verb.refused"):
    """Somebody asked for something that the mission's state forbids."""

    verb: str
    reason: str


class ProblemSeen(Struct, frozen=True, tag="problem.seen"):
    """Something went wrong around an agent or a stream; nothing was lost."""

    subject: str
    message: str


Fact = (
    MissionOpened
    | EngineStarted
    | EngineStopped
    | PlanLoaded
    | TaskTicked
    | AgentsQueued
    | AgentPrepared
    | LaunchIntended
    | AgentStarted
    | AgentExited
    | AgentJudged
    | ClaimSeen
    | NotesGrew
    | BranchMoved
    | StopOrdered
    | MessageSent
    | MessageDelivered
    | VerdictGiven
    | SpendSettled
    | LedgerOpened
    | DayBegan
    | BudgetAlerted
    | ConflictFound
    | LandingIntended
    | BatchLanded
    | LandingAbandoned
    | RollbackIntended
    | BatchRolledBack
    | RollbackAbandoned
    | CheckoutSynced
    | TargetMoved
    | NeedsOperator
    | GateStarted
    | GateFinished
    | AgentHarvested
    | VerbRefused
    | ProblemSeen
)


class Record(Struct, frozen=True):
    """One fact in the journal: its number without gaps, its time in epoch seconds (UTC), and who caused it."""

    seq: int
    at: float
    actor: str
    fact: Fact
