"""Text from strangers, made safe to show: nothing in it can move a cursor, hide a word or reverse a line.

Every path by which an agent's text reaches a person goes through `visible`. What would act on a
terminal becomes a symbol that can be seen.
"""

from __future__ import annotations

import re

_ACTING = re.compile(
    "["
    "\x00-\x08\x0b-\x1f\x7f-\x9f"  # controls but tab and newline
    "\xad\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"  # reorder, hide, break lines
    "\ud800-\udfff"  # halves of a character, which no terminal can be sent
    "\U000e0000-\U000e007f"  # invisible tags
    "]"
)

_SEQUENCE = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]"  # CSI: colours, cursor moves
    r"|\x1b[\]PX^_][^\x07\x1b\n]*(?:\x07|\x1b\\)"  # OSC, DCS and their like, only where they end on the same line
    r"|\x1b[ -/]*[0-Z\\^-~]"  # two-character escapes
)


def visible(text: str) -> str:
    """Returns the text with every control and direction character replaced by a symbol; tab and newline stay."""
    return _ACTING.sub(_symbol, text)


def without_sequences(text: str) -> str:
    """Returns the text without complete terminal sequences; what is left of broken ones becomes symbols."""
    if "\x1b" in text:
        text = _SEQUENCE.sub("", text)
    return visible(text)


def one_line(text: str, *, limit: int) -> str:
    """Returns the text as one visible line of at most `limit` characters."""
    shown = visible(" ".join(text[: limit * 4].split()))
    return shown if len(shown) <= limit else shown[: limit - 1] + "…"


def _symbol(match: re.Match[str]) -> str:
    code = ord(match[0])
    if code < 0x20:
        return chr(0x2400 + code)
    if code == 0x7F:
        return "␡"
    if 0xD800 <= code <= 0xDFFF:
        return "\N{REPLACEMENT CHARACTER}"
    return f"⟨{code:04X}⟩"


def counted(number: int, noun: str, many: str = "") -> str:
    """Returns a number with its noun: `1 branch`, `3 branches` with `branches` given."""
    return f"{number} {noun if number == 1 else many or f'{noun}s'}"
