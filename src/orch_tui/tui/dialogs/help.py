"""Every key, by what it is for; made from the command table."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from orch_tui.tui import look
from orch_tui.tui.commands import Command, groups, shown_key

KEYS = 14


class HelpDialog(ModalScreen[None]):
    """The keys of the screen below."""

    CSS_PATH = "dialogs.tcss"

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,q,question_mark,enter", "close", "Close", show=False)]

    def __init__(self, where: str) -> None:
        super().__init__()
        self._where = where

    def compose(self) -> ComposeResult:
        """Makes the page."""
        with Vertical(classes="dialog -page") as dialog:
            dialog.border_title = Content(f"Keys on the {self._where} screen")
            dialog.border_subtitle = Content("esc closes")
            with VerticalScroll(classes="dialog-page"):
                yield Static(Content("\n").join(list(_lines(self._where))), markup=False)

    def action_close(self) -> None:
        """Goes back."""
        self.dismiss(None)


def _lines(where: str) -> Iterator[Content]:
    for group, commands in groups(where).items():
        yield Content.styled(group, look.TITLE)
        for command in commands:
            yield _line(command)
    yield Content.styled("Lists also know j k g G, page keys, and the mouse.", look.MUTED)


def _line(command: Command) -> Content:
    keys = "  ".join(shown_key(key) for key in command.keys)
    return Content.assemble((f"  {keys:<{KEYS}}", look.KEY), (command.help, look.PLAIN))
