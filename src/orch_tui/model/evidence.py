"""What state an agent is in: a pure function of its process, its claim, its backend, git and the clock.

An agent claims, this module decides; nothing else does. It never raises, whatever it is given, and
reads no clock: the engine passes `now` and records the outcome as a fact.
"""

from __future__ import annotations

import math
from typing import Literal

import msgspec

from orch_tui.model.ids import Oid
from orch_tui.model.plain import one_line
from orch_tui.model.signals import Claim
from orch_tui.model.states import AgentState

REASON_LENGTH = 240


class Observation(msgspec.Struct, frozen=True, kw_only=True):
    """All that can be seen of one agent at one moment."""

    process: Literal["none", "queued", "alive", "gone"] = "none"
    exit_rc: int | None = None
    """The status that its process ended with; nothing where it lives, or nobody saw it end."""

    exit_signal: int = 0
    """The signal that ended its process; 0 for none."""

    exit_reason: str = ""
    """Why its supervisor ended it or could not start it; empty where it ended by itself."""

    stopped_by_operator: bool = False
    lost: bool = False
    """Its process is gone and left no record of its end."""

    claim: Claim | None = None
    """Its newest claim that carries the nonce of the current launch."""

    head: Oid = Oid("")
    clean: bool = True
    ours: tuple[str, ...] = ()
    """Files of the protocol that its branch contains and the target does not: they must not land."""

    empty: bool = False
    """Its branch has no commit of its own."""

    uncommitted: int = 0
    """Files that are not committed, where they were counted."""

    open_turn: bool = False
    """Its backend says that it is in the middle of an answer, or has a task in the background."""

    question: str = ""
    """What it asked through its backend and nobody answered."""

    held: str = ""
    """Why the meter holds its requests, or ended it."""

    last_sign: float = 0.0
    started: float = 0.0
    has_sign: bool = False
    verdict: Literal["", "approved", "changes", "rejected"] = ""
    """The operator's newest verdict; empty again once a launch has taken requested changes to the agent."""

    verdict_oid: Oid = Oid("")
    landed: bool = False


class Thresholds(msgspec.Struct, frozen=True):
    """After how many seconds without a sign of life an agent is quiet, and stalled."""

    quiet_s: float = 180.0
    stalled_s: float = 900.0


class Judgement(msgspec.Struct, frozen=True):
    """A state, and why, in words for the operator."""

    state: AgentState
    reason: str = ""


def judge(o: Observation, now: float, t: Thresholds) -> Judgement:
    """Returns the state that the observation proves at `now`."""
    if o.landed:
        return Judgement(AgentState.LANDED, "on the target branch")
    return _by_verdict(o, _by_process(o, now, t))


# Where an agent stands still, so that requested changes have not reached it yet.
_IDLE = frozenset({AgentState.REVIEW, AgentState.DIRTY, AgentState.ENDED, AgentState.PLANNED})


def _by_verdict(o: Observation, seen: Judgement) -> Judgement:
    if not o.verdict or not o.head or o.head != o.verdict_oid:
        return seen
    at = o.head[:8]
    if o.verdict == "approved":
        return Judgement(AgentState.APPROVED, f"approved at {at}")
    if o.verdict == "rejected":
        return Judgement(AgentState.REJECTED, f"rejected at {at}")
    if o.verdict == "changes" and seen.state in _IDLE:
        return Judgement(AgentState.CHANGES, f"changes requested at {at}, not yet back at work")
    return seen


def _by_process(o: Observation, now: float, t: Thresholds) -> Judgement:
    match o.process:
        case "queued":
            return Judgement(AgentState.QUEUED, "waits for a free place")
        case "alive":
            return _alive(o, now, t)
        case "gone":
            return _gone(o)
        case _:
            return Judgement(AgentState.PLANNED)


def _alive(o: Observation, now: float, t: Thresholds) -> Judgement:
    if (blocked := _blocked(o)) is not None:
        return blocked
    if o.held:
        return _said(AgentState.HELD, "held", o.held)
    if o.claim is not None and not o.open_turn:
        if o.claim.state == "done":
            return _done(o, o.claim)
        if o.claim.state == "failed":
            return _said(AgentState.FAILED, "reports failure", o.claim.summary)
    return _silent(o, now, t) or _at_work(o)


def _blocked(o: Observation) -> Judgement | None:
    if o.question:
        return _said(AgentState.BLOCKED, "blocked: asks", o.question, joined=" ")
    if o.claim is not None and o.claim.state == "blocked":
        return _said(AgentState.BLOCKED, "blocked", o.claim.summary)
    return None


