"""Asks before something that cannot be taken back: names the object, the steps and what they mean."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Button, Static

from orch_tui.model.preview import Preview
from orch_tui.tui import look
from orch_tui.tui.present.cells import safe


class ConfirmDialog(ModalScreen[bool]):
    """Shows a preview; the safe answer has the focus."""

    CSS_PATH = "dialogs.tcss"

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,n", "answer(False)", "No", show=False),
        Binding("y", "answer(True)", "Yes", show=False),
        Binding("left,right,up,down,h,l,j,k", "other", "Other answer", show=False),
    ]

    def __init__(self, preview: Preview, answer: str) -> None:
        super().__init__()
        self._preview = preview
        self._answer = answer

    def compose(self) -> ComposeResult:
        """Makes the dialog."""
        with Vertical(classes="dialog -danger") as dialog:
            dialog.border_title = Content(safe(self._preview.title))
            with VerticalScroll(classes="dialog-text", can_focus=False):
                yield Static(Content("\n").join(list(_lines(self._preview))), markup=False)
            with Horizontal(classes="dialog-buttons"):
                yield Button("n  No, keep it", id="no", compact=True)
                yield Button(Content(f"y  Yes, {self._answer}"), id="yes", variant="error", compact=True)

    def on_mount(self) -> None:
        """Puts the focus on the safe answer."""
        self.query_one("#no").focus()

    def on_button_pressed(self, event: Button.Pressed) -> None:
        """Answers."""
        self.dismiss(event.button.id == "yes")

    def action_answer(self, agreed: bool) -> None:
        """Answers by key."""
        self.dismiss(agreed)

    def action_other(self) -> None:
        """Moves between the two answers."""
        self.focus_next(Button)


def _lines(preview: Preview) -> Iterator[Content]:
    for step in preview.steps:
        yield Content.assemble(("• ", look.BUSY), (safe(step), look.PLAIN))
    if preview.losses:
        yield Content.styled("\nWhat this means:" if preview.steps else "What this means:", look.WARN)
    for loss in preview.losses:
        yield Content.assemble(("▲ ", look.WARN), (safe(loss), look.WARN))
