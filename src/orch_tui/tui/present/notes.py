"""Lines of notes, output and tasks: how one is tinted, how it is folded to a width. Pure."""

from __future__ import annotations

from textual.content import Content

from orch_tui.model.plain import without_sequences
from orch_tui.tui import look

MOST_CHARACTERS = 4_000
"""A longer line is cut; the file has all of it."""

_TAB = 4


def clean(line: str) -> str:
    """Returns a stranger's line as harmless text of a bounded length."""
    cut = without_sequences(line[: MOST_CHARACTERS + 1]).expandtabs(_TAB)
    return cut if len(line) <= MOST_CHARACTERS else cut[:MOST_CHARACTERS] + "…"


def markdown_tone(line: str) -> str:
    """Returns the tone of a line of Markdown by how it begins."""
    text = line.lstrip()
    if text.startswith("#"):
        return look.TITLE
    if text.startswith((">", "```")):
        return look.MUTED
    return look.GOOD if text.startswith(("- [x]", "- [X]")) else look.PLAIN


def plain_tone(_line: str) -> str:
    """Returns the tone of a line of output."""
    return look.PLAIN


def folded(line: str, tone: str, width: int) -> list[Content]:
    """Returns the line as it fits the width, folded between words."""
    content = Content.styled(line, tone)
    if content.cell_length <= width:
        return [content]
    return content.wrap(max(2, width))
