"""What every screen has: the line of screens, the fleet's meters, the keys, and the fleet as one reactive value."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from textual.app import ComposeResult
from textual.content import Content
from textual.reactive import var
from textual.screen import Screen

from orch_tui.core.ports import MissionVerbs
from orch_tui.model.fleet import Fleet
from orch_tui.tui.messages import FilterChanged, ScreenWanted
from orch_tui.tui.selection import Selection
from orch_tui.tui.widgets.caption import Caption
from orch_tui.tui.widgets.lines import KeyLine, NavLine, StatusLine

AGES_SECONDS = 5.0
"""Ages and rates are drawn anew so often while nothing else changes."""


class OrchScreen(Screen[None]):
    """A screen of the console; `fleet` is set by the bridge, everything shown is a function of it."""

    CSS_PATH = "screens.tcss"
    AUTO_FOCUS = ""

    where: ClassVar[str] = ""
    """The screen's name in the command table."""

    fleet: var[Fleet | None] = var(None)
    """The mission as it is now."""

    away: var[bool] = var(False)
    """Whether the engine cannot be reached."""

    caption: var[str] = var("")
    """What a narrator says."""

    def __init__(self, mission: MissionVerbs, clock: Callable[[], float]) -> None:
        super().__init__()
        self.mission = mission
        self._clock = clock
        self._moment = clock()
        self._titles: dict[str, str] = {}
        self.set_reactive(OrchScreen.fleet, mission.fleet)

    def compose(self) -> ComposeResult:
        """Makes the frame around the screen's body."""
        yield NavLine(self.where).data_bind(OrchScreen.fleet)
        yield from self.compose_body()
        yield Caption().data_bind(words=OrchScreen.caption)
        yield StatusLine(self.clock).data_bind(OrchScreen.fleet, OrchScreen.away)
        yield KeyLine(self.where)

    def compose_body(self) -> ComposeResult:
        """Makes what is between the lines."""
        yield from ()

    def on_mount(self) -> None:
        """Keeps the ages true."""
        self.set_interval(AGES_SECONDS, self._tick)

    def clock(self) -> float:
        """Returns the moment that is drawn: the same for every cell until all are drawn again, so that they agree."""
        return self._moment

    def _tick(self) -> None:
        if self.is_current:
            self.redraw()

    def redraw(self) -> None:
        """Draws again what depends on the time, all of it for one moment."""
        self._moment = self._clock()
        self.query_one(StatusLine).redraw()

    def entitle(self, panel: str, title: str) -> None:
        """Puts a title on a panel's border; the panel is painted only where it is another one."""
        if title != self._titles.get(panel):
            self._titles[panel] = title
            self.query_one(panel).border_title = Content(title)

    async def open_filter(self, panel: str, hint: str) -> None:
        """Opens the filter below a panel's list, with the words that it had."""
        found = self.query("FilterBox")
        if not found:
            from orch_tui.tui.widgets.filter_box import FilterBox  # Input: 20 ms

            await self.query_one(panel).mount(FilterBox(hint))
        self.query_one("FilterBox").focus()

    async def close_filter(self) -> bool:
        """Takes the filter away with its words; says whether there was one."""
        found = self.query("FilterBox")
        if found:
            await found.remove()
            self.post_message(FilterChanged(""))
        return bool(found)

    def on_screen_resume(self) -> None:
        """Takes the newest fleet and the present when the operator comes back."""
        self._moment = self._clock()
        self.fleet = self.mission.fleet
        self.call_after_refresh(self.redraw)

    def selection(self) -> Selection:
        """Returns what the operator has selected."""
        return Selection(self.mission.fleet)

    async def action_back(self) -> None:
        """Goes back to the mission."""
        self.post_message(ScreenWanted("mission"))

    def on_nav_line_chosen(self, event: NavLine.Chosen) -> None:
        """Goes where the operator clicked."""
        self.post_message(ScreenWanted(event.screen_name))
