"""A list of rows drawn line by line: only what is visible is ever formatted, and a known row keeps its place.

Everything that changes often and has rows is one of these: the tree, the attention list, files, streams, facts.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar, NamedTuple

from msgspec import Struct
from textual import events
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.geometry import Region, Size
from textual.message import Message
from textual.reactive import reactive, var
from textual.scroll_view import ScrollView
from textual.strip import Strip
from textual.visual import Visual

Draw = Callable[[int], Content]


class Row(Struct, frozen=True, eq=False):
    """A line of a list: `value` says by identity whether it changed; `draw` makes the line when it is to be seen."""

    key: str
    value: object
    draw: Draw
    selectable: bool = True


class Drawn(NamedTuple):
    """A row as it was drawn last, and what for."""

    value: object
    width: int
    style: str
    content: Content
    strip: Strip


def same(a: object, b: object) -> bool:
    """Says whether two values are one: by identity, plain words by equality, tuples part by part."""
    if a is b:
        return True
    if type(a) is tuple and type(b) is tuple:
        return len(a) == len(b) and all(same(x, y) for x, y in zip(a, b, strict=True))
    return isinstance(a, str | int | float) and a == b


class RowList(ScrollView, can_focus=True):
    """Rows with a cursor that stays on its row when others come and go."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)", "Up", show=False),
        Binding("down,j", "move(1)", "Down", show=False),
        Binding("pageup,ctrl+u", "page(-1)", "Page up", show=False),
        Binding("pagedown,ctrl+d", "page(1)", "Page down", show=False),
        Binding("home,g", "edge(-1)", "First", show=False),
        Binding("end,G", "edge(1)", "Last", show=False),
        Binding("enter", "open", "Open", show=False),
    ]

    COMPONENT_CLASSES: ClassVar[set[str]] = {"row-list--cursor", "row-list--blurred"}

    DEFAULT_CSS = """
    RowList {
        height: 1fr;
        overflow-x: hidden;
        scrollbar-size-vertical: 1;
        & > .row-list--cursor { background: $block-cursor-background; }
        & > .row-list--blurred { background: $block-cursor-blurred-background; }
    }
    """

    class Moved(Message):
        """The cursor is on another row."""

        def __init__(self, row_list: RowList, key: str) -> None:
            super().__init__()
            self.row_list = row_list
            self.key = key

        @property
        def control(self) -> RowList:
            """Returns the list."""
            return self.row_list

        def can_replace(self, message: Message) -> bool:
            """Says that only the newest place matters."""
            return isinstance(message, RowList.Moved) and message.row_list is self.row_list

    class Opened(Message):
        """The operator pressed enter on a row, or clicked the one that was selected."""

        def __init__(self, row_list: RowList, key: str) -> None:
            super().__init__()
            self.row_list = row_list
            self.key = key

        @property
        def control(self) -> RowList:
            """Returns the list."""
            return self.row_list

    cursor: var[int] = var(0, init=False)
    """The index of the selected row."""

    empty: reactive[Content] = reactive(Content, layout=False)
    """What is said where there are no rows."""

    def __init__(self, *, name: str | None = None, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002  Textual's word
        super().__init__(name=name, id=id, classes=classes)
        self._rows: tuple[Row, ...] = ()
        self._strips: dict[str, Drawn] = {}
        self._told = ""

    @property
    def rows(self) -> tuple[Row, ...]:
        """Returns the rows that are shown."""
        return self._rows

    @property
    def selected(self) -> str:
        """Returns the key of the selected row; "" if there is none."""
        return self._rows[self.cursor].key if 0 <= self.cursor < len(self._rows) else ""

    def set_rows(self, rows: Sequence[Row]) -> None:
        """Shows these rows; the cursor stays on its row, or near it where that is gone."""
        old, self._rows = self._rows, tuple(rows)
        key = old[self.cursor].key if self.cursor < len(old) else ""
        if [r.key for r in old] == [r.key for r in self._rows]:
            self._refresh_changed(old)
            return
        self.virtual_size = Size(0, len(self._rows))
        place = self._index(key)
        self._place(place if place is not None else self.cursor, follow=place is not None and place != self.cursor)
        self.refresh()

    def select(self, key: str) -> bool:
        """Puts the cursor on the row of that key; says whether there is one."""
        place = self._index(key)
        if place is None:
            return False
        self._place(place)
        return True

    def redraw(self) -> None:
        """Draws those visible rows again that look different by now: they show more than their values, such as ages.

        What is out of sight is forgotten, so that it is drawn anew when it is scrolled to.
        """
        top, width = self.scroll_offset.y, self.scrollable_content_region.width
        kept: dict[str, Drawn] = {}
        for y in range(top, min(top + self.size.height, len(self._rows))):
            row = self._rows[y]
            drawn = self._strips.get(row.key)
            if drawn and drawn.content.is_same(row.draw(width)):
                kept[row.key] = drawn
            else:
                self._refresh_row(y)
        self._strips = kept

    def _index(self, key: str) -> int | None:
        return next((i for i, r in enumerate(self._rows) if r.key == key), None)

    def _refresh_changed(self, old: tuple[Row, ...]) -> None:
        top = self.scroll_offset.y
        for y in range(top, min(top + self.size.height, len(self._rows))):
            if not same(self._rows[y].value, old[y].value):
                self._refresh_row(y)

    def _refresh_row(self, y: int) -> None:
        self.refresh(Region(0, y - self.scroll_offset.y, self.size.width, 1))

    def _place(self, index: int, *, step: int = 1, follow: bool = True) -> None:
        index = self._nearest_selectable(max(0, min(index, len(self._rows) - 1)), step)
        self.cursor = index
        if follow:
            self._reveal(index)
        self._tell()

    def _nearest_selectable(self, index: int, step: int) -> int:
        if not self._rows:
            return 0
        ahead = range(index, len(self._rows)) if step > 0 else range(index, -1, -1)
        back = range(index, -1, -1) if step > 0 else range(index, len(self._rows))
        return next((i for i in (*ahead, *back) if self._rows[i].selectable), index)

    def _reveal(self, index: int) -> None:
        first = index
        while first > 0 and not self._rows[first - 1].selectable:
            first -= 1
        top, height = self.scroll_offset.y, self.size.height
        if first < top:
            self.scroll_to(y=first, animate=False, immediate=True)
        elif height and index >= top + height:
            self.scroll_to(y=index - height + 1, animate=False, immediate=True)

    def _tell(self) -> None:
        if self.selected != self._told:
            self._told = self.selected
            self.post_message(self.Moved(self, self._told))

    def watch_cursor(self, old: int, new: int) -> None:
        """Draws the two rows that changed."""
        self._refresh_row(old)
        self._refresh_row(new)

    def watch_has_focus(self, _focused: bool) -> None:
        """Draws the cursor as it looks with or without the focus."""
        super().watch_has_focus(_focused)
        self._refresh_row(self.cursor)

    def on_resize(self) -> None:
        """Keeps the cursor in sight."""
        self._reveal(min(self.cursor, max(0, len(self._rows) - 1)))

    def notify_style_update(self) -> None:
        """Forgets what was drawn with other colours."""
        super().notify_style_update()
        self._strips.clear()

    def on_click(self, event: events.Click) -> None:
        """Selects the row under the mouse; opens it where it was selected already."""
        index = event.y + self.scroll_offset.y
        if not 0 <= index < len(self._rows) or not self._rows[index].selectable:
            return
        if index == self.cursor:
            self.action_open()
        else:
            self._place(index)

    def action_move(self, step: int) -> None:
        """Moves the cursor by one row."""
        if self._rows:
            self._place(self.cursor + step, step=step)

    def action_page(self, step: int) -> None:
        """Moves the cursor by a screen."""
        if self._rows:
            self._place(self.cursor + step * max(1, self.size.height - 1), step=step)

    def action_edge(self, step: int) -> None:
        """Moves the cursor to the first or the last row."""
        if self._rows:
            self._place(0 if step < 0 else len(self._rows) - 1, step=-step)
            if step < 0:
                self.scroll_to(y=0, animate=False, immediate=True)

    def action_open(self) -> None:
        """Opens the selected row."""
        if self.selected:
            self.post_message(self.Opened(self, self.selected))

    def render_line(self, y: int) -> Strip:
        """Draws one visible line, or takes it from what was drawn before."""
        index, width = y + self.scroll_offset.y, self.scrollable_content_region.width
        if index >= len(self._rows):
            return self._blank(y, width)
        row = self._rows[index]
        style = self._style(index) if row.selectable else ""
        kept = self._strips.get(row.key)
        if kept and kept.width == width and kept.style == style and same(kept.value, row.value):
            return kept.strip
        content = row.draw(width)
        strip = self._draw(content, width, style)
        if len(self._strips) > 4 * max(50, self.size.height):
            self._strips.clear()
        self._strips[row.key] = Drawn(row.value, width, style, content, strip)
        return strip

    def _style(self, index: int) -> str:
        if index != self.cursor:
            return ""
        return "row-list--cursor" if self.has_focus else "row-list--blurred"

    def _blank(self, y: int, width: int) -> Strip:
        if self._rows or not self.empty:
            return Strip.blank(width, self.visual_style.rich_style)
        lines = self.empty.wrap(max(2, width - 4))
        line = lines[y - 1] if 0 < y <= len(lines) else Content("")
        return self._draw(line.pad_left(2), width, "")

    def _draw(self, content: Content, width: int, style: str) -> Strip:
        base = self.get_visual_style(style) if style else self.visual_style
        strips = Visual.to_strips(self, content, width, 1, base, pad=True)
        return strips[0] if strips else Strip.blank(width, base.rich_style)
