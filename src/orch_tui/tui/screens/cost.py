"""The cost screen: burn rate and budget, then dollars per stream, agent and model."""

from __future__ import annotations

from functools import partial
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Static

from orch_tui.tui.messages import AgentWanted
from orch_tui.tui.present import cost as present
from orch_tui.tui.screens.frame import OrchScreen
from orch_tui.tui.selection import Selection
from orch_tui.tui.widgets.row_list import Row, RowList


class CostScreen(OrchScreen):
    """The meters of the mission."""

    where: ClassVar[str] = "cost"
    AUTO_FOCUS = "#lines"

    def compose_body(self) -> ComposeResult:
        """Makes summary and table."""
        with Vertical(classes="body"):
            yield Static(id="cost-summary", classes="panel", markup=False)
            with Vertical(classes="panel", id="lines-panel"):
                yield RowList(id="lines")

    def on_mount(self) -> None:
        """Fills the table."""
        super().on_mount()
        self.entitle("#cost-summary", "Meters")
        self.entitle("#lines-panel", "Where it goes")
        self._fill()

    def watch_fleet(self) -> None:
        """Fills the table anew."""
        if self.is_mounted:
            self._fill()

    def on_resize(self) -> None:
        """Draws the gauge as wide as there is room."""
        self._summarise()

    def _fill(self) -> None:
        lines = present.table(self.mission.fleet)
        rows = [Row(line.key, line.value, partial(self._line, line), line.selectable) for line in lines]
        self.query_one(RowList).set_rows(rows)
        self._summarise()

    def _summarise(self) -> None:
        content = present.summary(self.mission.fleet, self.clock(), self.size.width)
        self.query_one("#cost-summary", Static).update(content)

    def _line(self, line: present.Line, width: int) -> Content:
        return present.row(line, width, now=self.clock(), day=self.mission.fleet.day)

    def redraw(self) -> None:
        """Draws again what depends on the time."""
        super().redraw()
        self.query_one(RowList).redraw()
        self._summarise()

    def selection(self) -> Selection:
        """Returns the selected agent or stream."""
        fleet, key = self.mission.fleet, self.query_one(RowList).selected
        agent = fleet.agent(key)
        return Selection(fleet, stream=agent.stream if agent else key, agent=agent.id if agent else "")

    @on(RowList.Opened)
    def _open(self) -> None:
        if agent := self.selection().agent:
            self.post_message(AgentWanted(agent))
