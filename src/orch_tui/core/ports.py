"""What the core needs from outside, as Protocols; the hosts, adapters and plug-ins implement them.

`MissionVerbs` is the interface that the faces hold: console, command line and tests cannot tell whether the mission
runs in this process or behind a socket.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Sequence
from pathlib import Path
from typing import Any, ClassVar, Protocol, TypeVar

from msgspec import Struct

from orch_tui.model.blueprint import Blueprint
from orch_tui.model.diff import FileChange
from orch_tui.model.facts import Record
from orch_tui.model.fleet import Fleet
from orch_tui.model.ids import Oid
from orch_tui.model.landing import CommitStamp, Fold, FoldMember, WorktreeState
from orch_tui.model.preview import Preview
from orch_tui.model.running import (
    AgentTask,
    GateContext,
    GateResult,
    Launch,
    Order,
    Placement,
    RunEvent,
    StopStep,
)
from orch_tui.model.settings import Settings
from orch_tui.model.signals import Claim
from orch_tui.model.tasks import Epic, Problem
from orch_tui.model.usage import LedgerRow
from orch_tui.model.verbs import Page, Verb

R = TypeVar("R")


class MissionVerbs(Protocol):
    """A mission, wherever it runs."""

    @property
    def fleet(self) -> Fleet:
        """Returns the newest value; reading it costs nothing."""

    def follow(self) -> AsyncIterator[Sequence[Record]]:
        """Yields batches of facts, each after `fleet` has taken them in; ends when the mission is closed.

        An empty batch means that facts were left out or that the connection changed: look at `fleet`.
        """

    async def preview(self, verb: Verb[Any]) -> Preview:
        """Returns what the verb would do; changes nothing."""

    async def do(self, verb: Verb[R], *, agreed: str = "", actor: str = "operator") -> R:
        """Does the verb. `agreed` is the digest of the preview that the person saw.

        Raises:
            Refused: the mission's state forbids it, or the preview no longer holds.
        """


class Clock(Protocol):
    """Real or virtual time."""

    def now(self) -> float:
        """Returns epoch seconds, UTC."""

    async def sleep(self, seconds: float) -> None:
        """Returns after that much of this clock's time."""


class Journal(Protocol):
    """The records on disk; the engine alone appends."""

    async def load(self) -> Sequence[Record]:
        """Returns every record, oldest first, after the chain was verified."""

    async def append(self, records: Sequence[Record]) -> None:
        """Commits these records durably in one transaction.

        Raises:
            StorageError: the disk refused; then nothing happened.
        """

    async def close(self) -> None:
        """Lets go of the file."""


class Git(Protocol):
    """The operator's repository, through the private git directory; every change under the git lock."""

    @property
    def root(self) -> Path:
        """Returns the top of the repository's main work tree."""

    async def resolve(self, ref: str) -> Oid:
        """Returns the commit that a full ref name or an object name stands for; "" if there is none."""

    async def tracked(self, oid: Oid, names: Sequence[str]) -> tuple[str, ...]:
        """Returns which of these top-level names that commit tracks."""

    async def add_worktree(self, path: Path, branch: str, base: Oid) -> None:
        """Makes a worktree on a branch from base; again is the same as once."""

    async def worktree_state(self, path: Path, base: Oid) -> WorktreeState:
        """Looks at a worktree: newest commit, cleanliness, size against the base."""

    async def changes(self, base: Oid, head: Oid) -> tuple[FileChange, ...]:
        """Returns the files that differ."""

    async def write_patch(self, base: Oid, head: Oid, into: Path) -> int:
        """Writes the patch to a file by rename; returns its size in bytes."""

    async def merge_base(self, a: Oid, b: Oid) -> Oid:
        """Returns the best common ancestor; "" if there is none."""

    async def is_ancestor(self, a: Oid, b: Oid) -> bool:
        """Says whether b contains a."""

    async def fold(self, base: Oid, members: Sequence[FoldMember], stamp: CommitStamp) -> Fold:
        """Merges the members one after the other in memory; same inputs, same object names."""

    async def commit_landing(self, base: Oid, tip: Oid, message: str, stamp: CommitStamp) -> Oid:
        """Makes the landing commit: parents (base, tip), the tip's tree."""

    async def conserved(self, base: Oid, members: Sequence[FoldMember], tip: Oid) -> str:
        """Returns "" or which path of which member is not in the tip as that member alone left it."""

    async def pin(self, ref: str, oid: Oid) -> None:
        """Keeps an object under a ref of ours."""

    async def tag(self, name: str, oid: Oid, message: str, stamp: CommitStamp) -> None:
        """Makes an annotated tag; one that is there already must point to the same commit."""

    async def move(self, ref: str, new: Oid, old: Oid, why: str) -> bool:
        """Moves one ref by compare-and-swap; False when it was elsewhere."""

    async def checkouts_of(self, ref: str) -> tuple[Path, ...]:
        """Returns the work trees that have this branch checked out."""

    async def can_follow(self, checkout: Path, old: Oid, new: Oid) -> tuple[str, ...]:
        """Returns the paths of a checkout that stand in the way of a move."""

    async def sync(self, checkout: Path, old: Oid, new: Oid) -> tuple[str, ...]:
        """Lets a checkout follow; returns the paths that could not."""

    async def pushed(self, oid: Oid) -> bool:
        """Says whether any remote-tracking ref has the commit."""

    async def revert(self, base: Oid, new: Oid, tip: Oid, message: str, stamp: CommitStamp) -> Fold:
        """Makes the commit on tip that takes base..new back."""

    async def restore(self, revert: Oid, message: str, stamp: CommitStamp) -> Oid:
        """Makes the commit that brings back what a revert took: its parent is the revert, its tree the one before."""

    async def close(self) -> None:
        """Ends the workers."""


