"""Cells of a row: text cut and padded to a width, and rows of cells joined. Pure; nothing here is ever markup."""

from __future__ import annotations

from textual.content import Content

from orch_tui.model.plain import one_line

MOST_CHARACTERS = 400
"""No cell is wider than any terminal."""


def safe(text: str, limit: int = MOST_CHARACTERS) -> str:
    """Returns a stranger's text as one harmless line."""
    return one_line(text, limit=limit)


def cell(text: str | Content, width: int, tone: str = "") -> Content:
    """Returns text of exactly that many cells, cut with an ellipsis."""
    content = text if isinstance(text, Content) else Content.styled(text, tone)
    return content.truncate(max(0, width), ellipsis=True, pad=True)


def right(text: str, width: int, tone: str = "") -> Content:
    """Returns text of exactly that many cells, against the right edge."""
    content = Content.styled(text, tone)
    if content.cell_length >= width:
        return cell(content, width)
    return content.pad_left(width - content.cell_length)


def bar(share: float, width: int, *, mark: float, tone: str, empty: str, marked: str) -> Content:
    """Returns a gauge of that many cells: filled up to a share, with a mark where an alert stands."""
    filled = round(min(1.0, max(0.0, share)) * width)
    at = min(width - 1, round(mark * width)) if 0 < mark < 1 else -1
    parts = [_piece(i, filled, at, tone, empty, marked) for i in range(width)]
    return Content.assemble(*parts).simplify()


def _piece(i: int, filled: int, at: int, tone: str, empty: str, marked: str) -> tuple[str, str]:
    if i == at:
        return ("┃", marked)
    return ("━", tone) if i < filled else ("─", empty)
