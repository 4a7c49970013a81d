from __future__ import annotations

from textual.app import App, ComposeResult
from textual.widgets import Static

from tests.tui.screen_text import screen_text


class Small(App[None]):
    def compose(self) -> ComposeResult:
        yield Static("ab  <c> & d", markup=False)
        yield Static("│ second é line", markup=False)


async def test_text_is_where_it_is_on_the_screen() -> None:
    app = Small()
    async with app.run_test(size=(30, 4)):
        assert screen_text(app.export_screenshot()).splitlines()[:2] == ["ab  <c> & d", "│ second é line"]
