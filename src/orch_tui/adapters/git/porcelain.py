"""Turns what git prints into values. Pure: bytes in, model values out; runs nothing, reads nothing."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from msgspec.structs import replace

from orch_tui.model.diff import ChangeKind, FileChange
from orch_tui.model.ids import Oid

BRANCHES = "refs/heads/"

_OID = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
_REF = re.compile(r"(?:HEAD|refs/(?!.*(?:\.\.|@\{|//|/\.|\.lock$|\.lock/))[^\x00-\x20\x7f~^:?*\[\\]+(?<![./]))")
_KINDS: dict[str, ChangeKind] = {"A": "added", "D": "deleted", "R": "renamed", "C": "copied", "T": "type"}


class Entry(NamedTuple):
    """One worktree in git's list."""

    path: str
    head: Oid
    branch: str
    """The full ref name; empty when detached."""
    locked: bool
    bare: bool


class Merge(NamedTuple):
    """What git made of merging two commits in memory."""

    tree: Oid
    clean: bool
    files: tuple[str, ...]


def is_oid(text: str) -> bool:
    """Says whether the text is a full object name."""
    return _OID.fullmatch(text) is not None


def is_ref(text: str) -> bool:
    """Says whether the text is `HEAD` or a full ref name, so that it means that one ref and nothing else."""
    return _REF.fullmatch(text) is not None


def short(ref: str) -> str:
    """Returns a branch without `refs/heads/`; anything else unchanged."""
    return ref.removeprefix(BRANCHES)


def text(raw: bytes) -> str:
    """Returns a name as text from which the same bytes can be made again."""
    return raw.decode("utf-8", "surrogateescape")


def raw(name: str) -> bytes:
    """Returns the bytes of a name."""
    return name.encode("utf-8", "surrogateescape")


def names(out: bytes) -> tuple[str, ...]:
    """Returns the names of a list that is separated by NUL."""
    return tuple(text(name) for name in out.split(b"\0") if name)


def listed(paths: Sequence[str]) -> bytes:
    """Returns the names as git reads them with `-z --stdin`."""
    return b"".join(raw(path) + b"\0" for path in paths)


def worktrees(out: bytes) -> tuple[Entry, ...]:
    """Reads `worktree list --porcelain -z`."""
    return tuple(_worktree(block.split(b"\0")) for block in out.split(b"\0\0") if block.strip(b"\0"))


def _worktree(lines: Sequence[bytes]) -> Entry:
    pairs = [text(line).partition(" ") for line in lines if line]
    values = {key: value for key, _, value in pairs}
    return Entry(
        path=values.get("worktree", ""),
        head=Oid(values.get("HEAD", "")),
        branch=values.get("branch", ""),
        locked="locked" in values,
        bare="bare" in values,
    )


def heads(out: bytes) -> dict[str, Oid]:
    """Reads `for-each-ref --format=%(refname)%00%(objectname)`."""
    pairs = (line.split(b"\0") for line in out.splitlines() if line)
    return {text(pair[0]): Oid(pair[1].decode()) for pair in pairs}


def merge(status: int, out: bytes) -> Merge | None:
    """Reads `merge-tree --write-tree -z --name-only --no-messages`; None if git could not say.

    Status 1 means a conflict and also "that is no commit": only a tree in front makes it an answer.
    """
    tree, *files = out.split(b"\0")
    if status not in (0, 1) or not is_oid(tree.decode("ascii", "replace")):
        return None
    return Merge(Oid(tree.decode()), status == 0, tuple(dict.fromkeys(text(name) for name in files if name)))


def merges(out: bytes) -> tuple[Merge, ...]:
    """Reads the records of `merge-tree --stdin -z --name-only --no-messages`, as many as are complete."""
    fields = iter(out.split(b"\0"))
    found = []
    for status in fields:
        if status not in (b"0", b"1"):
            break
        tree = next(fields, b"").decode("ascii", "replace")
        files = tuple(dict.fromkeys(text(name) for name in iter(lambda: next(fields, b""), b"")))
        found.append(Merge(Oid(tree), status == b"1", files))
    return tuple(found)


def changes(out: bytes) -> tuple[FileChange, ...]:
    """Reads `diff-tree -r -z -M --raw --numstat`: first all raw entries, then all counts, in one order.

    Raises:
        ValueError: The two lists do not belong together.
    """
    fields = out.split(b"\0")
    entries = list[FileChange]()
    at = 0
    while fields[at].startswith(b":"):
        change, at = _entry(fields, at)
        entries.append(change)
    counts = list(_counts(fields[at:]))
    return tuple(_counted(change, count) for change, count in zip(entries, counts, strict=True))


def _entry(fields: Sequence[bytes], at: int) -> tuple[FileChange, int]:
    old_mode, new_mode, old, new, status = fields[at][1:].decode("ascii").split(" ")
    letter = status[0]
    two = letter in "RC"
    kind = _KINDS.get(letter, "mode" if old == new else "modified")
    change = FileChange(
        path=text(fields[at + (2 if two else 1)]),
        kind=kind,
        old_path=text(fields[at + 1]) if two else "",
        old_mode=old_mode,
        new_mode=new_mode,
        old_blob=Oid(old),
        new_blob=Oid(new),
    )
    return change, at + (3 if two else 2)


def _counts(fields: Sequence[bytes]) -> Iterator[tuple[bytes, bytes]]:
    rest = iter(fields)
    for field in rest:
        if not field:
            continue
        added, removed, path = field.split(b"\t", 2)
        if not path:  # a rename: old and new name follow
            next(rest, None)
            next(rest, None)
        yield added, removed


def _counted(change: FileChange, count: tuple[bytes, bytes]) -> FileChange:
    added, removed = count
    if added == b"-":
        return replace(change, binary=True)
    return replace(change, added=int(added), removed=int(removed))
