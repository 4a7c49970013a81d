"""The closed sets of states of agents, streams and batches.

This module alone says which states exist and what they have in common. `model.evidence` decides an
agent's state, `model.reduce` the others.
"""

from __future__ import annotations

import enum


class AgentState(enum.StrEnum):
    """Where an agent stands, as decided by the engine from all that it can see."""

    PLANNED = "planned"
    """It is in the plan and was never launched."""

    QUEUED = "queued"
    """It was launched and waits for a free place."""

    STARTING = "starting"
    """Its process lives and has given no sign of life yet."""

    WORKING = "working"
    """Its process lives and gives signs of life."""

    QUIET = "quiet"
    """Its process lives; the last sign of life is some minutes old."""

    STALLED = "stalled"
    """Its process lives; the last sign of life is so old that somebody should look."""

    BLOCKED = "blocked"
    """It asked something and cannot go on without an answer."""

    HELD = "held"
    """The meter holds its requests: a pause or an empty budget."""

    REVIEW = "review"
    """It reports done, its branch stands at the reported commit and its tree is clean."""

    DIRTY = "done_dirty"
    """It reports done, but the branch or the tree says otherwise."""

    APPROVED = "approved"
    """The operator approved exactly the commit that its branch stands at."""

    CHANGES = "changes"
    """The operator asked for changes and it is not yet back at work."""

    REJECTED = "rejected"
    """The operator rejected the commit that its branch stands at."""

    LANDED = "landed"
    """Its work is on the target branch."""

    FAILED = "failed"
    """It reports that it failed, or its process ended with an error."""

    ENDED = "ended"
    """Its process ended well and without a report."""

    LOST = "lost"
    """Its process is gone and left no record of its end."""

    STOPPED = "stopped"
    """The operator stopped it; it can be resumed."""


ACTIVE = frozenset(
    {
        AgentState.STARTING,
        AgentState.WORKING,
        AgentState.QUIET,
        AgentState.STALLED,
        AgentState.BLOCKED,
        AgentState.HELD,
    }
)
"""A process is alive, or should be."""


class StreamState(enum.StrEnum):
    """Where a stream stands, rolled up from its agents and its batch."""

    PLANNED = "planned"
    """None of its agents was launched."""

    RUNNING = "running"
    """Some of its agents have work left."""

    REVIEW = "review"
    """Work of it waits for a verdict."""

    READY = "ready"
    """All of its work is approved and may land."""

    LANDED = "landed"
    """All of its work is on the target branch."""

    BLOCKED = "blocked"
    """It cannot go on without the operator."""

    ROLLED_BACK = "rolled_back"
    """Its landing was undone."""


class BatchState(enum.StrEnum):
    """Where a batch stands; an intent is recorded before its effect, so that a crash between them can be settled."""

    PLANNED = "planned"
    """It was assembled; nothing outside the journal names it yet."""

    LAND_INTENT = "land_intent"
    """The target is about to move to its landing commit."""

    LANDED = "landed"
    """The target contains its landing commit."""

    ROLLBACK_INTENT = "rollback_intent"
    """Its landing is about to be undone."""

    ROLLED_BACK = "rolled_back"
    """Its landing was undone."""

    ABANDONED = "abandoned"
    """It was given up before it landed."""

    NEEDS_OPERATOR = "needs_operator"
    """What git shows fits neither the state before nor the state after; a person decides."""
