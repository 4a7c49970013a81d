"""A patch as numbered, tinted lines over its bytes: nothing is read before it is to be seen.

The index knows where lines begin and where files and blocks are; it grows while the end has not been reached.
Content cannot look like a mark: within a block every line begins with a blank, a plus, a minus or a backslash.
"""

from __future__ import annotations

import re
from array import array
from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate
from typing import Protocol

from msgspec import Struct

from orch_tui.model.plain import visible

MOST_CHARACTERS = 2_000
MOST_BYTES = MOST_CHARACTERS * 4
CHUNK = 1 << 20

_MARK = re.compile(rb"^(?:@@ -(\d+)(?:,\d+)? \+(\d+)|diff --git )", re.MULTILINE)
_TAB = 4
_NOTHING = (0, 0, 0)

STEP = 4_096
"""So many lines apart, a long block remembers what was counted up to there."""


class Bytes(Protocol):
    """What an index needs of a patch: a slice, and where a byte is."""

    def __getitem__(self, part: slice, /) -> bytes:
        """Returns a part."""

    def __len__(self) -> int:
        """Returns the size."""

    def find(self, sub: bytes, start: int, end: int, /) -> int:
        """Returns where those bytes are; -1 if they are not."""


class PatchLine(Struct, frozen=True):
    """One line to show: `kind` is file, meta, hunk, added, removed, context or note; a number of 0 is not shown."""

    kind: str
    text: str
    old: int = 0
    new: int = 0


class PatchIndex:
    """Where the lines, files and blocks of a patch are, as far as it was read."""

    def __init__(self, data: Bytes) -> None:
        self._data = data
        self._starts = array("Q", [0] if len(data) else [])
        self._read = 0
        self._files: list[int] = []
        self._hunks: list[tuple[int, int, int]] = []
        self._counts: dict[tuple[int, int], tuple[int, int, int]] = {}

    @property
    def complete(self) -> bool:
        """Says whether the end was reached."""
        return self._read >= len(self._data)

    @property
    def lines(self) -> int:
        """Returns how many lines are known."""
        return len(self._starts)

    @property
    def files(self) -> Sequence[int]:
        """Returns the lines on which a file begins."""
        return self._files

    @property
    def hunks(self) -> Sequence[int]:
        """Returns the lines on which a block begins."""
        return [line for line, _, _ in self._hunks]

    def extend(self, size: int = CHUNK) -> None:
        """Reads one more chunk, up to the end of a line."""
        begin, total = self._read, len(self._data)
        end = total
        if begin + size < total:
            newline = self._data.find(b"\n", begin + size, total)
            end = total if newline < 0 else newline + 1
        chunk = self._data[begin:end]
        first = len(self._starts) - 1
        lengths = [len(line) + 1 for line in chunk.split(b"\n")[:-1]]
        starts = array("Q", accumulate(lengths, initial=begin))
        # The last start is the end of this chunk: the next line's, or none where the patch ends.
        self._starts.extend(starts[1:] if begin + sum(lengths) < total else starts[1:-1])
        self._mark(chunk, begin, starts, first)
        self._read = end

    def _mark(self, chunk: bytes, begin: int, starts: array[int], first: int) -> None:
        for match in _MARK.finditer(chunk):
            line = first + bisect_right(starts, begin + match.start()) - 1
            if match[1] is None:
                self._files.append(line)
            else:
                self._hunks.append((line, int(match[1]), int(match[2])))

    def line(self, index: int) -> PatchLine:
        """Returns one line, made harmless and clipped."""
        raw = self._raw(index)
        block = self._block(index)
        if block is None:
            return _heading(raw)
        begin, old, new = block
        if index == begin:
            return PatchLine("hunk", _clean(raw))
        old, new = self._numbers(begin, old, new, index)
        return _body(raw, old, new)

    def _raw(self, index: int) -> bytes:
        start = self._starts[index]
        end = self._starts[index + 1] if index + 1 < len(self._starts) else len(self._data)
        return self._data[start : min(end, start + MOST_BYTES + 4)].removesuffix(b"\n")

    def _block(self, index: int) -> tuple[int, int, int] | None:
        place = bisect_right(self._hunks, index, key=lambda h: h[0]) - 1
        if place < 0:
            return None
        found = self._hunks[place]
        file = bisect_right(self._files, index) - 1
        return None if file >= 0 and self._files[file] > found[0] else found

    def _numbers(self, begin: int, old: int, new: int, index: int) -> tuple[int, int]:
        """Returns the numbers of the line on both sides: the block's first, and what stands between."""
        step, counted = begin + 1, _NOTHING
        while index - step >= STEP:
            key = (begin, step + STEP)
            if key not in self._counts:
                self._counts[key] = self._count(step, step + STEP, counted)
            step, counted = step + STEP, self._counts[key]
        added, removed, notes = self._count(step, index, counted)
        between = index - begin - 1
        return old + between - added - notes, new + between - removed - notes

    def _count(self, first: int, index: int, so_far: tuple[int, int, int]) -> tuple[int, int, int]:
        passed = b"\n" + self._data[self._starts[first] : self._starts[index] - 1] if index > first else b""
        added, removed, notes = (passed.count(mark) for mark in (b"\n+", b"\n-", b"\n\\"))
        return so_far[0] + added, so_far[1] + removed, so_far[2] + notes

    def after(self, marks: Sequence[int], line: int) -> int | None:
        """Returns the first mark below a line."""
        place = bisect_right(marks, line)
        return marks[place] if place < len(marks) else None

    def before(self, marks: Sequence[int], line: int) -> int | None:
        """Returns the last mark above a line."""
        above = [m for m in marks[: bisect_right(marks, line)] if m < line]
        return above[-1] if above else None


def _heading(raw: bytes) -> PatchLine:
    kind = "file" if raw.startswith(b"diff --git ") else "meta"
    return PatchLine(kind, _clean(raw))


def _body(raw: bytes, old: int, new: int) -> PatchLine:
    text = _clean(raw[1:])
    mark = raw[:1]
    if mark == b"+":
        return PatchLine("added", text, 0, new)
    if mark == b"-":
        return PatchLine("removed", text, old, 0)
    return PatchLine("note", text) if mark == b"\\" else PatchLine("context", text, old, new)


def _clean(raw: bytes) -> str:
    text = raw[:MOST_BYTES].decode("utf-8", "replace")
    cut = visible(text[:MOST_CHARACTERS].expandtabs(_TAB))
    return cut[:MOST_CHARACTERS] + "…" if len(text) > MOST_CHARACTERS or len(raw) > MOST_BYTES else cut
