"""The live tree: mission, streams, tasks, agents. Rows are reconciled by key; nothing is cleared and filled again."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.content import Content
from textual.reactive import var
from textual.widget import Widget

from orch_tui.model.fleet import Fleet
from orch_tui.tui.present import fleet as present
from orch_tui.tui.widgets.row_list import Row, RowList


class FleetTree(RowList):
    """The hierarchy with what each node does and costs."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("space", "toggle_node", "Collapse", show=False),
        Binding("left,h", "fold", "Close", show=False),
        Binding("right", "unfold", "Open", show=False),
    ]

    fleet: var[Fleet | None] = var(None)
    """The mission as it is now."""

    query_text: var[str] = var("", init=False)
    """What the rows are filtered by."""

    def __init__(self, clock: Callable[[], float], *, id: str | None = None) -> None:  # noqa: A002  Textual's word
        super().__init__(id=id)
        self._clock = clock
        self._shut: frozenset[str] = frozenset()
        self._shown: dict[str, present.Node] = {}

    @property
    def node(self) -> present.Node | None:
        """Returns the selected node."""
        return self._shown.get(self.selected)

    def watch_fleet(self) -> None:
        """Takes in the new fleet."""
        self._reconcile()

    def watch_query_text(self) -> None:
        """Shows what matches."""
        self._reconcile()

    def reveal_agent(self, agent: str) -> bool:
        """Opens what is closed above an agent and selects it; says whether there is one."""
        found = self.fleet.agent(agent) if self.fleet else None
        if found is None:
            return False
        above = {present.ROOT, found.stream, present.task_key(found.stream, found.task)}
        self._close(self._shut - above)
        return self.select(agent)

    def _reconcile(self) -> None:
        fleet = self.fleet
        if fleet is None:
            return
        nodes = present.nodes(fleet, self._shut, self.query_text)
        self._shown = {node.key: node for node in nodes}
        self.set_rows([Row(node.key, _value(node), partial(self._line, node)) for node in nodes])

    def _line(self, node: present.Node, width: int) -> Content:
        day = self.fleet.day if self.fleet else ""
        return present.row(node, width, now=self._clock(), day=day)

    def _close(self, closed: frozenset[str]) -> None:
        if closed != self._shut:
            self._shut = closed
            self.redraw()
            self._reconcile()

    def action_toggle_node(self) -> None:
        """Opens or closes the selected node."""
        node = self.node
        if node and node.branch:
            self._close(self._shut ^ {node.key})
        elif node:
            self.select(node.parent)
            self._close(self._shut | {node.parent})

    def action_fold(self) -> None:
        """Closes the selected node, or goes to the one above."""
        node = self.node
        if node and node.branch and node.open:
            self._close(self._shut | {node.key})
        elif node and node.parent:
            self.select(node.parent)

    def action_unfold(self) -> None:
        """Opens the selected node, or goes to the first one below."""
        node = self.node
        if node and node.branch and not node.open:
            self._close(self._shut - {node.key})
        elif node and node.branch:
            self.action_move(1)


def _value(node: present.Node) -> tuple[object, ...]:
    parts = node.value if isinstance(node.value, tuple) else (node.value,)
    return (node.open, node.guides, *parts)


class ColumnHeads(Widget):
    """The titles of the tree's columns."""

    DEFAULT_CSS = """
    ColumnHeads { height: 1; }
    """

    def render(self) -> Content:
        """Draws the titles that fit."""
        return present.heads(self.size.width)
