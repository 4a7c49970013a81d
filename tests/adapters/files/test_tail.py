from __future__ import annotations

import os
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orch_tui.adapters.files.tail import LINE_CAP, PAGE_CAP, Growth, Tail, decode_page


@pytest.fixture
def notes(tmp_path):
    return tmp_path / "AGENT_NOTES.md"


def append(path, data: bytes) -> None:
    with path.open("ab") as file:
        file.write(data)


def whole(tail: Tail, size: int) -> str:
    """Reads all pages of a file, one after the other."""
    text, at = "", 0
    while (page := tail.page(at, size)).next > at:
        text, at = text + page.text, page.next
    return text


class TestGrown:
    def test_nothing_until_the_file_exists_and_nothing_when_it_stays(self, notes):
        tail = Tail(notes)
        assert tail.grown() is None
        append(notes, b"one\n")
        assert tail.grown() == Growth(4)
        assert tail.grown() is None
        append(notes, b"two\n")
        assert tail.grown() == Growth(8)
        assert tail.read(4, 100) == b"two\n"

    def test_an_empty_file_is_no_growth(self, notes):
        notes.touch()
        assert Tail(notes).grown() is None

    def test_truncation_starts_over(self, notes):
        append(notes, b"a long text\n")
        tail = Tail(notes)
        tail.grown()
        notes.write_bytes(b"short\n")
        assert tail.grown() == Growth(6, restarted=True)

    def test_truncated_and_grown_past_its_old_end_between_two_looks(self, notes):
        append(notes, b"first life\n")
        tail = Tail(notes)
        tail.grown()
        notes.write_bytes(b"second life, which is much longer than the first\n")
        assert tail.grown() == Growth(49, restarted=True)

    def test_another_file_under_the_name_starts_over(self, notes, tmp_path):
        append(notes, b"same text\n")
        tail = Tail(notes)
        tail.grown()
        other = tmp_path / "other"
        other.write_bytes(b"same text\nand more\n")
        other.replace(notes)
        assert tail.grown() == Growth(19, restarted=True)

    def test_rotated_away_and_begun_again(self, notes, tmp_path):
        append(notes, b"old\n")
        tail = Tail(notes)
        tail.grown()
        notes.rename(tmp_path / "AGENT_NOTES.md.1")
        assert tail.grown() is None
        append(notes, b"new and longer\n")
        assert tail.grown() == Growth(15, restarted=True)
        assert tail.page(0, 100).text == "new and longer\n"

    def test_an_engine_that_comes_back_goes_on_where_the_last_one_was(self, notes):
        append(notes, b"12345678")
        assert Tail(notes, offset=8).grown() is None
        assert Tail(notes, offset=3).grown() == Growth(8)
        assert Tail(notes, offset=9).grown() == Growth(8, restarted=True)


class TestRefused:
    def test_a_link(self, notes, tmp_path):
        secret = tmp_path / "secret"
        secret.write_text("password")
        notes.symlink_to(secret)
        tail = Tail(notes)
        assert tail.grown() is None
        assert tail.refused == "it is a symbolic link"
        assert tail.read(0, 100) == b""
        assert tail.page(0, 100).text == ""
        assert tail.last_page(100).text == ""

    def test_a_link_in_place_of_a_directory_below_the_root(self, tmp_path):
        outside, tree = tmp_path / "outside", tmp_path / "tree"
        outside.mkdir()
        tree.mkdir()
        (outside / "AGENT_NOTES.md").write_text("password")
        (tree / ".orch").symlink_to(outside)
        tail = Tail(tree / ".orch" / "AGENT_NOTES.md", root=tree)
        assert tail.grown() is None
        assert "symbolic link" in tail.refused
        assert tail.read(0, 100) == b""

    def test_a_pipe_does_not_make_the_reader_wait(self, notes):
        os.mkfifo(notes)
        tail = Tail(notes)
        assert tail.grown() is None
        assert "regular file" in tail.refused

    def test_a_directory(self, notes):
        notes.mkdir()
        tail = Tail(notes)
        assert tail.grown() is None
        assert tail.refused

    def test_it_is_read_once_it_is_a_file_again(self, notes, tmp_path):
        notes.symlink_to(tmp_path / "secret")
        tail = Tail(notes)
        tail.grown()
        notes.unlink()
        append(notes, b"honest\n")
        assert tail.grown() == Growth(7)
        assert tail.refused == ""


