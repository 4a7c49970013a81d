"""What git says about work that waits to land: members, folds, worktrees, the repository.

Values only. The git adapter makes them, the core decides by them.
"""

from __future__ import annotations

import msgspec

from orch_tui.model.ids import AgentId, Oid


class CommitStamp(msgspec.Struct, frozen=True):
    """Says who makes a commit and when; with equal stamps, equal inputs give equal commits."""

    name: str
    email: str
    at: int
    """Seconds since the epoch, UTC."""


class FoldMember(msgspec.Struct, frozen=True):
    """One revision on its way into a batch."""

    agent: AgentId
    head: Oid
    message: str


class FoldConflict(msgspec.Struct, frozen=True):
    """Names what cannot be merged, and with what."""

    member: str
    with_member: str
    """The earlier member whose work conflicts, or "target"."""
    files: tuple[str, ...]


class Fold(msgspec.Struct, frozen=True):
    """The ordered merges of a batch, or the conflict that stopped them."""

    steps: tuple[Oid, ...]
    tip: Oid
    tree: Oid
    conflict: FoldConflict | None = None


class WorktreeState(msgspec.Struct, frozen=True):
    """What a worktree holds at one moment, seen without touching it."""

    missing: bool = False
    head: Oid = Oid("")
    branch: str = ""
    """The short name; empty when detached."""
    clean: bool = True
    dirty: tuple[str, ...] = ()
    """The first paths that are changed or untracked."""
    under_way: str = ""
    """"rebase", "merge", "cherry-pick", "revert" or "bisect" while one is unfinished."""
    ahead: int = 0
    added: int = 0
    removed: int = 0
    files: int = 0


class RepositoryState(msgspec.Struct, frozen=True):
    """What `doctor` and `init` want to know of a repository."""

    branch: str
    """The short name of what the checkout is on; empty when detached."""
    head: Oid
    version: str
    """The version of the git program."""
    ref_backend: str = "files"
    object_format: str = "sha1"
    shallow: bool = False
    hooks: tuple[str, ...] = ()
    """Hooks that would run for a person's git, and never run for ours."""
    odd_config: tuple[str, ...] = ()
    """Keys of the shared configuration that name programs or other files."""
