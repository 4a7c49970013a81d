"""The screen as plain text, from the picture that Textual makes of it."""

from __future__ import annotations

import html
import re

_TEXT = re.compile(
    r'<text[^>]*class="[^"]*-r\d+"[^>]*\bx="([\d.]+)" y="([\d.]+)" textLength="([\d.]+)"[^>]*>(.*?)</text>', re.S
)
_CELL = 12.2
_LINE = 24.4


def screen_text(svg: str) -> str:
    """Places each piece of text by its x and y; the picture's own cells are 12.2 by 24.4."""
    rows: dict[int, dict[int, str]] = {}
    for x, y, length, raw in _TEXT.findall(svg):
        text = html.unescape(raw).replace("\xa0", " ")
        row = rows.setdefault(round(float(y) / _LINE), {})
        cells = round(float(length) / _CELL)
        for i, character in enumerate(text[: max(cells, len(text))]):
            row[round(float(x) / _CELL) + i] = character
    if not rows:
        return ""
    lines = []
    for number in range(min(rows), max(rows) + 1):
        row = rows.get(number, {})
        lines.append("".join(row.get(i, " ") for i in range(max(row, default=-1) + 1)).rstrip())
    return "\n".join(lines) + "\n"
