"""Words that a list is filtered by; imported when the operator first filters."""

from __future__ import annotations

from textual.widgets import Input

from orch_tui.tui.messages import FilterChanged, FilterLeft


class FilterBox(Input):
    """One line to type into; the list follows each letter."""

    DEFAULT_CSS = """
    FilterBox { height: 1; border: none; padding: 0 1; background: $panel; }
    FilterBox:focus { border: none; }
    """

    def __init__(self, hint: str) -> None:
        super().__init__(placeholder=hint, compact=True)
        self.cursor_blink = False

    def on_input_changed(self, event: Input.Changed) -> None:
        """Says what the words are now."""
        event.stop()
        self.post_message(FilterChanged(event.value))

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Says that the operator is done with them."""
        event.stop()
        self.post_message(FilterLeft())
