"""What a narrator says, in one line or two; not there while nobody narrates."""

from __future__ import annotations

from textual.content import Content
from textual.reactive import reactive
from textual.widget import Widget


class Caption(Widget):
    """The line of the narrator, as in the demo."""

    DEFAULT_CSS = """
    Caption {
        height: auto;
        max-height: 2;
        padding: 0 1;
        display: none;
        background: $boost;
        color: $text-accent;
        text-style: italic;
        &.-speaking { display: block; }
    }
    """

    words: reactive[str] = reactive("", layout=True)
    """What is said now."""

    def render(self) -> Content:
        """Returns the words; they are data, never markup."""
        return Content(self.words)

    def watch_words(self, words: str) -> None:
        """Takes no room while nobody speaks."""
        self.set_class(bool(words), "-speaking")
