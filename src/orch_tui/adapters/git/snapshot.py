"""Looks at the files of a work tree without touching it: a copy of its index, our configuration, no filter.

`git status` would run what the shared configuration names, and would write the index that an agent is using.
"""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from orch_tui.adapters.git import porcelain
from orch_tui.adapters.git.command import GitDirectory
from orch_tui.model.errors import GitError
from orch_tui.model.ids import Oid

_UNDER_WAY = {
    "rebase-merge": "rebase",
    "rebase-apply": "rebase",
    "MERGE_HEAD": "merge",
    "CHERRY_PICK_HEAD": "cherry-pick",
    "REVERT_HEAD": "revert",
    "BISECT_LOG": "bisect",
}


class Snapshots:
    """Reads work trees of one repository."""

    def __init__(self, private: GitDirectory, common_dir: Path, excludes: tuple[Path, ...]) -> None:
        self._git = private
        self._common = common_dir
        self._excludes = excludes

    def admin_dir(self, place: Path) -> Path:
        """Returns the git directory of a work tree: the shared one or one of its worktrees'.

        Raises:
            GitError: The work tree has none, or names one of another repository.
        """
        link = place / ".git"
        if link.is_dir() and link.resolve() == self._common.resolve():
            return self._common
        try:
            named = porcelain.text(link.read_bytes()).removeprefix("gitdir:").strip()
        except OSError as error:
            raise GitError("That is no worktree", str(place), "Its .git file is missing; make it again.") from error
        admin = (place / named).resolve()
        if admin != self._common.resolve() and admin.parent != (self._common / "worktrees").resolve():
            raise GitError("The worktree belongs to another repository", f"{place} names {admin}")
        return admin

    def index_of(self, place: Path) -> Path:
        """Returns the index of a work tree, readable from the private git directory also when it is split."""
        admin = self.admin_dir(place)
        for shared in admin.glob("sharedindex.*"):
            with contextlib.suppress(FileExistsError):
                (self._git.path / shared.name).symlink_to(shared)
        return admin / "index"

    def dirty(self, place: Path, head: Oid) -> tuple[str, ...]:
        """Returns every path that is changed against head, in the index or on disk, or untracked."""
        with self._index(place) as index:
            changed = self._changed(place, head, index)
            return tuple(dict.fromkeys((*changed, *self.untracked(place, index))))

    def tree(self, place: Path, head: Oid) -> Oid:
        """Writes all files, committed or not but not the ignored ones, as a tree; returns it.

        Raises:
            GitError: A repository inside the work tree cannot be kept that way.
        """
        with self._index(place) as index:
            untracked = self.untracked(place, index)
            if nested := [path for path in untracked if path.endswith("/")]:
                raise GitError(
                    "A repository inside the worktree cannot be kept",
                    f"{nested[0]} in {place}",
                    "Move it elsewhere, or remove it, then try again.",
                )
            paths = porcelain.listed((*self._changed(place, head, index), *untracked))
            update = ("update-index", "--add", "--remove", "--replace", "-z", "--stdin")
            self._git.run(*update, data=paths, work_tree=place, index=index, durable=True)
            return Oid(self._git.run("write-tree", index=index, durable=True).text())

    def untracked(self, place: Path, index: Path) -> tuple[str, ...]:
        """Returns the paths that the index does not have and no exclude file names."""
        excludes = [f"--exclude-from={path}" for path in self._excludes if path.is_file()]
        listing = ("ls-files", "--others", "-z", "--exclude-per-directory=.gitignore", *excludes)
        return porcelain.names(self._git.run(*listing, work_tree=place, index=index).out)

    def under_way(self, place: Path) -> str:
        """Returns what a person's or an agent's git has not finished there; "" if nothing."""
        admin = self.admin_dir(place)
        return next((word for name, word in _UNDER_WAY.items() if (admin / name).exists()), "")

    @contextlib.contextmanager
    def _index(self, place: Path) -> Iterator[Path]:
        """Yields a copy of the work tree's index with its times brought up to date."""
        with tempfile.TemporaryDirectory(dir=self._git.path) as name:
            index = Path(name) / "index"
            with contextlib.suppress(FileNotFoundError):
                # copy2 keeps the time: git trusts no entry that is as young as its index.
                shutil.copy2(self.index_of(place), index)
            self._git.run("update-index", "-q", "--refresh", work_tree=place, index=index, accept=(0, 1))
            yield index

    def _changed(self, place: Path, head: Oid, index: Path) -> tuple[str, ...]:
        against = head or Oid(self._git.run("mktree", data=b"").text())
        listing = ("diff-index", "-z", "--name-only", "--no-renames", "--ignore-submodules=dirty", against, "--")
        on_disk = porcelain.names(self._git.run(*listing, work_tree=place, index=index).out)
        staged = porcelain.names(self._git.run(listing[0], "--cached", *listing[1:], work_tree=place, index=index).out)
        return tuple(dict.fromkeys((*on_disk, *staged)))
