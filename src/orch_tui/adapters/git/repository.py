"""The operator's repository as the core sees it: every method is one question or one effect, none blocks the loop.

Reads run on a few threads, changes on one; both are this object's own.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import TypeVar

from orch_tui.adapters.git import doctor, porcelain
from orch_tui.adapters.git.checkout import Checkouts
from orch_tui.adapters.git.command import GitDirectory, GitProgram
from orch_tui.adapters.git.conservation import Conservation
from orch_tui.adapters.git.discovery import SHARED_OPTIONS, Found, discover, exclude_files, exclude_ours
from orch_tui.adapters.git.lock import GitLock
from orch_tui.adapters.git.objects import Objects
from orch_tui.adapters.git.patch import Patches
from orch_tui.adapters.git.private import PrivateDirectory
from orch_tui.adapters.git.refs import Refs
from orch_tui.adapters.git.rooms import Rooms
from orch_tui.adapters.git.snapshot import Snapshots
from orch_tui.adapters.git.unfinished import Unfinished
from orch_tui.adapters.git.worktrees import Worktrees
from orch_tui.model.diff import FileChange
from orch_tui.model.ids import Oid
from orch_tui.model.landing import CommitStamp, Fold, FoldMember, RepositoryState, WorktreeState

T = TypeVar("T")

_READERS = 6
_DIRTY_SHOWN = 20
_SIZES_KEPT = 2048
"""Differences between two commits never change, so those seen last are kept."""


class GitRepository:
    """One repository; made by `open`, ended by `close`."""

    def __init__(self, program: GitProgram, found: Found, state: Path) -> None:
        self._root, self._common, self._git_dir = Path(found.root), Path(found.common_dir), Path(found.git_dir)
        self._found = found
        self._readers = ThreadPoolExecutor(_READERS, thread_name_prefix="git-read")
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="git-write")
        self._sizes: dict[tuple[Oid, Oid], tuple[int, int, int, int]] = {}
        private = PrivateDirectory(program, state / "git", self._common)
        private.make(found.plain, found.object_format)
        exclude_ours(self._common)
        self._shared = GitDirectory(program, self._common, options=SHARED_OPTIONS)
        unfinished = Unfinished(private.unfinished)
        filling = GitLock(private.path / "filling.lock")

        def after_a_kill() -> None:
            with filling.held():  # the last git of an engine before this one has ended
                unfinished.unlock()

        lock = GitLock(state / "git.lock", at_first=after_a_kill)
        self._snapshots = Snapshots(private.git, self._common, exclude_files(program, self._common))
        self._objects = Objects(private)
        self._refs = Refs(self._shared, private.git, lock, unfinished)
        self._patches = Patches(private.git)
        self._rooms = Rooms(private.git, self._objects)
        self._conservation = Conservation(self._objects, self._patches)
        self._worktrees = Worktrees(
            self._shared, private.git, lock, self._refs, self._objects, self._snapshots, unfinished, filling
        )
        self._checkouts = Checkouts(private.git, lock, self._patches, self._snapshots, unfinished, private.aside)

    @classmethod
    async def open(cls, repository: Path, state: Path) -> GitRepository:
        """Opens the repository that a directory belongs to, with our private git directory in `state`.

        Raises:
            EnvironmentProblem: Git is missing or too old; or the directory is in no repository, in a bare one, in one
                without a commit, or in one that cannot be written.
        """

        def blocking() -> GitRepository:
            program = GitProgram()
            return cls(program, discover(program, repository), state.resolve())

        with ThreadPoolExecutor(1, thread_name_prefix="git-open") as executor:
            return await asyncio.get_running_loop().run_in_executor(executor, blocking)

    @property
    def root(self) -> Path:
        """Returns the top of the work tree that was opened."""
        return self._root

    @property
    def common_dir(self) -> Path:
        """Returns the git directory that all worktrees share."""
        return self._common

    async def inspect(self) -> RepositoryState:
        """Returns what is on the checkout, and what its configuration and hooks could run."""
        return await self._read(self._inspect)

    async def resolve(self, ref: str) -> Oid:
        """Returns the commit that a full ref name or an object name stands for; "" if there is none."""
        return await self._read(self._refs.resolve, ref)

    async def branch_heads(self, prefix: str) -> dict[str, Oid]:
        """Returns full ref names at or below the prefix with what they hold."""
        return await self._read(self._refs.heads, prefix)

    async def tracked(self, oid: Oid, names: Sequence[str]) -> tuple[str, ...]:
        """Returns which of these top-level names that commit tracks."""
        return await self._read(self._objects.tracked, oid, names)

    async def add_worktree(self, path: Path, branch: str, base: Oid) -> None:
        """Makes a locked worktree on a branch that starts at base; again is the same as once.

        Raises:
            GitError: The branch is elsewhere or in use, or something else lies at the path.
        """
        head = await self._write(self._worktrees.register, path, branch, base)
        await self._read(self._worktrees.fill, path, head)

    async def backup_worktree(self, path: Path, ref: str) -> Oid:
        """Keeps what a worktree holds, committed or not, under a ref below `refs/orch/backup/`.

        Raises:
            GitError: The ref is no backup ref, or a repository inside the worktree cannot be kept.
        """
        stamp = CommitStamp("orch-tui", "orch-tui@localhost", int(time.time()))
        return await self._write(self._worktrees.backup, path, ref, stamp)

    async def remove_worktree(self, path: Path) -> None:
        """Removes a worktree; one that is gone already is fine.

        Raises:
            GitError: It holds work that is in no commit and in no backup.
        """
        await self._write(self._worktrees.remove, path)

    async def worktree_state(self, path: Path, base: Oid) -> WorktreeState:
        """Looks at a worktree without touching it: commit, branch, uncommitted paths, size against the base."""
        return await self._read(self._state, path, base)

    async def changes(self, base: Oid, head: Oid) -> tuple[FileChange, ...]:
        """Returns the files that differ."""
        return await self._read(self._changes, base, head)

    async def write_patch(self, base: Oid, head: Oid, into: Path) -> int:
        """Writes the patch to a file by rename; returns its size in bytes."""
        return await self._read(self._patch, base, head, into)

    async def merge_base(self, a: Oid, b: Oid) -> Oid:
        """Returns the best common ancestor; "" if there is none."""
        return await self._read(self._objects.merge_base, a, b)

    async def is_ancestor(self, a: Oid, b: Oid) -> bool:
        """Says whether b contains a."""
        return await self._read(self._objects.is_ancestor, a, b)

    async def fold(self, base: Oid, members: Sequence[FoldMember], stamp: CommitStamp) -> Fold:
        """Merges the members one after the other in memory; same inputs, same object names."""
        return await self._read(self._objects.fold, base, members, stamp)

    async def commit_landing(self, base: Oid, tip: Oid, message: str, stamp: CommitStamp) -> Oid:
        """Makes the landing commit: parents (base, tip), the tip's tree."""
        return await self._read(self._objects.landing, base, tip, message, stamp)

    async def conserved(self, base: Oid, members: Sequence[FoldMember], tip: Oid) -> str:
        """Returns "" or the first path that no merge explains."""
        return await self._read(self._conservation.violation, base, members, tip)

    async def pin(self, ref: str, oid: Oid) -> None:
        """Keeps an object under a ref of ours, synced to disk."""
        await self._write(self._refs.pin, ref, oid)

    async def unpin(self, ref: str) -> None:
        """Lets go of a ref of ours."""
        await self._write(self._refs.unpin, ref)

    async def tag(self, name: str, oid: Oid, message: str, stamp: CommitStamp) -> None:
        """Makes an annotated tag; one that is there already must point to the same commit.

        Raises:
            GitError: It points elsewhere.
        """
        await self._write(self._refs.tag, name, oid, message, stamp)

    async def move(self, ref: str, new: Oid, old: Oid, why: str) -> bool:
        """Moves one ref by compare-and-swap, synced to disk; False when it was elsewhere."""
        return await self._write(self._refs.move, ref, new, old, why)

    async def checkouts_of(self, ref: str) -> tuple[Path, ...]:
        """Returns the work trees that have this branch checked out."""
        return await self._write(self._worktrees.checkouts_of, ref)

    async def can_follow(self, checkout: Path, old: Oid, new: Oid) -> tuple[str, ...]:
        """Returns the paths of a checkout that stand in the way of a move."""
        return await self._write(self._checkouts.can_follow, checkout, old, new)

    async def sync(self, checkout: Path, old: Oid, new: Oid) -> tuple[str, ...]:
        """Lets a checkout follow; returns the paths in the way, and then it stays as it was."""
        return await self._write(self._checkouts.sync, checkout, old, new)

    async def pushed(self, oid: Oid) -> bool:
        """Says whether any remote-tracking ref has the commit."""
        return await self._read(self._refs.pushed, oid)

    async def revert(self, base: Oid, new: Oid, tip: Oid, message: str, stamp: CommitStamp) -> Fold:
        """Makes the commit on tip that takes base..new back."""
        return await self._read(self._objects.revert, base, new, tip, message, stamp)

    async def restore(self, revert: Oid, message: str, stamp: CommitStamp) -> Oid:
        """Makes the commit that brings back what a revert took: its parent is the revert, its tree the one before."""
        return await self._read(self._objects.restore, revert, message, stamp)

    async def export(self, commit: Oid, room: Path) -> Oid:
        """Writes a commit's files into an empty directory; returns its tree."""
        return await self._read(self._rooms.export, commit, room)

    async def unchanged(self, commit: Oid, room: Path) -> bool:
        """Says whether the tracked files of a directory still are that commit's."""
        return await self._read(self._rooms.unchanged, commit, room)

    async def close(self) -> None:
        """Waits for what is under way and ends the threads."""
        await asyncio.to_thread(self._shut)

    def _shut(self) -> None:
        self._readers.shutdown(cancel_futures=True)
        self._writer.shutdown(cancel_futures=True)

    async def _read(self, work: Callable[..., T], *args: object) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._readers, partial(work, *args))

    async def _write(self, work: Callable[..., T], *args: object) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._writer, partial(work, *args))

    def _inspect(self) -> RepositoryState:
        head, branch = self._worktrees.head(self._root)
        return RepositoryState(
            branch=porcelain.short(branch),
            head=head,
            version=self._found.version,
            ref_backend=self._found.ref_backend,
            object_format=self._found.object_format,
            shallow=(self._common / "shallow").exists(),
            hooks=doctor.hooks(self._common, self._found.plain.get("core.hookspath", ""), self._root),
            odd_config=doctor.odd_keys(self._found.plain),
        )

    def _state(self, path: Path, base: Oid) -> WorktreeState:
        if not (path / ".git").exists():
            return WorktreeState(missing=True)
        head, branch = self._worktrees.head(path)
        dirty = self._snapshots.dirty(path, head)
        ahead, added, removed, files = self._size(base, head) if head else (0, 0, 0, 0)
        return WorktreeState(
            head=head,
            branch=porcelain.short(branch),
            clean=not dirty,
            dirty=dirty[:_DIRTY_SHOWN],
            under_way=self._snapshots.under_way(path),
            ahead=ahead,
            added=added,
            removed=removed,
            files=files,
        )

    def _size(self, base: Oid, head: Oid) -> tuple[int, int, int, int]:
        """Returns commits ahead, lines added and removed, and files against the merge base."""
        known = self._sizes.get((base, head))
        if known is not None:
            return known
        start = self._objects.merge_base(base, head) or base
        changes = self._patches.changes(start, head)
        added, removed = sum(change.added for change in changes), sum(change.removed for change in changes)
        size = (self._objects.count(base, head), added, removed, len(changes))
        if len(self._sizes) >= _SIZES_KEPT:
            self._sizes.clear()
        self._sizes[(base, head)] = size
        return size

    def _changes(self, base: Oid, head: Oid) -> tuple[FileChange, ...]:
        self._objects.require((base, head))
        return self._patches.changes(base, head)

    def _patch(self, base: Oid, head: Oid, into: Path) -> int:
        self._objects.require((base, head))
        return self._patches.write(base, head, into)
