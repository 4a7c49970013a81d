"""The tail of a file of an agent, live: asked for in pages, folded to the width, bounded in memory."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import ClassVar

from textual import work
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.geometry import Size
from textual.scroll_view import ScrollView
from textual.strip import Strip
from textual.visual import Visual

from orch_tui.core.ports import MissionVerbs
from orch_tui.model.errors import OrchError
from orch_tui.model.verbs import Page, ReadPage
from orch_tui.tui import look
from orch_tui.tui.present.notes import clean, folded

LINES_KEPT = 5_000
STRIPS_KEPT = 400
FIRST_BYTES = 65_536
WAIT_SECONDS = 25.0
RETRY_SECONDS = 2.0
QUIET_SECONDS = 1.0


class TextTail(ScrollView, can_focus=True):
    """The newest text of one file: follows its end, stands still while the reader has scrolled up."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "scroll_by(-1)", "Up", show=False),
        Binding("down,j", "scroll_by(1)", "Down", show=False),
        Binding("pageup,ctrl+u", "page_by(-1)", "Page up", show=False),
        Binding("pagedown,ctrl+d", "page_by(1)", "Page down", show=False),
        Binding("home,g", "to_edge(-1)", "First", show=False),
        Binding("end,G", "to_edge(1)", "Last", show=False),
    ]

    DEFAULT_CSS = """
    TextTail { height: 1fr; overflow-x: hidden; scrollbar-size-vertical: 1; padding: 0 1; }
    """

    def __init__(
        self,
        mission: MissionVerbs,
        file: str,
        *,
        tone: Callable[[str], str],
        empty: str,
        follow: bool = True,
        id: str | None = None,  # noqa: A002  Textual's word
    ) -> None:
        super().__init__(id=id)
        self._mission = mission
        self._file = file
        self._tone = tone
        self._empty = empty
        self._follow = follow
        self._agent = ""
        self._text: list[str] = [""]
        self._folded: list[Content] = []
        self._width_folded = 0
        self._strips: dict[int, tuple[Content, Strip]] = {}
        self._notice = ""
        self._at_end = True
        self._last_height = 0

    @property
    def agent(self) -> str:
        """Returns whose file is shown."""
        return self._agent

    @property
    def paused(self) -> bool:
        """Says whether the reader has scrolled up, so that new text does not move the page."""
        return not self._at_end

    def show(self, agent: str) -> None:
        """Shows the file of that agent; again is the same as once."""
        if agent == self._agent:
            return
        self._agent = agent
        self._reset()
        if agent:
            self._read(agent)

    def _reset(self) -> None:
        self._text, self._folded, self._notice, self._at_end = [""], [], "", True
        self._last_height = 0
        self.virtual_size = Size(0, 0)
        self.scroll_to(y=0, animate=False, immediate=True)
        self.refresh()

    @work(exclusive=True, group="tail", exit_on_error=False)
    async def _read(self, agent: str) -> None:
        offset, wait = -FIRST_BYTES, 0.0
        while agent == self._agent:
            ask = ReadPage(agent=agent, file=self._file, offset=offset, size=FIRST_BYTES, wait_s=wait)
            try:
                page = await self._mission.do(ask)
            except OrchError as problem:
                self._say(str(problem))
                if not self._follow:
                    return
                await asyncio.sleep(RETRY_SECONDS)
                continue
            offset = self._take(page, offset)
            at_end = offset >= page.size
            if at_end and not self._follow:
                return
            if wait and not page.text:
                # A mission without an engine answers at once, whatever was asked.
                await asyncio.sleep(QUIET_SECONDS)
            wait = WAIT_SECONDS if at_end else 0.0

    def _take(self, page: Page, offset: int) -> int:
        """Takes a page in; returns where the next one begins."""
        if page.size < max(0, offset):
            self._reset()
            return 0
        self._say("")
        if page.text:
            self._append(page.text)
        return page.next

    def _append(self, text: str) -> None:
        first, *rest = text.split("\n")
        changed = len(self._text) - 1
        self._text[-1] += first
        self._text += rest
        self._fold_from(changed)
        self._trim()
        self._settle()

    def _fold_from(self, line: int) -> None:
        width = self._room()
        if width != self._width_folded:
            self._width_folded = width
            line = 0
            self._folded = []
        elif line < len(self._text):
            del self._folded[len(self._folded) - self._last_height :]
        for text in self._text[line:-1]:
            self._folded += self._pieces(text, width)
        tail = self._pieces(self._text[-1], width) if self._text[-1] else []
        self._last_height = len(tail)
        self._folded += tail

    def _pieces(self, text: str, width: int) -> list[Content]:
        shown = clean(text)
        return folded(shown, self._tone(shown), width)

    def _trim(self) -> None:
        extra = len(self._text) - LINES_KEPT
        if extra > LINES_KEPT // 10:
            del self._text[:extra]
            self._width_folded = 0
            self._fold_from(0)

    def _settle(self) -> None:
        stick = self._at_end
        self.virtual_size = Size(0, len(self._folded))
        if stick and self._follow:
            # The text that overflows first: the bar is there, and what can be scrolled, only after the next refresh.
            self.scroll_end(animate=False, immediate=self.show_vertical_scrollbar, x_axis=False)
        self.refresh()

    def _say(self, notice: str) -> None:
        if notice != self._notice:
            self._notice = notice
            self.refresh()

    def _room(self) -> int:
        return max(10, self.scrollable_content_region.width)

    def on_resize(self) -> None:
        """Folds the text again where the width changed."""
        if self._room() != self._width_folded and len(self._text) > 1:
            self._fold_from(0)
        self._settle()

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Remembers whether the reader is at the end: only then does new text move the page."""
        super().watch_scroll_y(old_value, new_value)
        self._at_end = round(new_value) >= self.max_scroll_y

    def action_scroll_by(self, step: int) -> None:
        """Scrolls by a line."""
        self.scroll_to(y=self.scroll_offset.y + step, animate=False)

    def action_page_by(self, step: int) -> None:
        """Scrolls by a screen."""
        self.scroll_to(y=self.scroll_offset.y + step * max(1, self.size.height - 1), animate=False)

    def action_to_edge(self, step: int) -> None:
        """Scrolls to the first or the last line."""
        self.scroll_to(y=0 if step < 0 else self.max_scroll_y, animate=False)

    def render_line(self, y: int) -> Strip:
        """Draws one visible line."""
        width, index = self.scrollable_content_region.width, y + self.scroll_offset.y
        content = Content("")
        if index < len(self._folded):
            content = self._folded[index]
        elif not self._folded:
            content = self._line_when_empty(y, width)
        return self._strip(content, width)

    def _strip(self, content: Content, width: int) -> Strip:
        """Returns a line as it is painted; a page that moves by a line is drawn from what was drawn before."""
        # By identity: contents of equal text are equal to Textual, whatever their colours.
        kept, strip = self._strips.get(id(content), (None, Strip([])))
        if kept is not content or strip.cell_length != width:
            drawn = Visual.to_strips(self, content, width, 1, self.visual_style, pad=True)
            strip = drawn[0] if drawn else Strip.blank(width, self.visual_style.rich_style)
            if len(self._strips) > STRIPS_KEPT:
                self._strips.clear()
            self._strips[id(content)] = (content, strip)
        return strip

    def notify_style_update(self) -> None:
        """Forgets what was drawn with other colours."""
        super().notify_style_update()
        self._strips.clear()

    def _line_when_empty(self, y: int, width: int) -> Content:
        words = self._notice or self._empty
        tone = look.WARN if self._notice else look.MUTED
        lines = Content.styled(words, tone).wrap(max(2, width))
        return lines[y] if y < len(lines) else Content("")
