"""The attention screen: everything that waits for the operator, most urgent first."""

from __future__ import annotations

from functools import partial
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Static

from orch_tui.model.attention import Item, attention
from orch_tui.model.fleet import Fleet
from orch_tui.tui.messages import AgentWanted, ScreenWanted, StreamWanted
from orch_tui.tui.present import attention as present
from orch_tui.tui.screens.frame import OrchScreen
from orch_tui.tui.selection import Selection
from orch_tui.tui.widgets.row_list import Row, RowList


class AttentionScreen(OrchScreen):
    """One list; what is selected is explained below it."""

    where: ClassVar[str] = "attention"
    AUTO_FOCUS = "#items"

    def compose_body(self) -> ComposeResult:
        """Makes list and explanation."""
        with Vertical(classes="body"):
            with Vertical(classes="panel", id="items-panel"):
                items = RowList(id="items")
                items.empty = present.EMPTY
                yield items
            yield Static(id="attention-detail", classes="panel", markup=False)

    def on_mount(self) -> None:
        """Fills the list."""
        super().on_mount()
        self.entitle("#items-panel", "Waits for you")
        self._fill()

    def watch_fleet(self) -> None:
        """Fills the list anew."""
        if self.is_mounted:
            self._fill()

    def _fill(self) -> None:
        items = attention(self.mission.fleet)
        rows = [Row(present.key(i), (i.text, i.since), partial(self._line, i)) for i in items]
        self.query_one(RowList).set_rows(rows)
        self._explain()

    def _line(self, item: Item, width: int) -> Content:
        return present.row(item, width, self.clock())

    def _item(self) -> Item | None:
        key = self.query_one(RowList).selected
        return next((i for i in attention(self.mission.fleet) if present.key(i) == key), None)

    @on(RowList.Moved)
    def _explain(self) -> None:
        item = self._item()
        self.query_one("#attention-detail", Static).update(present.detail(item) if item else Content(""))

    @on(RowList.Opened)
    def _open(self) -> None:
        selection = self.selection()
        if selection.agent:
            self.post_message(AgentWanted(selection.agent))
        elif selection.stream:
            self.post_message(StreamWanted(selection.stream))
        else:
            self.post_message(ScreenWanted("cost"))

    def redraw(self) -> None:
        """Draws again what depends on the time."""
        super().redraw()
        self.query_one(RowList).redraw()

    def selection(self) -> Selection:
        """Returns what the selected item is about."""
        fleet, item = self.mission.fleet, self._item()
        return _about(fleet, item.subject) if item else Selection(fleet)


def _about(fleet: Fleet, subject: str) -> Selection:
    agent, batch = fleet.agent(subject), fleet.batch(subject)
    if agent:
        return Selection(fleet, stream=agent.stream, agent=agent.id)
    if batch:
        return Selection(fleet, stream=batch.stream, batch=batch.id)
    return Selection(fleet, stream=subject if fleet.stream(subject) else "")
