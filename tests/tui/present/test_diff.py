from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orch_tui.tui.present.diff import MOST_CHARACTERS, PatchIndex
from tests.tui.sample import PATCH

DATA = PATCH.encode("utf-8", "surrogatepass")


def whole(data: bytes, step: int = 1 << 20) -> PatchIndex:
    index = PatchIndex(data)
    while not index.complete:
        index.extend(step)
    return index


@pytest.mark.parametrize("step", [1, 7, 64, 1 << 20])
def test_lines_files_and_blocks_are_found_in_steps_of_any_size(step: int) -> None:
    index = whole(DATA, step)
    assert index.lines == DATA.count(b"\n")
    assert [index.line(i).text for i in index.files] == [
        "diff --git a/ledger/booking.py b/ledger/booking.py",
        "diff --git a/tests/test_booking.py b/tests/test_booking.py",
    ]
    assert index.line(index.hunks[0]).text == "@@ -1,6 +1,8 @@ class Booking:"
    assert len(index.hunks) == 3


def test_lines_have_the_numbers_of_their_sides() -> None:
    index = whole(DATA)
    shown = [index.line(i) for i in range(5, 13)]
    assert [(x.kind, x.old, x.new) for x in shown] == [
        ("context", 1, 1), ("context", 2, 2), ("removed", 3, 0), ("added", 0, 3),
        ("added", 0, 4), ("added", 0, 5), ("context", 4, 6), ("context", 5, 7),
    ]  # fmt: skip


def test_numbers_hold_in_a_long_block_wherever_one_looks_first() -> None:
    body = b"".join(b"+new\n-old\n same\n" for _ in range(10_000))
    index = whole(b"diff --git a/x b/x\n@@ -5,1 +7,1 @@\n" + body)
    last = index.line(index.lines - 1)
    assert (last.old, last.new) == (5 + 2 * 9_999 + 1, 7 + 2 * 9_999 + 1)
    first = index.line(2)
    assert (first.kind, first.new) == ("added", 7)
    middle = index.line(2 + 3 * 5_000)
    assert middle.new == 7 + 2 * 5_000


def test_content_that_looks_like_a_mark_is_content() -> None:
    index = whole(b"diff --git a/x b/x\n@@ -1,1 +1,3 @@\n+diff --git a/y b/y\n+@@ -9,9 +9,9 @@\n x\n")
    assert len(index.files) == 1
    assert len(index.hunks) == 1
    assert index.line(2).kind == "added"


def test_control_and_direction_characters_become_symbols_and_long_lines_are_cut() -> None:
    index = whole(b"diff --git a/x b/x\n@@ -1 +1 @@\n+\x1b[2J\xe2\x80\xae\xff\r\n+" + b"y" * 10_000 + b"\n")
    assert index.line(2).text == "␛[2J⟨202E⟩\ufffd␍"
    assert len(index.line(3).text) == MOST_CHARACTERS + 1


@pytest.mark.parametrize("step", [1, 7, 1 << 20])
def test_no_line_shows_the_newline_that_ends_it(step: int) -> None:
    index = whole(DATA, step)
    assert index.line(index.lines - 1).text == "    assert booking.total() == ZERO"
    assert not any("␊" in index.line(i).text for i in range(index.lines))


def test_last_line_is_whole_while_the_rest_was_not_read() -> None:
    index = PatchIndex(b"diff --git a/x b/x\n@@ -0,0 +1,2 @@\n+one\n+two\n")
    index.extend(40)
    assert index.line(index.lines - 1).text in ("one", "two")


def test_empty_patch_has_no_lines() -> None:
    index = PatchIndex(b"")
    assert index.complete
    assert index.lines == 0


def test_walks_between_marks() -> None:
    index = whole(DATA)
    first, second, third = index.hunks
    assert index.after(index.hunks, first) == second
    assert index.after(index.hunks, third) is None
    assert index.before(index.hunks, third) == second
    assert index.before(index.hunks, first) is None


@given(st.binary(max_size=400), st.integers(1, 50))
def test_any_bytes_can_be_shown(data: bytes, step: int) -> None:
    index = whole(data, step)
    for i in range(index.lines):
        assert "\x1b" not in index.line(i).text
    assert index.lines == data.count(b"\n") + (bool(data) and not data.endswith(b"\n"))