class TestPage:
    def test_a_page_ends_after_a_whole_line(self, notes):
        append(notes, b"one\ntwo\nthree")
        page = Tail(notes).page(0, 10)
        assert (page.text, page.offset, page.next, page.size) == ("one\ntwo\n", 0, 8, 13)

    def test_the_last_line_is_shown_before_it_ends(self, notes):
        append(notes, b"one\ntw")
        page = Tail(notes).page(0, 100)
        assert (page.text, page.next) == ("one\ntw", 6)

    def test_a_character_written_in_halves_waits_for_its_end(self, notes):
        append(notes, "aß漢".encode()[:-1])
        page = Tail(notes).page(0, 100)
        assert (page.text, page.next) == ("aß", 3)
        append(notes, "漢".encode()[-1:])
        assert Tail(notes).page(page.next, 100).text == "漢"

    def test_half_a_character_that_never_ends_is_not_waited_for_for_ever(self, notes):
        append(notes, b"a\xe6\xbc")
        assert whole(Tail(notes), 100) == "a\N{REPLACEMENT CHARACTER}"

    def test_bytes_that_are_not_utf8(self, notes):
        append(notes, b"caf\xe9 \xff\x00\n")
        assert Tail(notes).page(0, 100).text == "caf\N{REPLACEMENT CHARACTER} \N{REPLACEMENT CHARACTER}␀\n"

    def test_the_last_page_starts_with_a_whole_line(self, notes):
        append(notes, b"one\ntwo\nthree\n")
        tail = Tail(notes)
        assert tail.last_page(8).text == "three\n"
        assert tail.last_page(6).text == "three\n"
        assert tail.last_page(100).text == "one\ntwo\nthree\n"
        assert tail.last_page(4).text == "ree\n"

    def test_past_the_end_and_odd_numbers(self, notes):
        append(notes, b"one\n")
        tail = Tail(notes)
        assert tail.page(4, 10).text == ""
        assert tail.page(400, 10).text == ""
        assert tail.page(-5, 10).text == "one\n"
        assert tail.page(0, -1).text == ""
        assert tail.read(-1, 2) == b"on"

    @pytest.mark.parametrize("megabytes", [1, 64])
    def test_a_line_of_many_megabytes_stays_small_on_every_page(self, notes, megabytes):
        with notes.open("wb") as file:
            file.truncate(megabytes * 1024 * 1024)
        append(notes, b"\nlast\n")
        tail = Tail(notes)
        page = tail.page(0, 10**9)
        assert page.next == PAGE_CAP
        assert len(page.text) < LINE_CAP + 50
        assert page.text.endswith("more characters)")
        assert tail.last_page(100).text == "last\n"

    @given(data=st.binary(max_size=300), size=st.integers(1, 40))
    def test_pages_cover_every_byte_once(self, tmp_path_factory, data, size):
        path = tmp_path_factory.mktemp("pages") / "f"
        path.write_bytes(data)
        tail, at, read = Tail(path), 0, b""
        while (page := tail.page(at, size)).next > at:
            read += tail.read(at, page.next - at)
            at = page.next
        assert read == data


def test_terminal_sequences_do_nothing():
    assert decode_page(b"\x1b[31mred\x1b[0m\r\n\x1b]52;c;cm0=\x07x\x1b[2J\rboo") == "red\nx␍boo"


def test_markup_is_only_text():
    assert decode_page(b"[bold red]x[/] [@click=quit]y[/]") == "[bold red]x[/] [@click=quit]y[/]"


def test_a_long_line_among_short_ones_is_cut_alone():
    text = decode_page(b"a\n" + b"x" * (LINE_CAP + 1234) + b"\nb\n")
    first, long, last, _ = text.split("\n")
    assert (first, last) == ("a", "b")
    assert long == "x" * LINE_CAP + "… (1,234 more characters)"


def test_a_writer_at_full_speed_is_followed_to_its_last_byte(notes):
    def write() -> None:
        for number in range(2000):
            append(notes, b"line %d\n" % number)

    writer = threading.Thread(target=write)
    writer.start()
    tail, read = Tail(notes), 0
    text = b""
    while writer.is_alive() or tail.size < notes.stat().st_size:
        growth = tail.grown()
        if growth is not None:
            assert not growth.restarted
            while read < growth.size:
                piece = tail.read(read, growth.size - read)
                text, read = text + piece, read + len(piece)
    writer.join()
    assert text == b"".join(b"line %d\n" % number for number in range(2000))
