"""The one-line widgets at the edges of every screen, and a text that is a function of the fleet."""

from __future__ import annotations

from collections.abc import Callable

from textual import events
from textual.content import Content
from textual.message import Message
from textual.reactive import reactive, var
from textual.widget import Widget

from orch_tui.model.attention import attention
from orch_tui.model.fleet import Fleet
from orch_tui.tui.commands import SCREENS, offered
from orch_tui.tui.present import status


class FleetLine(Widget):
    """A line that is a function of the fleet; it is painted only when it would look different."""

    DEFAULT_CSS = """
    FleetLine { height: 1; background: $panel; }
    """

    fleet: var[Fleet | None] = var(None)
    """The mission as it is now."""

    def __init__(self, draw: Callable[[Fleet, int], Content]) -> None:
        super().__init__()
        self._draw = draw
        self._line = Content("")

    def redraw(self) -> None:
        """Draws the line again where it would look different."""
        line = self._draw(self.fleet, self.size.width) if self.fleet else Content("")
        if not line.is_same(self._line):
            self._line = line
            self.refresh()

    def watch_fleet(self) -> None:
        """Draws the line of the new fleet."""
        self.redraw()

    def on_resize(self) -> None:
        """Draws the line as wide as it is now."""
        self.redraw()

    def render(self) -> Content:
        """Returns what was drawn last."""
        return self._line


class NavLine(FleetLine):
    """The screens, the one we are on, and how much waits on the others."""

    DEFAULT_CSS = """
    NavLine { dock: top; }
    """

    class Chosen(Message):
        """The operator clicked the name of a screen."""

        def __init__(self, screen_name: str) -> None:
            super().__init__()
            self.screen_name = screen_name

    def __init__(self, where: str) -> None:
        super().__init__(lambda fleet, width: status.nav(fleet, where, attention(fleet), width))

    def on_click(self, event: events.Click) -> None:
        """Goes to the screen whose name was clicked."""
        left = self._line.plain[: event.x + 1]
        passed = [name for i, name in enumerate(SCREENS, start=1) if f" {i} " in left + " "]
        if passed:
            self.post_message(self.Chosen(passed[-1]))


class StatusLine(FleetLine):
    """The fleet's meters and what waits for the operator."""

    away: var[bool] = var(False)
    """Whether the engine cannot be reached."""

    def __init__(self, clock: Callable[[], float]) -> None:
        super().__init__(
            lambda fleet, width: status.status(fleet, attention(fleet), width, now=clock(), away=self.away)
        )

    def watch_away(self) -> None:
        """Says so."""
        self.redraw()


class KeyLine(Widget):
    """The keys that work here."""

    DEFAULT_CSS = """
    KeyLine { height: 1; }
    """

    def __init__(self, where: str) -> None:
        super().__init__()
        self._commands = offered(where)

    def render(self) -> Content:
        """Draws as many keys as fit."""
        return status.keys(self._commands, self.size.width)


class TabLine(Widget):
    """The names of tabs, the open one marked."""

    DEFAULT_CSS = """
    TabLine { height: 1; }
    """

    tab: reactive[str] = reactive("")
    """The open tab."""

    class Chosen(Message):
        """The operator clicked a tab."""

        def __init__(self, tab: str) -> None:
            super().__init__()
            self.tab = tab

    def __init__(self, tabs: tuple[str, ...], tab: str) -> None:
        super().__init__()
        self._tabs = tabs
        self.set_reactive(TabLine.tab, tab)

    def render(self) -> Content:
        """Draws the names."""
        return status.tabs(self._tabs, self.tab)

    def on_click(self, event: events.Click) -> None:
        """Opens the tab that was clicked."""
        at = 0
        for name in self._tabs:
            at += len(name) + 2
            if event.x < at:
                self.post_message(self.Chosen(name))
                return
