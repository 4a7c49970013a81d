"""A patch of any size on screen: line by line over a mapped file, the first page before the end was read."""

from __future__ import annotations

import asyncio
import mmap
import os
from collections.abc import Sequence
from typing import ClassVar

from rich.style import Style as RichStyle
from textual import work
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.geometry import Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip
from textual.visual import Visual

from orch_tui.tui import look
from orch_tui.tui.present.diff import Bytes, PatchIndex, PatchLine

FIRST_BYTES = 1 << 16
STEP_BYTES = 1 << 18
"""A step of reading takes about three milliseconds, so that a key is never kept waiting."""

STRIPS_KEPT = 2_000
NUMBER_CELLS = 4

_SIGN = {"added": "+", "removed": "-", "context": " "}
_TONE = {"file": look.STRONG, "meta": look.MUTED, "hunk": look.BUSY, "note": look.MUTED}


def open_patch(path: str) -> Bytes:
    """Maps a patch that the engine wrote; it is replaced by rename, so that what is mapped stays whole.

    Raises:
        OSError: it is not there, or it is a link.
    """
    handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        size = os.fstat(handle).st_size
        return mmap.mmap(handle, size, access=mmap.ACCESS_READ) if size else b""
    finally:
        os.close(handle)


class DiffView(ScrollView, can_focus=True):
    """The lines of a patch with their numbers; jumps between blocks and files."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "go(-1)", "Up", show=False),
        Binding("down,j", "go(1)", "Down", show=False),
        Binding("left,h", "pan(-8)", "Left", show=False),
        Binding("right", "pan(8)", "Right", show=False),
        Binding("pageup,ctrl+u", "leaf(-1)", "Page up", show=False),
        Binding("pagedown,ctrl+d,space", "leaf(1)", "Page down", show=False),
        Binding("home,g", "edge(-1)", "First", show=False),
        Binding("end,G", "edge(1)", "Last", show=False),
    ]

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "diff-view--added",
        "diff-view--removed",
        "diff-view--hunk",
        "diff-view--file",
    }

    DEFAULT_CSS = """
    DiffView {
        height: 1fr;
        scrollbar-size: 1 1;
        & > .diff-view--added { background: $success 12%; }
        & > .diff-view--removed { background: $error 12%; }
        & > .diff-view--hunk { background: $primary 10%; }
        & > .diff-view--file { background: $panel; }
    }
    """

    class FileReached(Message):
        """Another file of the patch is at the top of the view."""

        def __init__(self, view: DiffView, number: int) -> None:
            super().__init__()
            self.view = view
            self.number = number

        @property
        def control(self) -> DiffView:
            """Returns the view."""
            return self.view

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002  Textual's word
        super().__init__(id=id)
        self._patch = PatchIndex(b"")
        self._drawn: dict[int, tuple[Strip, RichStyle]] = {}
        self._words = Content("")
        self._widest = 0

    @property
    def patch(self) -> PatchIndex:
        """Returns what is known of the patch."""
        return self._patch

    def say(self, words: str, tone: str = look.MUTED) -> None:
        """Shows words in the place of a patch."""
        self._words = Content.styled(words, tone)
        self._begin(PatchIndex(b""))

    def show(self, data: Bytes) -> None:
        """Shows a patch from its top; its first screen is there at once, the rest is read in steps."""
        self._words = Content.styled("No changes.", look.MUTED)
        patch = PatchIndex(data)
        patch.extend(FIRST_BYTES)
        self._begin(patch)
        if not patch.complete:
            self._read_on(patch)

    def _begin(self, patch: PatchIndex) -> None:
        self._patch = patch
        self._drawn.clear()
        self._widest = 0
        self._measure()
        self.scroll_to(0, 0, animate=False, immediate=True)
        self.refresh()

    @work(exclusive=True, group="patch", exit_on_error=False)
    async def _read_on(self, patch: PatchIndex) -> None:
        steps = 0
        while not patch.complete and patch is self._patch:
            patch.extend(STEP_BYTES)
            steps += 1
            if steps % 8 == 0 or patch.complete:
                self._measure()
            await asyncio.sleep(0)

    def _measure(self) -> None:
        self.virtual_size = Size(self._widest + 1, self._patch.lines)

    def jump(self, line: int) -> None:
        """Puts a line at the top of the view."""
        self.scroll_to(y=line, animate=False, immediate=True)
        self._tell_file()

    def jump_file(self, number: int) -> None:
        """Puts the beginning of a file at the top, counted from 0, reading on to it where it was not reached."""
        while number >= len(self._patch.files) and not self._patch.complete:
            self._patch.extend()
        self._measure()
        if number < len(self._patch.files):
            self.scroll_to(y=self._patch.files[number], animate=False, immediate=True)

    def next_hunk(self, step: int) -> None:
        """Goes to the next or the previous block."""
        self._next(self._patch.hunks, step)

    def next_file(self, step: int) -> None:
        """Goes to the next or the previous file."""
        self._next(self._patch.files, step)

    def _next(self, marks: Sequence[int], step: int) -> None:
        here = self.scroll_offset.y
        place = self._patch.after(marks, here) if step > 0 else self._patch.before(marks, here)
        if place is not None:
            self.jump(place)

    def _tell_file(self) -> None:
        here = self.scroll_offset.y
        number = sum(1 for line in self._patch.files if line <= here) - 1
        if number >= 0:
            self.post_message(self.FileReached(self, number))

    def notify_style_update(self) -> None:
        """Forgets what was drawn with other colours."""
        super().notify_style_update()
        self._drawn.clear()

    def action_go(self, step: int) -> None:
        """Scrolls by a line."""
        self.scroll_to(y=self.scroll_offset.y + step, animate=False)

    def action_pan(self, step: int) -> None:
        """Scrolls sideways."""
        self.scroll_to(x=self.scroll_offset.x + step, animate=False)

    def action_leaf(self, step: int) -> None:
        """Scrolls by a screen."""
        self.scroll_to(y=self.scroll_offset.y + step * max(1, self.size.height - 1), animate=False)
        self._tell_file()

    def action_edge(self, step: int) -> None:
        """Goes to the first or the last line."""
        self.scroll_to(y=0 if step < 0 else self.max_scroll_y, animate=False)
        self._tell_file()

    def render_line(self, y: int) -> Strip:
        """Draws one visible line."""
        width, index = self.scrollable_content_region.width, y + self.scroll_offset.y
        if index >= self._patch.lines:
            return self._strip(self._said(y, width), width, "")
        kept = self._drawn.get(index)
        if kept is None:
            if len(self._drawn) >= STRIPS_KEPT:
                self._drawn.clear()
            kept = self._drawn[index] = self._draw_patch_line(self._patch.line(index))
        left = self.scroll_offset.x
        strip, style = kept
        return strip.crop_extend(left, left + width, style)

    def _said(self, y: int, width: int) -> Content:
        """Returns one line of the words in the place of a patch, folded to the view."""
        lines = [] if self._patch.lines else self._words.wrap(max(2, width - 2))
        return lines[y].pad_left(1) if y < len(lines) else Content("")

    def _draw_patch_line(self, line: PatchLine) -> tuple[Strip, RichStyle]:
        component = f"diff-view--{line.kind}" if line.kind in ("added", "removed", "hunk", "file") else ""
        content = self._content(line)
        if content.cell_length > self._widest:
            self._widest = content.cell_length
            self.call_later(self._measure)
        base = self.get_visual_style(component) if component else self.visual_style
        return self._strip(content, max(1, content.cell_length), component), base.rich_style

    def _content(self, line: PatchLine) -> Content:
        if line.kind in _TONE:
            return Content.assemble(" ", (line.text, _TONE[line.kind]))
        tone = {"added": look.GOOD, "removed": look.BAD}.get(line.kind, look.PLAIN)
        return Content.assemble(
            (f"{line.old or '':>{NUMBER_CELLS}} {line.new or '':>{NUMBER_CELLS}} ", look.FAINT),
            (_SIGN[line.kind] + " ", tone),
            (line.text, tone),
        )

    def _strip(self, content: Content, width: int, component: str) -> Strip:
        base = self.get_visual_style(component) if component else self.visual_style
        strips = Visual.to_strips(self, content, width, 1, base, pad=True)
        return strips[0] if strips else Strip.blank(width, base.rich_style)
