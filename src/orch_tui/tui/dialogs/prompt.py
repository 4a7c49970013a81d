"""Asks for a text of one or more lines."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Button, Static, TextArea

from orch_tui.tui.present.cells import safe


class PromptDialog(ModalScreen[str]):
    """A few lines to write; `ctrl+s` sends, `esc` leaves without."""

    CSS_PATH = "dialogs.tcss"

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+s", "send", "Send", show=False, priority=True),
        Binding("escape", "leave", "Leave", show=False, priority=True),
    ]

    def __init__(self, title: str, hint: str, button: str) -> None:
        super().__init__()
        self._heading = title
        self._hint = hint
        self._button = button

    def compose(self) -> ComposeResult:
        """Makes the dialog."""
        with Vertical(classes="dialog") as dialog:
            dialog.border_title = Content(safe(self._heading))
            yield Static(Content(self._hint), markup=False, classes="dialog-hint")
            yield TextArea(id="text", compact=True, soft_wrap=True, show_line_numbers=False)
            with Horizontal(classes="dialog-buttons"):
                yield Button("esc  leave", id="leave", compact=True)
                yield Button(Content(f"ctrl+s  {self._button}"), id="send", variant="primary", compact=True)

    def on_mount(self) -> None:
        """Puts the cursor into the text."""
        area = self.query_one(TextArea)
        area.cursor_blink = False
        area.focus()

    def on_button_pressed(self, event: Button.Pressed) -> None:
        """Sends or leaves."""
        self.dismiss(self.query_one(TextArea).text.strip() if event.button.id == "send" else "")

    def action_send(self) -> None:
        """Answers with the text, if there is one."""
        text = self.query_one(TextArea).text.strip()
        if text:
            self.dismiss(text)

    def action_leave(self) -> None:
        """Answers with nothing."""
        self.dismiss("")
