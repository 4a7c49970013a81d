"""Lets a person's checkout follow a branch that has moved, without ever overwriting what the person did.

A checkout that cannot follow stays as it is. A sync that was killed leaves a mark; the next one finishes it,
and takes back only files that are unmistakably half of what git was writing.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from orch_tui.adapters.git import porcelain
from orch_tui.adapters.git.command import GitDirectory, Output, failure
from orch_tui.adapters.git.lock import GitLock
from orch_tui.adapters.git.patch import Patches
from orch_tui.adapters.git.snapshot import Snapshots
from orch_tui.adapters.git.unfinished import Unfinished
from orch_tui.model.diff import SUBMODULE, FileChange
from orch_tui.model.errors import GitError
from orch_tui.model.ids import Oid

INDEX_LOCK_S = 1.0
"""How long another git may hold the index before a person is told."""


class Checkouts:
    """The checkouts of one repository that have the target branch."""

    def __init__(
        self,
        private: GitDirectory,
        lock: GitLock,
        patches: Patches,
        snapshots: Snapshots,
        unfinished: Unfinished,
        aside: Path,
    ) -> None:
        self._git = private
        self._lock = lock
        self._patches = patches
        self._snapshots = snapshots
        self._unfinished = unfinished
        self._aside = aside

    def can_follow(self, place: Path, old: Oid, new: Oid) -> tuple[str, ...]:
        """Returns the paths that stand in the way; () means that a sync would succeed.

        Raises:
            GitError: Another git has the checkout's index, or left its lock.
        """
        with self._lock.held() as lock:
            return self._obstacles(place, old, new, lock)

    def sync(self, place: Path, old: Oid, new: Oid) -> tuple[str, ...]:
        """Brings index and files from old to new; returns the paths in the way, and then nothing was changed.

        Raises:
            GitError: Git failed in the middle; a mark stays and the next sync repairs what it left.
        """
        with self._lock.held() as lock:
            if self._unfinished.says(place):
                self._repair(place, old, new, lock)
            if obstacles := self._obstacles(place, old, new, lock):
                self._unfinished.end(place)
                return obstacles
            index = self._snapshots.index_of(place)
            self._unfinished.begin(place, f"{old} {new}", [index.with_name("index.lock")])
            self._read_tree(place, old, new, lock, accept=(0,))
            self._unfinished.end(place)
            return ()

    def _obstacles(self, place: Path, old: Oid, new: Oid, lock: int) -> tuple[str, ...]:
        index = self._snapshots.index_of(place)
        _wait_for_index(index)
        self._git.run("update-index", "-q", "--refresh", work_tree=place, index=index, accept=(0, 1), fds=(lock,))
        tried = self._read_tree(place, old, new, lock, accept=range(256), dry=True)
        if tried.status == 0:
            return ()
        found = self._in_the_way(place, old, new)
        if not found:
            raise failure(["read-tree"], tried, f"The checkout {place} cannot follow.")
        return found

    def _read_tree(
        self, place: Path, old: Oid, new: Oid, lock: int, *, accept: Sequence[int], dry: bool = False
    ) -> Output:
        args = ("read-tree", *(("-n",) if dry else ()), "-m", "-u", old, new)
        return self._git.run(*args, work_tree=place, index=self._snapshots.index_of(place), accept=accept, fds=(lock,))

    def _in_the_way(self, place: Path, old: Oid, new: Oid) -> tuple[str, ...]:
        """Returns the dirty or untracked paths that the move would write, or that lie where it needs a directory."""
        moved = {change.path: change for change in self._patches.changes(old, new, renames=False)}
        there = [path for path, change in moved.items() if change.kind == "added" and _present(place / path)]
        edited = [path for path in self._snapshots.dirty(place, old) if any(_collide(path, other) for other in moved)]
        unlike_new = set(self._snapshots.dirty(place, new))
        return tuple(dict.fromkeys(path for path in (*edited, *there) if path in unlike_new))

    def _repair(self, place: Path, old: Oid, new: Oid, lock: int) -> None:
        """Tells what a killed sync wrote from what a person wrote, and finishes or clears the former."""
        index = self._snapshots.index_of(place)
        changes = [c for c in self._patches.changes(old, new, renames=False) if c.new_mode != SUBMODULE]
        with tempfile.TemporaryDirectory(dir=self._git.path) as name:
            like_new = self._same(place, changes, Path(name) / "new", side="new")
            like_old = self._same(place, changes, Path(name) / "old", side="old")
            self._take(place, index, [path for path in like_new if path not in like_old], lock)
            torn = [c.path for c in changes if c.path not in like_new | like_old and _is_file(place / c.path)]
            self._clear_torn(place, torn, Path(name), new)

    def _same(self, place: Path, changes: Sequence[FileChange], index: Path, *, side: str) -> set[str]:
        """Returns the paths whose file is what that side of the move has, with the same conversions as a checkout."""
        sides = [(c.path, *((c.new_mode, c.new_blob) if side == "new" else (c.old_mode, c.old_blob))) for c in changes]
        wanted = [entry for entry in sides if entry[1] != "000000"]
        lines = b"".join(f"{mode} {blob}\t".encode() + porcelain.raw(path) + b"\0" for path, mode, blob in wanted)
        self._git.run("update-index", "--add", "-z", "--index-info", data=lines, work_tree=place, index=index)
        self._git.run("update-index", "-q", "--refresh", work_tree=place, index=index, accept=(0, 1))
        differ = set(
            porcelain.names(self._git.run("diff-files", "-z", "--name-only", work_tree=place, index=index).out)
        )
        same = {path for path, _, _ in wanted if path not in differ}
        return same | {path for path, mode, _ in sides if mode == "000000" and not _present(place / path)}

    def _take(self, place: Path, index: Path, paths: Sequence[str], lock: int) -> None:
        """Tells the index about files that the killed sync had finished."""
        args = ("update-index", "--add", "--remove", "--replace", "-z", "--stdin")
        self._git.run(*args, data=porcelain.listed(paths), work_tree=place, index=index, fds=(lock,))

    def _clear_torn(self, place: Path, paths: Sequence[str], room: Path, new: Oid) -> None:
        """Moves half-written files out of the way; a file that is not the beginning of the new one is a person's."""
        if not paths:
            return
        whole = room / "whole"
        args = ("checkout-index", "-q", "-f", "-z", "--stdin", f"--prefix={whole}/")
        self._git.run(*args, data=porcelain.listed(paths), work_tree=place, index=room / "new", accept=range(256))
        for path in paths:
            if _begins(place / path, whole / path):
                kept = self._aside / new / path
                kept.parent.mkdir(parents=True, exist_ok=True)
                kept.write_bytes((place / path).read_bytes())
                (place / path).unlink()


def _wait_for_index(index: Path) -> None:
    """Gives another git a moment with the index, as an editor's status takes it."""
    lock = index.with_name("index.lock")
    until = time.monotonic() + INDEX_LOCK_S
    while os.path.lexists(lock):
        if time.monotonic() > until:
            hint = "If a git is at work there, let it end and try again; if none is, remove that file."
            raise GitError("The checkout's index is locked, so the checkout cannot follow", str(lock), hint)
        time.sleep(0.05)


def _collide(path: str, other: str) -> bool:
    """Says whether one path is the other, or a directory of it."""
    mine, yours = path.rstrip("/"), other.rstrip("/")
    return mine == yours or mine.startswith(f"{yours}/") or yours.startswith(f"{mine}/")


def _present(path: Path) -> bool:
    with contextlib.suppress(OSError):
        return path.is_symlink() or path.exists()
    return False


def _is_file(path: Path) -> bool:
    return path.is_file() and not path.is_symlink()


def _begins(torn: Path, whole: Path) -> bool:
    if not _is_file(whole):
        return False
    content = torn.read_bytes()
    full = whole.read_bytes()
    return len(content) < len(full) and full.startswith(content)
