"""Numbers with the noun or the verb that fits them. Pure."""

from __future__ import annotations


def counted(number: int, one: str, many: str = "") -> str:
    """Returns a number of things: `1 agent`, `2 agents`, `3 branches` where the plural is odd."""
    return f"{number} {one if number == 1 else many or one + 's'}"