def _silent(o: Observation, now: float, t: Thresholds) -> Judgement | None:
    """Judges the time without a sign of life; a turn that is open explains any silence."""
    if o.open_turn:
        return None
    silence = now - (o.last_sign if o.has_sign else o.started)
    what = "quiet" if o.has_sign else "no sign of life since its start"
    if silence >= t.stalled_s:
        return Judgement(AgentState.STALLED, f"{what} for {_span(silence)}")
    if silence >= t.quiet_s:
        return Judgement(AgentState.QUIET, f"{what} for {_span(silence)}")
    return None


def _at_work(o: Observation) -> Judgement:
    if not o.has_sign and not o.open_turn:
        return Judgement(AgentState.STARTING, "no sign of life yet")
    summary = o.claim.summary if o.claim is not None else ""
    return Judgement(AgentState.WORKING, one_line(summary, limit=REASON_LENGTH))


def _gone(o: Observation) -> Judgement:
    """Asks who ended the process before it asks how: an interrupted one may exit with 0, a refused one with 1."""
    if o.lost or (o.exit_rc is None and not o.exit_signal and not o.stopped_by_operator):
        return Judgement(AgentState.LOST, "its process is gone and left no record of its end")
    if o.held:
        return _said(AgentState.HELD, "ended by the meter, can be resumed", o.held)
    if o.stopped_by_operator:
        return Judgement(AgentState.STOPPED, "stopped by the operator, can be resumed")
    if o.claim is not None and o.claim.state == "failed":
        return _said(AgentState.FAILED, "reports failure", o.claim.summary)
    return _blocked(o) or _ended(o)


_SUPERVISED = {
    "exec": "could not be started",
    "placeholder": "could not be started",
    "place": "could not be started",
    "ladder": "could not be started",
    "log_limit": "stopped: it printed more than its output may hold",
    "wall_time": "stopped: its time was over",
}
"""The supervisor's words for what it did, and ours for the operator."""


def _supervised(o: Observation) -> Judgement | None:
    word, _, said = o.exit_reason.partition(":")
    known = _SUPERVISED.get(word.strip())
    return _said(AgentState.FAILED, known, said.strip()) if known else None


def _ended(o: Observation) -> Judgement:
    if (supervised := _supervised(o)) is not None:
        return supervised
    done = o.claim is not None and o.claim.state == "done"
    report = "after it reported done" if done else "without a report"
    if o.exit_signal:
        return Judgement(AgentState.FAILED, f"ended by signal {o.exit_signal} {report}")
    if o.exit_rc:
        return Judgement(AgentState.FAILED, f"exited with status {o.exit_rc} {report}")
    if o.claim is not None and done:
        return _done(o, o.claim)
    return Judgement(AgentState.ENDED, "exited with status 0 without a report")


def _done(o: Observation, claim: Claim) -> Judgement:
    """Believes `done` only where git agrees: the branch at the claimed commit and nothing uncommitted."""
    if not o.clean:
        return Judgement(AgentState.DIRTY, f"done, but {_files(o.uncommitted)}")
    if not claim.commit:
        return Judgement(AgentState.DIRTY, "done, but its report names no commit")
    if claim.commit != o.head:
        where = f"at {o.head[:8]}" if o.head else "without a commit"
        return Judgement(AgentState.DIRTY, f"done at {claim.commit[:8]}, but its branch is {where}")
    if o.ours:
        return Judgement(AgentState.DIRTY, f"done, but its branch contains {', '.join(o.ours)}: `git rm --cached` them")
    if o.empty:
        return Judgement(AgentState.DIRTY, "done, but it has no commit: ask for changes, or reject it")
    return _said(AgentState.REVIEW, "done", claim.summary)


def _files(count: int) -> str:
    if count <= 0:
        return "its worktree has uncommitted changes"
    return "1 file is not committed" if count == 1 else f"{count} files are not committed"


def _said(state: AgentState, what: str, words: str, *, joined: str = ": ") -> Judgement:
    """Joins our word and the agent's; its own are cut and cannot act on a terminal."""
    shown = one_line(words, limit=REASON_LENGTH)
    return Judgement(state, f"{what}{joined}{shown}" if shown else what)


def _span(seconds: float) -> str:
    if not math.isfinite(seconds):
        return "an unknown time"
    minutes = int(seconds // 60)
    if minutes < 1:
        return f"{int(seconds)} s"
    if minutes < 60:
        return f"{minutes} min"
    return f"{minutes // 60} h {minutes % 60} min"
