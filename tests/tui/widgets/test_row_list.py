from __future__ import annotations

from textual.app import App, ComposeResult
from textual.content import Content

from orch_tui.tui.widgets.row_list import Row, RowList, same
from tests.tui.screen_text import screen_text


class Lister(App[None]):
    def __init__(self) -> None:
        super().__init__()
        self.drawn: list[str] = []
        self.opened: list[str] = []

    def compose(self) -> ComposeResult:
        yield RowList()

    @property
    def rows(self) -> RowList:
        return self.query_one(RowList)

    def row(self, key: str, value: object = None, selectable: bool = True) -> Row:
        def draw(width: int) -> Content:
            self.drawn.append(key)
            return Content(f"{key} [b]{value}")

        return Row(key, value, draw, selectable)

    def on_row_list_opened(self, event: RowList.Opened) -> None:
        self.opened.append(event.key)


async def test_cursor_stays_on_its_row_when_others_come_and_go() -> None:
    app = Lister()
    async with app.run_test(size=(20, 6)) as pilot:
        app.rows.set_rows([app.row(k) for k in "abcd"])
        app.rows.select("c")
        app.rows.set_rows([app.row(k) for k in "xyzabcd"])
        assert app.rows.selected == "c"
        app.rows.set_rows([app.row(k) for k in "abd"])
        assert app.rows.selected == "d"
        app.rows.set_rows([])
        assert app.rows.selected == ""
        await pilot.press("j", "enter", "G")
        assert app.opened == []


async def test_only_what_changed_and_is_visible_is_drawn_again() -> None:
    app = Lister()
    async with app.run_test(size=(20, 5)) as pilot:
        app.rows.set_rows([app.row(str(i), "old") for i in range(100)])
        await pilot.pause()
        app.drawn.clear()
        app.rows.set_rows([app.row(str(i), "new" if i in (2, 50) else "old") for i in range(100)])
        await pilot.pause()
        assert app.drawn == ["2"]
        assert "2 [b]new" in screen_text(app.export_screenshot())


async def test_headings_are_passed_over() -> None:
    app = Lister()
    async with app.run_test(size=(20, 8)) as pilot:
        app.rows.set_rows(
            [app.row("h1", selectable=False), app.row("a"), app.row("h2", selectable=False), app.row("b")]
        )
        app.rows.focus()
        assert app.rows.selected == "a"
        await pilot.press("j")
        assert app.rows.selected == "b"
        await pilot.press("k", "k", "enter")
        assert app.rows.selected == "a"
        assert app.opened == ["a"]


def test_sameness_is_identity_part_by_part() -> None:
    one, other = object(), object()
    assert same((True, "├─", one), (True, "├─", one))
    assert not same((True, "├─", one), (True, "├─", other))
    assert not same((one,), (one, one))
    assert not same(None, one)