class Runner(Protocol):
    """Where and how a process runs; knows no backend, no fleet, no facts. Called by the engine alone."""

    name: str

    async def launch(self, order: Order) -> Placement:
        """Starts the agent's process under its supervisor; twice for one nonce is once."""

    async def adopt(self) -> Sequence[Placement]:
        """Returns every run of this mission: those that live, and those that ended."""

    def events(self) -> AsyncIterator[Sequence[RunEvent]]:
        """Yields what happens to processes; ends when the runner is closed."""

    async def stop(self, agent: str, reason: str) -> None:
        """Walks the stop ladder on the agent's process and all its descendants."""

    async def sweep(self, nonce: str) -> int:
        """Kills whatever still carries this nonce; returns how many that were."""

    async def close(self) -> None:
        """Lets go; never stops an agent."""


class Backend(Protocol):
    """How a kind of agent is started; does no IO."""

    name: ClassVar[str]
    Options: ClassVar[type[Struct]]
    ladder: ClassVar[tuple[StopStep, ...]]

    def launch(self, task: AgentTask, options: Any) -> Launch:
        """Returns what to run for this task."""


class Gate(Protocol):
    """A check on one exact tree; does what it does in the worktree that it is given."""

    name: ClassVar[str]
    Options: ClassVar[type[Struct]]

    async def run(self, context: GateContext, options: Any) -> GateResult:
        """Judges the tree; what goes wrong is a result, not an exception."""


class GateRoom(Protocol):
    """Runs a gate in a worktree of exactly one tree."""

    async def run(self, gate: str, commit: Oid, base: Oid) -> GateResult:
        """Returns the gate's result; a gate that raises is an error result."""


class Meter(Protocol):
    """The process that counts money."""

    async def ensure(self) -> Any:
        """Finds or starts the meter; returns its url, ledger_id and whether it is simulated."""

    async def grant(self, run: str, agent: str, stream: str, task: str) -> str:
        """Returns the base URL, with its token, that this run sends model requests to."""

    async def revoke(self, run: str) -> None:
        """Ends the run's token."""

    def follow(self, after: int) -> AsyncIterator[Sequence[LedgerRow]]:
        """Yields ledger rows after a number, as they are committed; survives the meter's restarts."""

    async def stop(self) -> None:
        """Ends the meter's process."""

    async def close(self) -> None:
        """Lets go of the meter; it goes on."""


class AgentFiles(Protocol):
    """The files of one worktree through which engine and agent talk."""

    @property
    def notes_path(self) -> Path:
        """Returns where the agent's notes are."""

    @property
    def task_path(self) -> Path:
        """Returns where the task slice is."""

    @property
    def status_path(self) -> Path:
        """Returns where the agent's claim is."""

    def prepare(self, task: str, blueprint: str) -> None:
        """Writes the task and the blueprint, and what else an agent needs to report."""

    def read_claim(self, run: str = "") -> Claim | None:
        """Returns the newest whole claim, of one run if it is named; None if there is none."""

    def put_message(self, number: int, id: int, text: str) -> Path:  # noqa: A002  the field's name on disk
        """Puts a message into the inbox."""

    def messages(self) -> Sequence[str]:
        """Returns the texts in the inbox, oldest first."""

    @property
    def newest_message(self) -> int:
        """Returns the highest number in the inbox; 0 for an empty one."""

    def archive(self, into: Path) -> None:
        """Copies notes, claim and task."""


class Desk(Protocol):
    """Files of agents and runs: makes the per-worktree objects, reads pages without trusting what it opens."""

    def agent_files(self, worktree: Path, tracked: Iterable[str]) -> AgentFiles:
        """Returns the files of one worktree."""

    def exists(self, path: Path) -> bool:
        """Says whether the path is there."""

    def size(self, path: Path) -> int:
        """Returns the size of a regular file that is not a link; 0 otherwise."""

    def page(self, path: Path, offset: int, size: int, root: Path | None = None) -> Page:
        """Returns a page of a file as harmless text; no link below `root` is followed."""

    async def archive(self, files: AgentFiles, into: Path) -> None:
        """Copies what an agent leaves behind, off the event loop."""

    async def cpu_seconds(self, pids: Sequence[int]) -> Sequence[float]:
        """Returns the CPU time of each process with its descendants; 0 for one that is gone."""


class Watcher(Protocol):
    """One watch over a set of narrow directories."""

    def add(self, directory: Path) -> None:
        """Watches one more directory, not what is below it."""

    def discard(self, directory: Path) -> None:
        """Watches one directory less."""

    def follow(self, path: Path) -> None:
        """Makes changes of one file lossless, also where the system drops events."""

    def unfollow(self, path: Path) -> None:
        """Undoes `follow`."""

    def changes(self) -> AsyncIterator[frozenset[Path]]:
        """Yields sets of paths that changed."""


class PlanSource(Protocol):
    """The operator's files: plan, blueprints, settings; rewritten never, one box ticked at a time."""

    def load(self) -> tuple[Epic, Settings, Sequence[Problem]]:
        """Reads plan and settings."""

    def blueprint(self, domain: str, compliance: Sequence[str]) -> Blueprint:
        """Returns the composed blueprint of a domain."""

    def tick(self, line: int, title: str) -> None:
        """Ticks the box of a task."""
