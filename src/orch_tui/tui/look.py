"""How each state looks: a glyph, a word and a tone; the only place that knows.

A tone names a variable of the theme. A glyph and a word go with every tone, so nothing is told by colour alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from msgspec import Struct

from orch_tui.model.states import AgentState, BatchState, StreamState

FAINT = "$faint"
MUTED = "$muted"
PLAIN = "$foreground"
STRONG = "bold $foreground"
TITLE = "bold $primary"
BUSY = "$primary"
GOOD = "$success"
WARN = "$warning"
BAD = "$error"
CALL = "$accent"
"""Something that asks for the operator without being wrong."""

KEY = "bold $accent"
"""A key to press."""

BADGE = "bold $background on $warning"
"""What must not be overlooked."""


class Look(Struct, frozen=True):
    """What a state is drawn with."""

    glyph: str
    word: str
    tone: str

    @property
    def text(self) -> str:
        """Returns glyph and word together."""
        return f"{self.glyph} {self.word}"


AGENT: Mapping[AgentState, Look] = MappingProxyType(
    {
        AgentState.PLANNED: Look("○", "planned", FAINT),
        AgentState.QUEUED: Look("◌", "queued", MUTED),
        AgentState.STARTING: Look("◔", "starting", BUSY),
        AgentState.WORKING: Look("●", "working", BUSY),
        AgentState.QUIET: Look("◐", "quiet", MUTED),
        AgentState.STALLED: Look("◒", "stalled", WARN),
        AgentState.BLOCKED: Look("▲", "blocked", BAD),
        AgentState.HELD: Look("‖", "held", WARN),
        AgentState.REVIEW: Look("◆", "review", CALL),
        AgentState.DIRTY: Look("◈", "unclean", WARN),
        AgentState.APPROVED: Look("✓", "approved", GOOD),
        AgentState.CHANGES: Look("↺", "changes", WARN),
        AgentState.REJECTED: Look("⊘", "rejected", MUTED),
        AgentState.LANDED: Look("■", "landed", GOOD),
        AgentState.FAILED: Look("✗", "failed", BAD),
        AgentState.ENDED: Look("◇", "ended", WARN),
        AgentState.LOST: Look("!", "lost", BAD),
        AgentState.STOPPED: Look("□", "stopped", MUTED),
    }
)

STREAM: Mapping[StreamState, Look] = MappingProxyType(
    {
        StreamState.PLANNED: Look("○", "planned", FAINT),
        StreamState.RUNNING: Look("●", "running", BUSY),
        StreamState.REVIEW: Look("◆", "review", CALL),
        StreamState.READY: Look("✓", "ready", GOOD),
        StreamState.LANDED: Look("■", "landed", GOOD),
        StreamState.BLOCKED: Look("▲", "blocked", BAD),
        StreamState.ROLLED_BACK: Look("↶", "undone", WARN),
    }
)

BATCH: Mapping[BatchState, Look] = MappingProxyType(
    {
        BatchState.PLANNED: Look("○", "planned", FAINT),
        BatchState.LAND_INTENT: Look("◔", "landing", BUSY),
        BatchState.LANDED: Look("■", "landed", GOOD),
        BatchState.ROLLBACK_INTENT: Look("◔", "undoing", BUSY),
        BatchState.ROLLED_BACK: Look("↶", "rolled back", WARN),
        BatchState.ABANDONED: Look("⊘", "abandoned", MUTED),
        BatchState.NEEDS_OPERATOR: Look("▲", "needs you", BAD),
    }
)

_CHECK: Mapping[str, Look] = MappingProxyType(
    {
        "running": Look("◔", "running", BUSY),
        "passed": Look("✓", "passed", GOOD),
        "failed": Look("✗", "failed", BAD),
        "error": Look("✗", "error", BAD),
        "timeout": Look("✗", "timed out", BAD),
    }
)

_ATTENTION: Mapping[str, Look] = MappingProxyType(
    {
        "blocked": Look("▲", "blocked", BAD),
        "target": Look("▲", "target", BAD),
        "conflict": Look("≠", "conflict", BAD),
        "gate": Look("✗", "gate", BAD),
        "budget": Look("$", "budget", WARN),
        "failed": Look("✗", "failed", BAD),
        "lost": Look("!", "lost", BAD),
        "ended": Look("◇", "ended", WARN),
        "uncommitted": Look("◈", "unclean", WARN),
        "stalled": Look("◒", "stalled", WARN),
        "held": Look("‖", "held", WARN),
        "checkout": Look("◇", "checkout", WARN),
        "land": Look("✓", "ready", GOOD),
        "review": Look("◆", "review", CALL),
    }
)

_CHANGE: Mapping[str, Look] = MappingProxyType(
    {
        "added": Look("A", "added", GOOD),
        "deleted": Look("D", "deleted", BAD),
        "modified": Look("M", "modified", WARN),
        "renamed": Look("R", "renamed", BUSY),
        "copied": Look("C", "copied", BUSY),
        "type": Look("T", "type", WARN),
        "mode": Look("X", "mode", WARN),
    }
)


def check(status: str) -> Look:
    """Returns the look of a gate's result; an unknown one shows its own word."""
    return _CHECK.get(status, Look("?", status, MUTED))


def attention(kind: str) -> Look:
    """Returns the look of something that waits for the operator."""
    return _ATTENTION.get(kind, Look("?", kind, WARN))


def change(kind: str) -> Look:
    """Returns the look of a change of a file."""
    return _CHANGE.get(kind, Look("?", kind, MUTED))
