"""The only writer of stdout: JSON, lines and tables; plain text with little colour, and none where nobody sees it.

Whatever comes from an agent, from git or from a file is made harmless here, because everything passes through here.
"""

from __future__ import annotations

import os
import sys
import unicodedata
from collections.abc import Iterable, Sequence

import click
import msgspec

from orch_tui.cli import diagnostics
from orch_tui.model.diff import readable
from orch_tui.model.errors import EnvironmentProblem
from orch_tui.model.plain import one_line, visible
from orch_tui.model.verbs import Outcome

MARK = "SIMULATED"
"""What stands beside every figure that no real model earned."""


def line(text: str = "", *, bold: bool = False, fg: str = "") -> None:
    """Writes a line, or lines, of text."""
    shown = visible(text)
    if (bold or fg) and _coloured():
        shown = click.style(shown, bold=bold or None, fg=fg or None)
    _write(shown + "\n")


def lines(texts: Iterable[str]) -> None:
    """Writes several lines at once."""
    _write("".join(visible(text) + "\n" for text in texts))


def text(piece: str) -> None:
    """Writes a piece of somebody else's text as it is but for what would act on a terminal."""
    _write(visible(piece))


def data(raw: bytes) -> None:
    """Writes bytes for another program."""
    _write(raw)


def json(value: object, *, one_line: bool = False) -> None:
    """Writes a value as JSON."""
    try:
        raw = msgspec.json.encode(value)
    except UnicodeEncodeError:
        raw = msgspec.json.encode(_encodable(msgspec.to_builtins(value)))
    _write((raw if one_line else msgspec.json.format(raw, indent=2)) + b"\n")


def cut(text: str, *, limit: int) -> str:
    """Returns the text as one line: cut for a person at a terminal, whole for everybody else."""
    return one_line(text, limit=limit if to_terminal() else max(limit, len(text)))


def table(rows: Sequence[Sequence[str]], *, head: Sequence[str] = (), right: Iterable[int] = ()) -> None:
    """Writes rows in columns as wide as their widest cell; the columns in `right` are flush right."""
    shown = [[visible(cell).replace("\n", " ") for cell in row] for row in ([head, *rows] if head else rows)]
    widths = [max(map(_width, column)) for column in zip(*shown, strict=True)]
    flush = frozenset(right)
    for number, row in enumerate(shown):
        cells = (_padded(cell, widths[i], right=i in flush) for i, cell in enumerate(row))
        text_line = "  ".join(cells).rstrip()
        _write((click.style(text_line, bold=True) if head and not number and _coloured() else text_line) + "\n")


def outcome(done: Outcome, *, as_json: bool) -> None:
    """Writes what a verb answered in words."""
    if as_json:
        json(done)
        return
    line(done.message)
    lines(f"  {each}" for each in done.lines)


def behind(paths: Sequence[str]) -> None:
    """Writes which files of a checkout could not follow the target, and why that is harmless."""
    if paths:
        line("Your checkout keeps its own version of files that you changed:")
        lines(f"  {path}" for path in paths)


def to_terminal() -> bool:
    """Says whether a person reads what is written."""
    return sys.stdout.isatty()


def _encodable(value: object) -> object:
    r"""Returns a value in which each byte that is no UTF-8, as a path may hold, is written as `\xNN`."""
    if isinstance(value, str):
        return readable(value)
    if isinstance(value, dict):
        return {key: _encodable(inner) for key, inner in value.items()}
    return [_encodable(inner) for inner in value] if isinstance(value, list | tuple) else value


def _coloured() -> bool:
    return to_terminal() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def _padded(cell: str, width: int, *, right: bool) -> str:
    space = " " * (width - _width(cell))
    return space + cell if right else cell + space


def _width(cell: str) -> int:
    """Returns the columns that a text takes on a terminal."""
    if cell.isascii():
        return len(cell)
    wide = sum(unicodedata.east_asian_width(character) in "WF" for character in cell)
    return len(cell) + wide - sum(unicodedata.combining(character) > 0 for character in cell)


def _write(what: str | bytes) -> None:
    """Writes now; ends the process quietly when nobody reads any more."""
    if isinstance(what, str):
        encoding = sys.stdout.encoding or "utf-8"
        what = what.encode(encoding, "backslashreplace").decode(encoding)
    try:
        click.echo(what, nl=False)
        sys.stdout.flush()
    except BrokenPipeError:
        # The interpreter would complain on its way out about what is left in the buffer.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(diagnostics.BROKEN_PIPE)
    except OSError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        reason = error.strerror or str(error)
        raise EnvironmentProblem("cannot write the output", reason, "Make room there, or write elsewhere.") from error
