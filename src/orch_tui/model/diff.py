"""Changes between two commits: files, blocks, lines.

Pure. Names, modes and kinds come from git's raw listing; the patch text gives only the lines, and the
two are joined by position, because names inside a patch are quoted.

A path is text with `surrogateescape`, so that any name a disk can hold survives; `readable` makes it fit
for a screen or for JSON.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Literal

import msgspec

from orch_tui.model.ids import Oid

ChangeKind = Literal["added", "deleted", "modified", "renamed", "copied", "type", "mode"]
LineKind = Literal["context", "added", "removed"]

SYMLINK = "120000"
SUBMODULE = "160000"

_HUNK = re.compile(rb"@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@ ?(.*)")
_KINDS: dict[bytes, LineKind] = {b" ": "context", b"+": "added", b"-": "removed", b"": "context"}


class FileChange(msgspec.Struct, frozen=True):
    """One entry of git's raw listing with its line counts."""

    path: str
    kind: ChangeKind
    old_path: str = ""
    """Where a renamed or copied file was; else empty."""
    added: int = 0
    removed: int = 0
    binary: bool = False
    old_mode: str = ""
    new_mode: str = ""
    old_blob: Oid = Oid("")
    new_blob: Oid = Oid("")

    @property
    def symlink(self) -> bool:
        """Says whether either side is a symbolic link."""
        return SYMLINK in (self.old_mode, self.new_mode)

    @property
    def submodule(self) -> bool:
        """Says whether either side is a submodule."""
        return SUBMODULE in (self.old_mode, self.new_mode)


class Line(msgspec.Struct, frozen=True):
    """One line of a block."""

    kind: LineKind
    text: str
    old: int
    """Its number on the old side; 0 for an added line."""
    new: int
    """Its number on the new side; 0 for a removed line."""
    ends: bool = True
    """False for a last line without a newline."""


class Hunk(msgspec.Struct, frozen=True):
    """One block that git prints under an `@@` line."""

    old_start: int
    old_count: int
    new_start: int
    new_count: int
    heading: str
    lines: tuple[Line, ...]


class File(msgspec.Struct, frozen=True):
    """A changed file with its blocks; none for binary files, pure renames and mode changes."""

    change: FileChange
    hunks: tuple[Hunk, ...]


def readable(path: str) -> str:
    r"""Returns the path with each byte that is no UTF-8 as `\xNN`, so that it can be encoded."""
    return path.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def parse_patch(patch: bytes, changes: Sequence[FileChange]) -> tuple[File, ...]:
    """Joins the text of a patch with the changes it belongs to, by position.

    Raises:
        ValueError: The patch has not the sections that the changes call for.
    """
    sections = _sections(patch)
    return tuple(File(change, _hunks_of(change, sections)) for change in changes)


def _hunks_of(change: FileChange, sections: Iterator[tuple[Hunk, ...]]) -> tuple[Hunk, ...]:
    # Git prints a change of type as a removal and an addition.
    found = list(islice(sections, 2 if change.kind == "type" else 1))
    if not found:
        raise ValueError(f"the patch ends before {readable(change.path)}")
    return tuple(hunk for section in found for hunk in section)


def _sections(patch: bytes) -> Iterator[tuple[Hunk, ...]]:
    lines = patch.split(b"\n")
    at, hunks, inside = 0, list[Hunk](), False
    while at < len(lines):
        if lines[at].startswith(b"diff --git "):
            if inside:
                yield tuple(hunks)
            hunks, inside, at = [], True, at + 1
        elif inside and (header := _HUNK.match(lines[at])):
            hunk, at = _hunk(header, lines, at + 1)
            hunks.append(hunk)
        else:
            at += 1
    if inside:
        yield tuple(hunks)


def _hunk(header: re.Match[bytes], lines: list[bytes], at: int) -> tuple[Hunk, int]:
    """Reads exactly the lines that the header counts, so that no content can look like a header."""
    old, new = int(header[1]), int(header[3])
    old_count, new_count = _count(header[2]), _count(header[4])
    old_end, new_end = old + old_count, new + new_count
    read = list[Line]()
    old_at, new_at = old, new
    while at < len(lines) and (old_at < old_end or new_at < new_end or lines[at].startswith(b"\\")):
        if lines[at].startswith(b"\\"):
            if read:
                read[-1] = msgspec.structs.replace(read[-1], ends=False)
        else:
            line = _line(lines[at], old_at, new_at)
            read.append(line)
            old_at += line.kind != "added"
            new_at += line.kind != "removed"
        at += 1
    return Hunk(old, old_count, new, new_count, _text(header[5]), tuple(read)), at


def _line(raw: bytes, old: int, new: int) -> Line:
    kind = _KINDS.get(raw[:1], "context")
    return Line(kind, _text(raw[1:]), 0 if kind == "added" else old, 0 if kind == "removed" else new)


def _count(digits: bytes | None) -> int:
    return 1 if digits is None else int(digits)


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "surrogateescape")
