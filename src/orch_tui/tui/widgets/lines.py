"""The one-line widgets at the edges of every screen, and a text that is a function of the fleet."""

from __future__ import annotations

from collections.abc import Callable

from textual import events
from textual.content import Content
from textual.message import Message
from textual.reactive import reactive
from textual.widget import Widget

from orch_tui.model.attention import Item, attention
from orch_tui.model.fleet import Fleet
from orch_tui.tui.commands import SCREENS, available
from orch_tui.tui.present import status


class NavLine(Widget):
    """The screens, the one we are on, and how much waits on the others."""

    DEFAULT_CSS = """
    NavLine { height: 1; background: $panel; dock: top; }
    """

    fleet: reactive[Fleet | None] = reactive(None)
    """The mission as it is now."""

    class Chosen(Message):
        """The operator clicked the name of a screen."""

        def __init__(self, screen_name: str) -> None:
            super().__init__()
            self.screen_name = screen_name

    def __init__(self, where: str) -> None:
        super().__init__()
        self._where = where

    def render(self) -> Content:
        """Draws the line."""
        if self.fleet is None:
            return Content("")
        return status.nav(self.fleet, self._where, attention(self.fleet), self.size.width)

    def on_click(self, event: events.Click) -> None:
        """Goes to the screen whose name was clicked."""
        left = self.render().plain[: event.x + 1]
        passed = [name for i, name in enumerate(SCREENS, start=1) if f" {i} " in left + " "]
        if passed:
            self.post_message(self.Chosen(passed[-1]))


class StatusLine(Widget):
    """The fleet's meters and what waits for the operator."""

    DEFAULT_CSS = """
    StatusLine { height: 1; background: $panel; }
    """

    fleet: reactive[Fleet | None] = reactive(None)
    """The mission as it is now."""

    away: reactive[bool] = reactive(False)
    """Whether the engine cannot be reached."""

    def __init__(self, clock: Callable[[], float]) -> None:
        super().__init__()
        self._clock = clock

    def render(self) -> Content:
        """Draws the line."""
        if self.fleet is None:
            return Content("")
        items: tuple[Item, ...] = attention(self.fleet)
        return status.status(self.fleet, items, self.size.width, now=self._clock(), away=self.away)


class KeyLine(Widget):
    """The keys that work here."""

    DEFAULT_CSS = """
    KeyLine { height: 1; }
    """

    def __init__(self, where: str) -> None:
        super().__init__()
        self._commands = [c for c in available(where) if c.shown]

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

    def __init__(self, tabs: tuple[tuple[str, str], ...], tab: str) -> None:
        super().__init__()
        self._tabs = tabs
        self.set_reactive(TabLine.tab, tab)

    def render(self) -> Content:
        """Draws the names."""
        return status.tabs(self._tabs, self.tab)

    def on_click(self, event: events.Click) -> None:
        """Opens the tab that was clicked."""
        at = 0
        for key, name in self._tabs:
            at += len(key) + len(name) + 3
            if event.x < at:
                self.post_message(self.Chosen(name))
                return
