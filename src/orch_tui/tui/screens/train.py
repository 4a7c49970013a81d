"""The train screen: streams in landing order with their members, why each waits, and what landed."""

from __future__ import annotations

from functools import partial
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content

from orch_tui.tui.messages import AgentWanted
from orch_tui.tui.present import train as present
from orch_tui.tui.screens.frame import OrchScreen
from orch_tui.tui.selection import Selection
from orch_tui.tui.widgets.detail import FactsPane
from orch_tui.tui.widgets.row_list import Row, RowList


class TrainScreen(OrchScreen):
    """The order on one side, what is selected in full on the other."""

    where: ClassVar[str] = "train"
    AUTO_FOCUS = "#cars"

    def compose_body(self) -> ComposeResult:
        """Makes list and detail."""
        with Horizontal(classes="body"):
            with Vertical(id="train-panel", classes="panel"):
                cars = RowList(id="cars")
                cars.empty = present.EMPTY
                yield cars
            with Vertical(id="train-detail-panel", classes="panel"):
                yield FactsPane(id="train-detail")

    def on_mount(self) -> None:
        """Fills the list."""
        super().on_mount()
        self.entitle("#train-panel", "Train")
        self._cars: dict[str, present.Car] = {}
        self._fill()

    def watch_fleet(self) -> None:
        """Fills the list anew."""
        if self.is_mounted:
            self._fill()

    def _fill(self) -> None:
        self._cars = {car.key: car for car in present.cars(self.mission.fleet)}
        rows = [Row(c.key, c.value, partial(self._line, c), selectable=bool(c.kind)) for c in self._cars.values()]
        self.query_one(RowList).set_rows(rows)
        self._show()

    def _line(self, car: present.Car, width: int) -> Content:
        return present.row(car, width, self.clock())

    def _car(self) -> present.Car | None:
        return self._cars.get(self.query_one(RowList).selected)

    @on(RowList.Moved)
    def _show(self) -> None:
        car = self._car()
        self.entitle("#train-detail-panel", car.batch or car.agent or car.stream if car else "")
        self.query_one(FactsPane).put(present.detail(car, self.mission.fleet, self.clock()))

    @on(RowList.Opened)
    def _open(self) -> None:
        car = self._car()
        if car and car.agent:
            self.post_message(AgentWanted(car.agent))

    def reveal(self, stream: str) -> None:
        """Puts the cursor on a stream."""
        self.query_one(RowList).select(stream)

    def redraw(self) -> None:
        """Draws again what depends on the time."""
        super().redraw()
        self.query_one(RowList).redraw()
        self._show()

    def selection(self) -> Selection:
        """Returns the selected stream, agent or batch."""
        car, fleet = self._car(), self.mission.fleet
        if car is None:
            return Selection(fleet)
        return Selection(fleet, stream=car.stream, agent=car.agent, batch=car.batch)
