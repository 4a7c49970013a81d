from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from orch_tui.core.lines import LineSplitter


def test_a_line_that_comes_in_pieces():
    lines = LineSplitter()
    assert lines.feed(b"ab") == []
    assert lines.pending == 2
    assert lines.feed(b"c\nd\r\n\ne") == [b"abc", b"d", b""]
    assert lines.pending == 1
    assert lines.finish() == [b"e"]
    assert lines.finish() == []


def test_a_line_past_the_cap_is_cut_and_the_next_is_whole():
    lines = LineSplitter(cap=4)
    assert lines.feed(b"abc") == []
    assert lines.feed(b"defg") == []
    assert lines.pending == 7
    assert lines.feed(b"h\nxy\n") == [b"abcd", b"xy"]
    assert lines.dropped == 4
    assert lines.pending == 0


def test_a_line_of_64_mib_holds_no_more_than_the_cap():
    lines = LineSplitter(cap=1000)
    chunk = b"x" * 65_536
    for _ in range(1024):
        assert lines.feed(chunk) == []
    assert lines.feed(b"\n") == [b"x" * 1000]
    assert lines.dropped == 64 * 1024 * 1024 - 1000


@given(st.lists(st.binary(max_size=40)))
def test_cutting_into_chunks_changes_nothing(chunks):
    lines = LineSplitter()
    out = [line for chunk in chunks for line in lines.feed(chunk)] + lines.finish()
    whole = b"".join(chunks).split(b"\n")
    if not whole[-1]:
        whole.pop()
    assert out == [line.removesuffix(b"\r") for line in whole]
