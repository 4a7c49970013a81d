"""Makes, finds, keeps and removes agents' worktrees in the operator's repository.

Git's own worktree commands fail when several run at once, so each of ours runs under the git lock; the
files are written outside it, by the private git directory, so that no filter or hook of the shared one runs.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from orch_tui.adapters.git import porcelain
from orch_tui.adapters.git.command import GitDirectory
from orch_tui.adapters.git.lock import GitLock
from orch_tui.adapters.git.objects import Objects
from orch_tui.adapters.git.porcelain import BRANCHES, Entry
from orch_tui.adapters.git.refs import BACKUPS, Refs
from orch_tui.adapters.git.snapshot import Snapshots
from orch_tui.adapters.git.unfinished import Unfinished
from orch_tui.model.errors import GitError
from orch_tui.model.ids import Oid
from orch_tui.model.landing import CommitStamp

_REASON = "orch-tui: in use by an agent"
_MAKING = "worktree"


class Worktrees:
    """The worktrees of one repository."""

    def __init__(
        self,
        shared: GitDirectory,
        private: GitDirectory,
        lock: GitLock,
        refs: Refs,
        objects: Objects,
        snapshots: Snapshots,
        unfinished: Unfinished,
        filling: GitLock,
    ) -> None:
        self._shared = shared
        self._private = private
        self._lock = lock
        self._refs = refs
        self._objects = objects
        self._snapshots = snapshots
        self._unfinished = unfinished
        self._filling = filling

    def entries(self) -> tuple[Entry, ...]:
        """Returns every worktree that git knows, the main one first."""
        with self._lock.held():
            return self._list()

    def checkouts_of(self, ref: str) -> tuple[Path, ...]:
        """Returns the work trees on disk that have this branch checked out."""
        return tuple(
            Path(entry.path)
            for entry in self.entries()
            if entry.branch == ref and not entry.bare and Path(entry.path).is_dir()
        )

    def register(self, path: Path, branch: str, base: Oid) -> Oid:
        """Makes a locked worktree without files on a branch that starts at base; again is the same as once.

        A branch that is there already is used if it holds base and no other worktree has it. Returns the commit
        whose files `fill` writes.

        Raises:
            GitError: The branch is elsewhere or in use, or something else lies at the path.
        """
        self._objects.require((base,))
        path = path.resolve()
        with self._lock.held() as lock:
            return self._register(path, BRANCHES + porcelain.short(branch), base, lock)

    def fill(self, path: Path, head: Oid) -> None:
        """Writes the files of a worktree that was just registered; leaves one alone that is whole."""
        path = path.resolve()
        if self._unfinished.says(path) == _MAKING:
            index = self._snapshots.admin_dir(path) / "index"
            with self._filling.shared() as lock:
                self._private.run("read-tree", "--reset", "-u", head, work_tree=path, index=index, fds=(lock,))
            self._unfinished.end(path)

    def remove(self, path: Path) -> None:
        """Removes a worktree of which nothing would be lost but ignored files.

        Raises:
            GitError: It holds work that is in no commit and in no backup.
        """
        path = path.resolve()
        with self._lock.held() as lock:
            entry = self._find(path)
            if entry is None:
                return
            if path.is_dir():
                self._require_kept(path)
            self._remove(path, lock)
        self._unfinished.end(path)

    def backup(self, path: Path, ref: str, stamp: CommitStamp) -> Oid:
        """Keeps what a worktree holds, committed or not, under a ref; returns the commit.

        Raises:
            GitError: The ref is no backup ref, or a repository lies inside the worktree.
        """
        if not ref.startswith(BACKUPS):
            raise GitError("That is no ref for a backup", ref, f"Backups lie under {BACKUPS}.")
        head, _ = self.head(path)
        tree = self._snapshots.tree(path, head)
        kept = head
        if not head or tree != self._objects.tree_of(head):
            message = f"Uncommitted work of {path.name}"
            kept = self._objects.commit(tree, (head,) if head else (), message, stamp)
        self._refs.pin(ref, kept)
        return kept

    def head(self, path: Path) -> tuple[Oid, str]:
        """Returns the commit that a worktree is on ("" before the first) and the branch ("" if detached)."""
        git = self._shared.at(self._snapshots.admin_dir(path))
        answer = git.run("rev-parse", "HEAD", "--symbolic-full-name", "HEAD", accept=(0, 128)).text().split("\n")
        if len(answer) == 2 and porcelain.is_oid(answer[0]):
            return Oid(answer[0]), "" if answer[1] == "HEAD" else answer[1]
        return Oid(""), git.run("symbolic-ref", "--quiet", "HEAD", accept=(0, 1, 128)).text()

    def _list(self) -> tuple[Entry, ...]:
        return porcelain.worktrees(self._shared.run("worktree", "list", "--porcelain", "-z").out)

    def _find(self, path: Path) -> Entry | None:
        return next((entry for entry in self._list() if Path(entry.path).resolve() == path), None)

    def _register(self, path: Path, ref: str, base: Oid, lock: int) -> Oid:
        """Makes branch and worktree without files; returns the commit that its files are to show."""
        entries = self._list()
        here = next((entry for entry in entries if Path(entry.path).resolve() == path), None)
        there = next((entry for entry in entries if entry.branch == ref and entry is not here), None)
        if there is not None and not self._vanished(there, lock):
            raise GitError("The branch is in use", f"{porcelain.short(ref)} is checked out in {there.path}")
        if self._unfinished.says(path) == _MAKING:
            self._start_again(path, here, lock)
        elif here is not None and here.branch == ref and (path / ".git").is_file():
            return self._branch(ref, base, here=True)[0]
        elif path.exists() and (here is not None or not path.is_dir() or any(path.iterdir())):
            raise _in_the_way(path, here)
        elif here is not None:
            self._remove(path, lock)
        head, made = self._branch(ref, base)
        self._unfinished.begin(path, _MAKING, self._refs.locks(ref))
        self._add(path, ref, head, lock, made=made)
        return head

    def _branch(self, ref: str, base: Oid, *, here: bool = False) -> tuple[Oid, bool]:
        """Returns where the branch is and whether it was made now."""
        if not porcelain.is_ref(ref):
            raise GitError("That cannot be the name of a branch", porcelain.short(ref))
        head = self._refs.value(ref)
        if not head:
            return base, not here
        if not here and not self._objects.is_ancestor(base, head):
            raise GitError(
                "The branch exists and holds other work",
                f"{porcelain.short(ref)} is at {head[:12]}, which does not contain {base[:12]}",
                "Rename the branch, or delete it if nobody needs it.",
            )
        return head, False

    def _add(self, path: Path, ref: str, head: Oid, lock: int, *, made: bool) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        if made:
            self._shared.run(
                "update-ref", "-m", "orch-tui: branch", ref, head, "0" * len(head), fds=(lock,), durable=True
            )
        try:
            reason = ("--lock", "--reason", _REASON)
            self._shared.run(
                "worktree", "add", "--no-checkout", *reason, "--", str(path), porcelain.short(ref), fds=(lock,)
            )
        except GitError:
            if made:
                self._shared.run("update-ref", "-d", ref, head, accept=range(256), fds=(lock,))
            self._unfinished.end(path)
            raise

    def _vanished(self, entry: Entry, lock: int) -> bool:
        """Forgets a worktree of ours whose directory a person deleted; says whether it did."""
        path = Path(entry.path)
        if path.exists() or not entry.locked:
            return False
        self._remove(path, lock)
        return True

    def _start_again(self, path: Path, here: Entry | None, lock: int) -> None:
        """Removes what a start left that was killed; nobody has worked there yet."""
        if path.exists():
            shutil.rmtree(path)
        if here is not None:
            self._remove(path, lock)

    def _require_kept(self, path: Path) -> None:
        head, branch = self.head(path)
        dirty = self._snapshots.dirty(path, head)
        if not dirty and (branch or not head or self._held(head)):
            return
        tree = self._snapshots.tree(path, head) if dirty else Oid("")
        if not any(self._keeps(backup, tree, head) for backup in self._refs.heads(BACKUPS).values()):
            what = dirty[0] if dirty else f"commit {head[:12]}"
            raise GitError("The worktree holds work that is nowhere else", f"{what} in {path}", "Make a backup first.")

    def _held(self, head: Oid) -> bool:
        return bool(self._shared.run("for-each-ref", "--count=1", f"--contains={head}").out)

    def _keeps(self, backup: Oid, tree: Oid, head: Oid) -> bool:
        same = not tree or self._objects.tree_of(backup) == tree
        return same and (not head or self._objects.is_ancestor(head, backup))

    def _remove(self, path: Path, lock: int) -> None:
        # Twice --force: it is locked by us, and git's own look at its cleanliness would run the shared filters.
        self._shared.run("worktree", "remove", "--force", "--force", "--", str(path), fds=(lock,))


def _in_the_way(path: Path, here: Entry | None) -> GitError:
    if here is None:
        return GitError("Something is in the way of a worktree", str(path), "Move it elsewhere, then try again.")
    where = porcelain.short(here.branch) or "no branch"
    return GitError("Another worktree is there", f"{path} is on {where}", "Remove that worktree first.")
