"""Writes a commit's files into a directory of ours, for gates; no worktree is registered and nothing of theirs runs."""

from __future__ import annotations

from pathlib import Path

from orch_tui.adapters.git.command import GitDirectory
from orch_tui.adapters.git.objects import Objects
from orch_tui.model.ids import Oid


class Rooms:
    """Fills empty directories with trees and tells whether they are still that."""

    def __init__(self, private: GitDirectory, objects: Objects) -> None:
        self._git = private
        self._objects = objects

    def export(self, commit: Oid, room: Path) -> Oid:
        """Writes a commit's files into an empty directory; returns its tree."""
        self._objects.require((commit,))
        index = _index(room)
        index.unlink(missing_ok=True)
        self._git.run("read-tree", "-m", "-u", commit, work_tree=room, index=index)
        return self._objects.tree_of(commit)

    def unchanged(self, commit: Oid, room: Path) -> bool:
        """Says whether the tracked files still are that commit's."""
        index = _index(room)
        self._git.run("update-index", "-q", "--refresh", work_tree=room, index=index, accept=(0, 1))
        found = self._git.run("diff-index", "--quiet", commit, "--", work_tree=room, index=index, accept=(0, 1))
        return found.status == 0


def _index(room: Path) -> Path:
    return room.with_name(f"{room.name}.index")
