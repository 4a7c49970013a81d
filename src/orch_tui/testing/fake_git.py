"""A repository in memory for the core's `Git` port: commits, merges by whole files, refs moved by comparison."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from orch_tui.model.diff import FileChange
from orch_tui.model.ids import Oid
from orch_tui.model.landing import CommitStamp, Fold, FoldConflict, FoldMember, WorktreeState

Tree = Mapping[str, str]


@dataclass(frozen=True)
class Commit:
    """A tree, its parents and why it was made."""

    tree: Tree
    parents: tuple[Oid, ...]
    message: str


class FakeGit:
    """Implements `Git`; a test makes commits with `commit` and looks at `refs`, `tags` and `worktrees`."""

    def __init__(self, root: Path = Path("/repository"), tree: Tree | None = None) -> None:
        self.root = root
        self.commits: dict[Oid, Commit] = {}
        self.refs: dict[str, Oid] = {}
        self.worktrees: dict[Path, str] = {}
        self.dirty: dict[Path, tuple[str, ...]] = {}
        self.checkouts: dict[Path, str] = {}
        self.in_the_way: tuple[str, ...] = ()
        self.pushed_commits: set[Oid] = set()
        self.refs["refs/heads/main"] = self._add(Commit(dict(tree or {"README": "hello"}), (), "start"))

    # What a test does

    def commit(self, branch: str, changes: Mapping[str, str | None], message: str = "work") -> Oid:
        """Adds a commit to a branch, as an agent or a person does; None removes a file."""
        ref = f"refs/heads/{branch}"
        tip = self.refs[ref]
        tree = {**self.commits[tip].tree, **{path: text for path, text in changes.items() if text is not None}}
        for path in (path for path, text in changes.items() if text is None):
            tree.pop(path, None)
        self.refs[ref] = self._add(Commit(tree, (tip,), message))
        return self.refs[ref]

    def files(self, ref: str = "refs/heads/main") -> Tree:
        """Returns what a ref holds."""
        return self.commits[self.refs[ref]].tree

    # The port

    async def resolve(self, ref: str) -> Oid:
        """Returns the commit of a ref or of an object name; "" if there is none."""
        known = Oid(ref) if Oid(ref) in self.commits else Oid("")
        return self.refs.get(ref, known)

    async def branch_heads(self, prefix: str) -> dict[str, Oid]:
        """Returns the refs below a prefix."""
        return {ref: oid for ref, oid in self.refs.items() if ref.startswith(prefix)}

    async def tracked(self, oid: Oid, names: Sequence[str]) -> tuple[str, ...]:
        """Returns which of the names a commit holds."""
        return tuple(name for name in names if name in self.commits[oid].tree)

    async def add_worktree(self, path: Path, branch: str, base: Oid) -> None:
        """Makes a worktree; again is the same as once."""
        self.refs.setdefault(f"refs/heads/{branch}", base)
        self.worktrees[path] = branch

    async def backup_worktree(self, path: Path, ref: str) -> Oid:
        """Keeps a worktree's newest commit under a ref."""
        self.refs[ref] = self._head(path)
        return self.refs[ref]

    async def remove_worktree(self, path: Path) -> None:
        """Removes a worktree."""
        self.worktrees.pop(path, None)

    async def worktree_state(self, path: Path, base: Oid) -> WorktreeState:
        """Looks at a worktree."""
        if path not in self.worktrees:
            return WorktreeState(missing=True)
        head = self._head(path)
        changed = await self.changes(await self.merge_base(base, head) or base, head)
        return WorktreeState(
            head=head,
            branch=self.worktrees[path],
            clean=not self.dirty.get(path),
            dirty=self.dirty.get(path, ()),
            ahead=len(self._ancestors(head) - self._ancestors(base)),
            added=sum(change.added for change in changed),
            removed=sum(change.removed for change in changed),
            files=len(changed),
        )

    async def changes(self, base: Oid, head: Oid) -> tuple[FileChange, ...]:
        """Returns the files that differ."""
        return tuple(_changes(self.commits[base].tree, self.commits[head].tree))

    async def write_patch(self, base: Oid, head: Oid, into: Path) -> int:  # noqa: ARG002  nothing is written
        """Returns the size of a patch that nobody can read."""
        return sum(change.added + change.removed for change in await self.changes(base, head))

    async def merge_base(self, a: Oid, b: Oid) -> Oid:
        """Returns the youngest common ancestor."""
        common = self._ancestors(a) & self._ancestors(b)
        return max(common, key=list(self.commits).index, default=Oid(""))

    async def is_ancestor(self, a: Oid, b: Oid) -> bool:
        """Says whether b contains a."""
        return a in self._ancestors(b)

    async def fold(self, base: Oid, members: Sequence[FoldMember], stamp: CommitStamp) -> Fold:  # noqa: ARG002
        """Merges the members one after the other."""
        tip = base
        steps: list[Oid] = []
        for place, member in enumerate(members):
            merged, clashes = self._merge(await self.merge_base(tip, member.head), tip, member.head)
            if clashes:
                other = self._who(members[:place], base, clashes)
                return Fold(tuple(steps), tip, Oid(""), FoldConflict(member.agent, other, clashes))
            tip = self._add(Commit(merged, (tip, member.head), member.message))
            steps.append(tip)
        return Fold(tuple(steps), tip, _name(repr(sorted(self.commits[tip].tree.items()))))

    async def commit_landing(self, base: Oid, tip: Oid, message: str, stamp: CommitStamp) -> Oid:  # noqa: ARG002
        """Makes the landing commit."""
        return self._add(Commit(self.commits[tip].tree, (base, tip), message))

    async def conserved(self, base: Oid, members: Sequence[FoldMember], tip: Oid) -> str:  # noqa: ARG002
        """Says that nothing was lost."""
        return ""

    async def pin(self, ref: str, oid: Oid) -> None:
        """Keeps an object under a ref."""
        self.refs[ref] = oid

    async def tag(self, name: str, oid: Oid, message: str, stamp: CommitStamp) -> None:  # noqa: ARG002
        """Makes a tag."""
        self.refs[f"refs/tags/{name}"] = oid

    async def move(self, ref: str, new: Oid, old: Oid, why: str) -> bool:  # noqa: ARG002
        """Moves a ref by comparison."""
        if self.refs.get(ref) != old:
            return False
        self.refs[ref] = new
        return True

    async def checkouts_of(self, ref: str) -> tuple[Path, ...]:
        """Returns the checkouts that a test set."""
        return tuple(path for path, on in self.checkouts.items() if on == ref)

    async def can_follow(self, checkout: Path, old: Oid, new: Oid) -> tuple[str, ...]:  # noqa: ARG002
        """Returns what a test put in the way."""
        return self.in_the_way

    async def sync(self, checkout: Path, old: Oid, new: Oid) -> tuple[str, ...]:  # noqa: ARG002
        """Lets a checkout follow."""
        return self.in_the_way

    async def pushed(self, oid: Oid) -> bool:
        """Says what a test said."""
        return oid in self.pushed_commits

    async def revert(self, base: Oid, new: Oid, tip: Oid, message: str, stamp: CommitStamp) -> Fold:  # noqa: ARG002
        """Takes base..new back on top of tip."""
        merged, clashes = self._merge(new, tip, base)
        if clashes:
            return Fold((), tip, Oid(""), FoldConflict("revert", "target", clashes))
        made = self._add(Commit(merged, (tip,), message))
        return Fold((made,), made, _name(repr(sorted(merged.items()))))

    async def restore(self, revert: Oid, message: str, stamp: CommitStamp) -> Oid:  # noqa: ARG002
        """Brings back what a revert took away."""
        before = self.commits[self.commits[revert].parents[0]]
        return self._add(Commit(before.tree, (revert,), message))

    async def close(self) -> None:
        """Ends nothing."""

    # Inside

    def _add(self, commit: Commit) -> Oid:
        oid = _name(repr((sorted(commit.tree.items()), commit.parents, commit.message)))
        self.commits.setdefault(oid, commit)
        return oid

    def _head(self, path: Path) -> Oid:
        return self.refs[f"refs/heads/{self.worktrees[path]}"]

    def _ancestors(self, oid: Oid) -> set[Oid]:
        found: set[Oid] = set()
        waiting = [oid]
        while waiting:
            if (one := waiting.pop()) in self.commits and one not in found:
                found.add(one)
                waiting += self.commits[one].parents
        return found

    def _merge(self, base: Oid, ours: Oid, theirs: Oid) -> tuple[Tree, tuple[str, ...]]:
        old, mine, other = (self.commits[oid].tree for oid in (base, ours, theirs))
        merged: dict[str, str] = {}
        clashes: list[str] = []
        for path in sorted({*old, *mine, *other}):
            was, a, b = old.get(path), mine.get(path), other.get(path)
            if a != was and b not in (was, a):
                clashes.append(path)
            if (text := b if a == was else a) is not None:
                merged[path] = text
        return merged, tuple(clashes)

    def _who(self, earlier: Sequence[FoldMember], base: Oid, clashes: Sequence[str]) -> str:
        """Returns which earlier member touched what clashes, else the target."""
        for member in earlier:
            touched = {c.path for c in _changes(self.commits[base].tree, self.commits[member.head].tree)}
            if touched & set(clashes):
                return member.agent
        return "target"


def _changes(old: Tree, new: Tree) -> Iterator[FileChange]:
    for path in sorted({*old, *new}):
        before, after = old.get(path), new.get(path)
        if before == after:
            continue
        kind = "added" if before is None else "deleted" if after is None else "modified"
        yield FileChange(path, kind, added=_lines(after), removed=_lines(before))  # type: ignore[arg-type]


def _lines(text: str | None) -> int:
    return len(text.splitlines()) if text else 0


def _name(text: str) -> Oid:
    return Oid(hashlib.sha1(text.encode("utf-8", "surrogatepass"), usedforsecurity=False).hexdigest())
