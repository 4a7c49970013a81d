"""Reads and moves refs in the operator's repository; the only git commands beside `worktree` that run there."""

from __future__ import annotations

import time
from pathlib import Path

from orch_tui.adapters.git.command import GitDirectory, failure
from orch_tui.adapters.git.lock import GitLock
from orch_tui.adapters.git.porcelain import heads, is_oid, is_ref
from orch_tui.adapters.git.unfinished import Unfinished
from orch_tui.model.errors import GitError
from orch_tui.model.ids import Oid
from orch_tui.model.landing import CommitStamp

BACKUPS = "refs/orch/backup/"

_ATTEMPTS = 20
_PAUSE_SECONDS = 0.05


class Refs:
    """The refs of one repository."""

    def __init__(self, shared: GitDirectory, private: GitDirectory, lock: GitLock, unfinished: Unfinished) -> None:
        self._shared = shared
        self._private = private
        self._lock = lock
        self._unfinished = unfinished

    def resolve(self, ref: str) -> Oid:
        """Returns the commit of a full ref name or object name; "" if there is none."""
        oid = ref if is_oid(ref) else self.value(ref)
        return self.commit(oid) if oid else Oid("")

    def value(self, ref: str) -> Oid:
        """Returns what a ref holds, not peeled; "" if it is missing."""
        if not is_ref(ref):
            return Oid("")
        return Oid(self._shared.run("rev-parse", "--verify", "--quiet", ref, accept=(0, 1, 128)).text())

    def commit(self, oid: str) -> Oid:
        """Returns the commit that an object is or peels to; "" if it is missing or something else."""
        answer = self._private.run("cat-file", "--batch-check", data=f"{oid}^{{commit}}\n".encode()).text().split(" ")
        return Oid(answer[0] if len(answer) == 3 and answer[1] == "commit" else "")

    def heads(self, prefix: str) -> dict[str, Oid]:
        """Returns the refs at or below a prefix with what they hold."""
        pattern = prefix.rstrip("/")
        return heads(self._shared.run("for-each-ref", "--format=%(refname)%00%(objectname)", pattern).out)

    def move(self, ref: str, new: Oid, old: Oid, why: str) -> bool:
        """Moves one ref by compare-and-swap, synced to disk; False when it was not at `old`.

        Args:
            ref: The full name.
            new: Where it goes; "" deletes it.
            old: Where it must be; "" means that it must not exist.
            why: The line of the reflog.

        Raises:
            GitError: The ref could not be written although it was at `old`.
        """
        nothing = "0" * len(new or old)
        target = ("-d", ref, old) if not new else (ref, new, old or nothing)
        with self._lock.held() as lock, self._unfinished.marked(ref, self.locks(ref)):
            for _ in range(_ATTEMPTS):
                output = self._shared.run(
                    "update-ref", "-m", _line(why), *target, accept=range(256), fds=(lock,), durable=True
                )
                if output.status == 0:
                    return True
                if self.value(ref) != old:
                    return False
                time.sleep(_PAUSE_SECONDS)
        raise failure(["update-ref"], output, f"{ref} is locked or cannot be written; nothing was moved.")

    def pin(self, ref: str, oid: Oid) -> None:
        """Lets a ref of ours hold an object, whatever it held before."""
        if not ref.startswith("refs/orch/") or not is_ref(ref):
            raise GitError("That is no ref of ours", ref, "Pins lie under refs/orch/.")
        with self._lock.held() as lock, self._unfinished.marked(ref, self.locks(ref)):
            self._shared.run("update-ref", "-m", "orch-tui: pin", ref, oid, fds=(lock,), durable=True)

    def unpin(self, ref: str) -> None:
        """Removes a ref of ours; one that is missing is fine."""
        if not ref.startswith("refs/orch/") or not is_ref(ref):
            raise GitError("That is no ref of ours", ref, "Pins lie under refs/orch/.")
        with self._lock.held() as lock, self._unfinished.marked(ref, self.locks(ref)):
            self._shared.run("update-ref", "-d", ref, fds=(lock,), durable=True)

    def locks(self, ref: str) -> tuple[Path, ...]:
        """Returns the lock files that writing this ref can leave when git is killed."""
        names = (ref, "HEAD", "ORIG_HEAD", "packed-refs")
        return tuple(self._shared.path / f"{name}.lock" for name in names)

    def tag(self, name: str, oid: Oid, message: str, stamp: CommitStamp) -> None:
        """Makes an annotated tag on a commit; the same tag on the same commit again is fine.

        Raises:
            GitError: The tag exists elsewhere, or the name cannot be a tag.
        """
        ref = f"refs/tags/{name}"
        if not is_ref(ref):
            raise GitError("That cannot be the name of a tag", name)
        if self.resolve(ref) == oid:
            return
        body = f"object {oid}\ntype commit\ntag {name}\ntagger {ident(stamp)}\n\n{message.rstrip()}\n"
        made = Oid(self._private.run("mktag", data=body.encode("utf-8", "replace"), durable=True).text())
        if not self.move(ref, made, Oid(""), "orch-tui: tag") and self.resolve(ref) != oid:
            raise GitError(
                "The tag is there already and points elsewhere",
                f"{name} is at {self.resolve(ref) or 'no commit'}, not at {oid}",
                "Rename or delete that tag, then try again.",
            )

    def pushed(self, oid: Oid) -> bool:
        """Says whether any remote-tracking ref contains the commit."""
        return bool(self._shared.run("for-each-ref", "--count=1", f"--contains={oid}", "refs/remotes").out)


def ident(stamp: CommitStamp) -> str:
    """Returns the stamp as git writes it into an object."""
    return f"{_plain(stamp.name) or 'orch-tui'} <{_plain(stamp.email)}> {stamp.at} +0000"


def _plain(words: str) -> str:
    return "".join(" " if char in "<>\n\0" else char for char in words).strip()


def _line(words: str) -> str:
    return " ".join(words.split())
