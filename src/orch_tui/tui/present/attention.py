"""What waits for the operator, as rows, and what can be done about each. Pure."""

from __future__ import annotations

from textual.content import Content

from orch_tui.model.attention import Item
from orch_tui.tui import look
from orch_tui.tui.present import when
from orch_tui.tui.present.cells import cell, right, safe

KIND = 12
AGE = 5
SUBJECT = 20

_DO: dict[str, tuple[tuple[str, str], ...]] = {
    "blocked": (("m", "answer it"), ("enter", "look at its notes"), ("x", "stop it")),
    "review": (("enter", "read the diff"), ("m", "say something")),
    "conflict": (("enter", "see the files"), ("m", "tell one of the agents")),
    "gate": (("enter", "see the gate"),),
    "land": (("M", "land it"), ("enter", "see the train")),
    "budget": (("5", "see where it goes"),),
    "stalled": (("m", "nudge it"), ("r", "restart it")),
    "checkout": (("4", "see the train"),),
    "target": (("4", "see the train"),),
}
_ELSE = (("r", "restart it"), ("enter", "look at its output"))


def key(item: Item) -> str:
    """Returns the item's key in a list."""
    return f"{item.kind} {item.subject} {item.text if item.kind == 'gate' else ''}"


def row(item: Item, width: int, now: float) -> Content:
    """Returns one item as a line of that many cells."""
    state = look.attention(item.kind)
    subject = min(SUBJECT + 6, max(SUBJECT, width // 5))
    room = width - KIND - subject - AGE - 4
    return Content.assemble(
        " ",
        cell(state.text, KIND, state.tone),
        " ",
        cell(item.subject, subject, look.PLAIN),
        " ",
        cell(safe(item.text), room, look.MUTED),
        right(when.age(item.since, now), AGE, look.MUTED),
        " ",
    )


def detail(item: Item) -> Content:
    """Returns the whole text of an item and the keys that help."""
    state = look.attention(item.kind)
    keys = [Content.assemble((k, look.KEY), (f" {does}", look.MUTED)) for k, does in _DO.get(item.kind, _ELSE)]
    return Content.assemble(
        (f"{state.text}  ", state.tone),
        (item.subject, look.STRONG),
        "\n",
        (safe(item.text), look.PLAIN),
        "\n\n",
        Content("   ").join(keys),
    )


EMPTY = Content.styled("Nothing waits for you. Agents that finish, block or fail show up here.", look.MUTED)
