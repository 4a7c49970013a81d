"""What an agent's process is told and what is known about it, as values.

Backends make a `Launch`, the core makes an `Order` of it, a runner answers with a `Placement` and
then with `RunEvent`s. Only the shapes live here; nothing in this module starts or looks at anything.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Literal

import msgspec

from orch_tui.model.ids import AgentId, RunNonce, StreamKey

LOG_LIMIT = 268_435_456
"""Bytes that an agent may write to its output before it is stopped: 256 MiB."""

PlacementState = Literal["starting", "running", "ended", "lost"]
RunEventKind = Literal["started", "exit", "lost"]
GateStatus = Literal["passed", "failed", "error", "timeout"]


class Launch(msgspec.Struct, frozen=True):
    """What a backend wants to be run; items of `argv` and `env` may hold placeholders such as `{worktree}`.

    `stdin` is `none` (the null device) or `fifo` (lines can be sent while the agent runs).
    """

    argv: tuple[str, ...]
    env: dict[str, str] = {}
    stdin: str = "none"


class AgentTask(msgspec.Struct, frozen=True):
    """What a backend may know about the agent that it is to start."""

    agent: AgentId
    stream: StreamKey
    branch: str
    title: str
    prompt: str
    model: str = ""
    attempt: int = 1


class Activity(msgspec.Struct, frozen=True):
    """One thing that a backend read out of an agent's output; shown to people, never trusted.

    `kind` is `say`, `tool`, `turn`, `waiting` or `error`.
    """

    kind: str
    text: str = ""


class StopStep(msgspec.Struct, frozen=True):
    """One rung of the stop ladder: a signal for the agent's process, and how long it has to end."""

    signal: str
    wait_s: float


DEFAULT_LADDER = (StopStep("SIGINT", 3.0), StopStep("SIGTERM", 5.0))


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that a runner needs to start one attempt of one agent.

    `meter` is the base URL with the agent's token: runners keep it out of every file that they write.
    """

    mission: str
    agent: AgentId
    run: RunNonce
    attempt: int
    branch: str
    base: str
    worktree: str
    run_dir: str
    repository: str
    task_file: str
    notes_file: str
    argv: tuple[str, ...]
    env: dict[str, str] = {}
    stdin: str = "none"
    ladder: tuple[StopStep, ...] = DEFAULT_LADDER
    log_limit: int = LOG_LIMIT
    wall_s: float | None = None
    stream: str = ""
    prompt: str = ""
    meter: str = ""


class Caps(msgspec.Struct, frozen=True):
    """What a runner can do, asked once when it is opened."""

    remote: bool = False
    outlives_engine: bool = True
    restarts: bool = False
    exact_ends: bool = True


class Placement(msgspec.Struct, frozen=True):
    """Where one attempt stands; for an ended one also how it ended.

    `reason` is empty when the agent ended by itself; otherwise a word (`operator`, `log_limit`,
    `wall_time`, `exec`, …), with a sentence after a colon where there is one.
    """

    agent: AgentId
    run: RunNonce
    state: PlacementState
    pid: int = 0
    started: float = 0.0
    agentd_pid: int = 0
    reason: str = ""
    ended: float = 0.0
    rc: int | None = None
    signal: int = 0


class RunEvent(msgspec.Struct, frozen=True):
    """Something that happened to an agent's process; `reason` as in `Placement`."""

    agent: AgentId
    run: RunNonce
    kind: RunEventKind
    at: float
    pid: int = 0
    rc: int | None = None
    signal: int = 0
    reason: str = ""


class CommandResult(msgspec.Struct, frozen=True):
    """How a gate's command ended: exit status (none if it could not start), capped output, time."""

    rc: int | None
    output: str
    seconds: float
    timed_out: bool = False


class GateContext(msgspec.Struct, frozen=True):
    """What a gate may look at: a checkout of one exact tree, and a way to run commands in it."""

    worktree: str
    base: str
    tree: str
    run: Callable[[Sequence[str], float], Awaitable[CommandResult]]


class GateResult(msgspec.Struct, frozen=True):
    """A gate's verdict on one tree: a word, one sentence, how long it took, the end of its output."""

    status: GateStatus
    summary: str
    seconds: float
    log: str = ""
