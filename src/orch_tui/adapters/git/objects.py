"""Makes commits and merges in memory, in the private git directory; touches no ref and no work tree."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from orch_tui.adapters.git import porcelain
from orch_tui.adapters.git.command import GitDirectory, failure
from orch_tui.adapters.git.porcelain import Merge
from orch_tui.adapters.git.private import PrivateDirectory, joined_attributes
from orch_tui.adapters.git.refs import ident
from orch_tui.model.diff import SYMLINK
from orch_tui.model.errors import GitError
from orch_tui.model.ids import Oid
from orch_tui.model.landing import CommitStamp, Fold, FoldConflict, FoldMember

TARGET = "target"

_MERGE = ("merge-tree", "-z", "--name-only", "--no-messages")
_ATTRIBUTES = ".gitattributes"


class Objects:
    """The commits and trees of one repository."""

    def __init__(self, private: PrivateDirectory) -> None:
        self._private = private
        self._git = private.git

    def require(self, oids: Sequence[str]) -> None:
        """Makes sure that every name is a commit that is there.

        Raises:
            GitError: One is not; it is named.
        """
        wanted = [oid if porcelain.is_oid(oid) else "0" * 40 for oid in oids]
        answers = self._git.run("cat-file", "--batch-check", data="".join(f"{oid}\n" for oid in wanted).encode()).text()
        for oid, answer in zip(oids, answers.split("\n"), strict=False):
            if answer.split(" ")[1:2] != ["commit"]:
                raise GitError("There is no such commit", oid or "an empty name", "It may have been pruned.")

    def tree_of(self, commit: Oid) -> Oid:
        """Returns the tree of a commit."""
        return Oid(self._git.run("rev-parse", "--verify", f"{commit}^{{tree}}").text())

    def merge_base(self, a: Oid, b: Oid) -> Oid:
        """Returns the best common ancestor; "" if there is none."""
        self.require((a, b))
        return Oid(self._git.run("merge-base", a, b, accept=(0, 1)).text())

    def is_ancestor(self, a: Oid, b: Oid) -> bool:
        """Says whether b contains a."""
        self.require((a, b))
        return self._git.run("merge-base", "--is-ancestor", a, b, accept=(0, 1)).status == 0

    def count(self, base: Oid, head: Oid) -> int:
        """Returns how many commits head has that base has not."""
        return int(self._git.run("rev-list", "--count", f"{base}..{head}", "--").text())

    def tracked(self, oid: Oid, names: Sequence[str]) -> tuple[str, ...]:
        """Returns which of these names at the top the commit has."""
        self.require((oid,))
        have = set(porcelain.names(self._git.run("ls-tree", "-z", "--name-only", oid).out))
        return tuple(name for name in names if name in have)

    def commit(self, tree: Oid, parents: Sequence[Oid], message: str, stamp: CommitStamp) -> Oid:
        """Makes a commit; equal arguments give the same one."""
        lines = [f"tree {tree}", *(f"parent {parent}" for parent in parents)]
        head = "\n".join([*lines, f"author {ident(stamp)}", f"committer {ident(stamp)}"])
        body = f"{head}\n\n{message.rstrip()}\n".encode("utf-8", "replace").replace(b"\0", b"")
        return Oid(self._git.run("hash-object", "-t", "commit", "-w", "--stdin", data=body, durable=True).text())

    def fold(self, base: Oid, members: Sequence[FoldMember], stamp: CommitStamp) -> Fold:
        """Merges the members one after the other onto base; stops at the first conflict.

        Attributes come from the base for every step: no member decides how the others are merged.
        """
        self.require((base, *(member.head for member in members)))
        steps = list[Oid]()
        tip, tree = base, self.tree_of(base)
        with self._private.merging(self._attributes(base)) as git:
            for member in members:
                merged = _merged(git, tip, member.head)
                if not merged.clean:
                    names = (TARGET, *(earlier.agent for earlier in members))
                    culprit = names[_first_conflict(git, (base, *steps), member.head)]
                    conflict = FoldConflict(member.agent, culprit, merged.files)
                    return Fold(tuple(steps), tip, tree, conflict)
                tree = merged.tree
                tip = self.commit(tree, (tip, member.head), member.message, stamp)
                steps.append(tip)
        return Fold(tuple(steps), tip, tree)

    def landing(self, base: Oid, tip: Oid, message: str, stamp: CommitStamp) -> Oid:
        """Makes the one commit for the target: parents (base, tip), the tree of the tip."""
        self.require((base, tip))
        return self.commit(self.tree_of(tip), (base, tip), message, stamp)

    def revert(self, base: Oid, new: Oid, tip: Oid, message: str, stamp: CommitStamp) -> Fold:
        """Takes base..new back on tip.

        The tree of base, as a child of new, merged into tip, is what a revert of the landing commit gives.
        """
        self.require((base, new, tip))
        undone = self.commit(self.tree_of(base), (new,), "orch-tui: as before", stamp)
        with self._private.merging(self._attributes(tip)) as git:
            merged = _merged(git, tip, undone)
        if not merged.clean:
            return Fold((), tip, self.tree_of(tip), FoldConflict("", TARGET, merged.files))
        made = self.commit(merged.tree, (tip,), message, stamp)
        return Fold((made,), made, merged.tree)

    def restore(self, revert: Oid, message: str, stamp: CommitStamp) -> Oid:
        """Makes the commit that brings back what a revert took: on the revert, with the tree before it."""
        self.require((revert,))
        before = Oid(self._git.run("rev-parse", "--verify", f"{revert}^1").text())
        return self.commit(self.tree_of(before), (revert,), message, stamp)

    def _attributes(self, commit: Oid) -> str:
        listing = self._git.run("ls-tree", "-r", "-z", "--format=%(objectmode) %(objectname) %(path)", commit).out
        blobs = dict(_attribute_files(listing))
        return joined_attributes({directory: self._content(blob) for directory, blob in blobs.items()})

    def _content(self, blob: Oid) -> str:
        return porcelain.text(self._git.run("cat-file", "blob", blob).out)


def _attribute_files(listing: bytes) -> Iterator[tuple[str, Oid]]:
    ending = _ATTRIBUTES.encode()
    for line in listing.split(b"\0"):
        if line.endswith(ending):
            mode, oid, path = porcelain.text(line).split(" ", 2)
            directory, _, name = path.rpartition("/")
            if name == _ATTRIBUTES and mode != SYMLINK:
                yield directory, Oid(oid)


def _merged(git: GitDirectory, ours: Oid, theirs: Oid) -> Merge:
    args = (*_MERGE, "--write-tree", ours, theirs)
    output = git.run(*args, accept=range(256), durable=True)
    merge = porcelain.merge(output.status, output.out)
    if merge is None:
        raise failure(args, output, "The two histories have nothing in common, or an object is missing.")
    return merge


def _first_conflict(git: GitDirectory, tips: Sequence[Oid], head: Oid) -> int:
    """Returns the place of the first tip that cannot take head; the step before it still could."""
    pairs = "".join(f"{tip} {head}\n" for tip in tips).encode()
    found = porcelain.merges(git.run(*_MERGE, "--stdin", data=pairs, accept=(0, 1)).out)
    return next((place for place, merge in enumerate(found) if not merge.clean), len(tips) - 1)
