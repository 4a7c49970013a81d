"""The journal screen: every fact since the console was opened, newest last, filtered by words."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import ClassVar

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content

from orch_tui.core.ports import MissionVerbs
from orch_tui.model.facts import Record
from orch_tui.model.plain import counted
from orch_tui.tui.bridge import Bridge
from orch_tui.tui.messages import FilterChanged
from orch_tui.tui.present import journal as present
from orch_tui.tui.screens.frame import OrchScreen
from orch_tui.tui.selection import Selection
from orch_tui.tui.widgets.row_list import Row, RowList


class JournalScreen(OrchScreen):
    """The facts; the cursor on the last one stays on the last one."""

    where: ClassVar[str] = "journal"
    AUTO_FOCUS = "#facts"

    def __init__(self, mission: MissionVerbs, clock: Callable[[], float], bridge: Bridge) -> None:
        super().__init__(mission, clock)
        self._bridge = bridge
        self._words = ""

    def compose_body(self) -> ComposeResult:
        """Makes the list and its filter."""
        with Vertical(classes="body panel", id="facts-panel"):
            facts = RowList(id="facts")
            facts.empty = present.EMPTY
            yield facts

    def on_mount(self) -> None:
        """Fills the list."""
        super().on_mount()
        self._fill()

    def watch_fleet(self) -> None:
        """Adds what happened."""
        if self.is_mounted and self.is_current:
            self._fill()

    def on_screen_resume(self) -> None:
        """Fills the list when the operator comes back."""
        super().on_screen_resume()
        self._fill()

    def _fill(self) -> None:
        shown = [r for r in self._bridge.records if not self._words or present.matches(r, self._words)]
        facts = self.query_one(RowList)
        at_end = facts.cursor >= len(facts.rows) - 1
        facts.set_rows([Row(str(r.seq), r, partial(_line, r)) for r in shown])
        if at_end and facts.rows:
            facts.select(facts.rows[-1].key)
        part = f"{len(shown)} of " if self._words else ""
        self.entitle("#facts-panel", f"{part}{counted(self._bridge.seen, 'fact')} since the console was opened")

    async def action_filter(self) -> None:
        """Opens the filter."""
        await self.open_filter("#facts-panel", "filter by words")

    def on_filter_changed(self, event: FilterChanged) -> None:
        """Filters as it is typed."""
        self._words = event.words.strip()
        self._fill()

    def on_filter_left(self) -> None:
        """Goes back to the list with the filter on."""
        self.query_one(RowList).focus()

    async def action_back(self) -> None:
        """Takes the filter away, then goes back to the mission."""
        if await self.close_filter():
            self.query_one(RowList).focus()
        else:
            await super().action_back()

    def selection(self) -> Selection:
        """Returns the agent or stream that the selected fact is about."""
        fleet, key = self.mission.fleet, self.query_one(RowList).selected
        record = next((r for r in self._bridge.records if str(r.seq) == key), None)
        about = present.subject(record.fact) if record else ""
        agent = fleet.agent(about)
        return Selection(fleet, stream=agent.stream if agent else "", agent=agent.id if agent else "")


def _line(record: Record, width: int) -> Content:
    return present.row(record, width)
