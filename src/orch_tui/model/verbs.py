"""Every verb as a value with the type of its answer.

A key makes one, the command line makes one, it crosses the socket and stands in the journal as who asked for what.
Scopes: `stream` and `agent` name one thing; both empty means the whole mission.
"""

from __future__ import annotations

from typing import Any, ClassVar, Generic, TypeVar, get_args

from msgspec import Struct

from orch_tui.model.diff import FileChange
from orch_tui.model.ids import AgentId, BatchId, Oid

R = TypeVar("R")


class Verb(Struct, Generic[R], frozen=True):
    """Something that a person asks of a mission; `R` is what is answered."""

    reads: ClassVar[bool] = False
    """A reading verb changes nothing and is answered without a journal record."""

    dangerous: ClassVar[bool] = False
    """A dangerous verb is previewed and agreed to before it is done."""


# Answers


class Outcome(Struct, frozen=True):
    """What was done, in a sentence, and line by line where there is more to say."""

    message: str
    lines: tuple[str, ...] = ()


class Waiting(Struct, frozen=True):
    """Something that was asked for and waits, with its reason."""

    agent: AgentId
    why: str


class Launched(Struct, frozen=True):
    """Which agents are being started and which wait."""

    started: tuple[AgentId, ...]
    waiting: tuple[Waiting, ...] = ()


class Landing(Struct, frozen=True):
    """A batch that landed: its tag marks the target before it, `commit` is the landing commit."""

    batch: BatchId
    stream: str
    tag: str
    commit: Oid
    agents: tuple[AgentId, ...]
    behind: tuple[str, ...] = ()


class RolledBack(Struct, frozen=True):
    """A batch that is off the target again: `how` is reset or revert, `commit` is where the target is now."""

    batch: BatchId
    how: str
    commit: Oid
    behind: tuple[str, ...] = ()


class Page(Struct, frozen=True):
    """A stretch of a file as text, made harmless: [offset, next) of `size` bytes."""

    text: str
    offset: int
    next: int
    size: int


class DiffFile(Struct, frozen=True):
    """A diff that lies ready in a file: `path` holds the patch from base to head, `size` bytes."""

    path: str
    size: int
    base: Oid
    head: Oid
    files: tuple[FileChange, ...]


class EngineInfo(Struct, frozen=True):
    """The engine's process as it sees itself."""

    pid: int
    since: float
    socket: str
    clients: int
    version: str = ""


# Verbs that change the mission


class LoadPlan(Verb[Outcome], frozen=True, tag="load_plan"):
    """Reads `tasks.md`, `orch.toml` and the blueprints again."""


class Launch(Verb[Launched], frozen=True, tag="launch"):
    """Starts agents that are planned, stopped, failed, lost or ended."""

    stream: str = ""
    agent: str = ""


class Stop(Verb[Outcome], frozen=True, tag="stop"):
    """Stops agents: interrupt, terminate, kill; branches, worktrees and notes stay."""

    dangerous: ClassVar[bool] = True

    stream: str = ""
    agent: str = ""
    reason: str = ""


class Restart(Verb[Launched], frozen=True, tag="restart"):
    """Stops the agent where it runs and starts it again in its worktree."""

    agent: str


class Say(Verb[Outcome], frozen=True, tag="message"):
    """Puts a message into the agent's inbox; an agent without a process is started with it."""

    agent: str
    text: str


class Review(Verb[Outcome], frozen=True, tag="review"):
    """Judges the newest commits of an agent or of a stream's agents: approve, changes or reject."""

    verdict: str
    stream: str = ""
    agent: str = ""
    note: str = ""
    expect: str = ""
    """The commit that the operator looked at; refused when the agent's branch is elsewhere by now."""


class Merge(Verb[Landing], frozen=True, tag="merge"):
    """Lands a stream: folds its approved branches, gates that tree, moves the target once."""

    dangerous: ClassVar[bool] = True

    stream: str


class Rollback(Verb[RolledBack], frozen=True, tag="rollback"):
    """Takes a batch off the target again; empty: the newest."""

    dangerous: ClassVar[bool] = True

    batch: str = ""


class StopEngine(Verb[Outcome], frozen=True, tag="stop_engine"):
    """Ends the engine; agents go on and the next engine finds them."""


# Verbs that read


class ReadPage(Verb[Page], frozen=True, tag="read_page"):
    """Reads a page of an agent's file: notes, output, errors, task or blueprint; a negative offset counts from the end.

    With `wait_s` the answer comes when there is something after `offset`, or empty after that many seconds.
    """

    reads: ClassVar[bool] = True

    agent: str
    file: str
    offset: int = 0
    size: int = 65536
    wait_s: float = 0.0


class ReadDiff(Verb[DiffFile], frozen=True, tag="read_diff"):
    """Makes the diff of an agent against its base, or of a stream's fold against the target."""

    reads: ClassVar[bool] = True

    agent: str = ""
    stream: str = ""


class AskEngine(Verb[EngineInfo], frozen=True, tag="ask_engine"):
    """Asks the engine who it is."""

    reads: ClassVar[bool] = True


AnyVerb = (
    LoadPlan | Launch | Stop | Restart | Say | Review | Merge | Rollback | StopEngine | ReadPage | ReadDiff | AskEngine
)

VERBS: tuple[type[Verb[Any]], ...] = get_args(AnyVerb)


def answer_type(verb: type[Verb[R]]) -> type[R]:
    """Returns the type that this verb is answered with."""
    base = verb.__orig_bases__[0]  # type: ignore[attr-defined]
    return get_args(base)[0]  # type: ignore[no-any-return]


def tag_of(verb: Verb[Any]) -> str:
    """Returns the verb's name on the wire."""
    return str(verb.__struct_config__.tag)
