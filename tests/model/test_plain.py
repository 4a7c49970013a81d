from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from orch_tui.model.plain import counted, one_line, visible, without_sequences


def test_ordinary_text_stays_as_it_is():
    text = "Überprüft:\tΩ 漢字 🚀 [bold]not markup[/]\n"
    assert visible(text) == text
    assert without_sequences(text) == text


def test_controls_become_symbols():
    assert visible("a\x00b\x1bc\x7fd\re") == "a␀b␛c␡d␍e"


def test_direction_and_invisible_characters_become_their_code():
    assert visible("user\u202eexe.txt") == "user⟨202E⟩exe.txt"
    assert visible("a\u2066b\u200bc\ufeffd\U000e0041") == "a⟨2066⟩b⟨200B⟩c⟨FEFF⟩d⟨E0041⟩"


def test_complete_terminal_sequences_are_left_out():
    assert (
        without_sequences("\x1b[1;31mred\x1b[0m \x1b]0;title\x07ok \x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\")
        == "red ok link"
    )


def test_an_unfinished_sequence_hides_nothing():
    assert without_sequences("\x1b]0;the rest\nof the page") == "␛]0;the rest\nof the page"
    assert without_sequences("end \x1b[3") == "end ␛[3"


def test_one_line_is_cut():
    assert one_line("a  b\n\nc", limit=9) == "a b c"
    assert one_line("abcdefghij", limit=5) == "abcd…"


@given(st.text())
def test_nothing_that_acts_is_left(text):
    left = set(without_sequences(text)) - {"\t", "\n"}
    assert all(c >= " " and not "\x7f" <= c <= "\x9f" and not "\ud800" <= c <= "\udfff" for c in left)
    one_line(text, limit=20).encode()


def test_one_is_not_many():
    assert (counted(1, "agent"), counted(0, "agent"), counted(3, "branch", "branches")) == (
        "1 agent",
        "0 agents",
        "3 branches",
    )
