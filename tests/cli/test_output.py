from __future__ import annotations

import json

import pytest

from orch_tui.cli import output


def test_a_table_is_as_wide_as_its_widest_cells(capsys):
    output.table([["a", "1"], ["long name", "10"]], head=("name", "n"), right=(1,))
    assert capsys.readouterr().out == "name        n\na           1\nlong name  10\n"


def test_wide_and_combining_characters_keep_the_columns(capsys):
    output.table([["日本", "x"], ["e\u0301", "x"], ["abcd", "x"]])
    assert [line.index("x") for line in capsys.readouterr().out.splitlines()] == [
        4,
        7,
        6,
    ]  # in characters: two wide ones take four columns, a combining one none


def test_a_cell_stays_on_its_line_and_cannot_act(capsys):
    output.table([["a\nb\x1b[2Jc\u202e"]])
    assert capsys.readouterr().out == "a b␛[2Jc⟨202E⟩\n"


def test_lines_and_text_are_harmless(capsys):
    output.line("a\x07")
    output.lines(["b\r", "c"])
    output.text("d\x9b")
    assert capsys.readouterr().out == "a␇\nb␍\nc\nd⟨009B⟩"


def test_json_has_no_control_characters_and_takes_any_path(capsys):
    output.json({"path": b"a\xff\x1b".decode("utf-8", "surrogateescape"), "list": [1, "\udc80"]})
    out = capsys.readouterr().out
    assert "\x1b" not in out
    assert json.loads(out) == {"path": "a\\xff\x1b", "list": [1, "\\x80"]}


@pytest.mark.parametrize("variables", [{}, {"NO_COLOR": "1"}])
def test_colour_only_where_somebody_sees_it(capsys, monkeypatch, variables):
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    output.line("x", bold=True, fg="red")
    assert capsys.readouterr().out == "x\n"
