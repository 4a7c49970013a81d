"""The review screen: changed files, the diff, and a verdict on exactly the commit that is shown."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.reactive import var
from textual.widgets import Static

from orch_tui.core.ports import MissionVerbs
from orch_tui.model.diff import FileChange
from orch_tui.model.fleet import Agent
from orch_tui.model.plain import counted
from orch_tui.model.verbs import ReadDiff
from orch_tui.tui.present import review as present
from orch_tui.tui.screens.frame import OrchScreen
from orch_tui.tui.selection import Selection
from orch_tui.tui.widgets.diff_pane import DiffPane
from orch_tui.tui.widgets.diff_view import DiffView
from orch_tui.tui.widgets.row_list import Row, RowList


class ReviewScreen(OrchScreen):
    """One agent's work; `]` goes to the next that waits."""

    where: ClassVar[str] = "review"
    AUTO_FOCUS = "#diff"

    agent: var[str] = var("", init=False)
    """Whose work is shown; "": the one that waits longest."""

    def __init__(self, mission: MissionVerbs, clock: Callable[[], float]) -> None:
        super().__init__(mission, clock)
        self._read = ""

    def compose_body(self) -> ComposeResult:
        """Makes header, files and diff."""
        yield Static(id="review-header", markup=False)
        with Horizontal(classes="body"):
            with Vertical(id="review-side", classes="panel"):
                yield RowList(id="files")
            with Vertical(id="diff-panel", classes="panel"):
                yield DiffPane(self.mission, id="diff")

    def on_mount(self) -> None:
        """Shows the first that waits, if none was named."""
        super().on_mount()
        self.entitle("#review-side", "Files")
        self._update()

    def watch_fleet(self) -> None:
        """Shows the agent as it is now."""
        if self.is_mounted:
            self._update()

    def watch_agent(self) -> None:
        """Shows another agent's work."""
        if self.is_mounted:
            self._update()

    def _one(self) -> Agent | None:
        return self.mission.fleet.agent(self.agent) if self.agent else None

    def _update(self) -> None:
        waiting = present.reviewable(self.mission.fleet)
        if self._one() is None and waiting:
            self.set_reactive(ReviewScreen.agent, waiting[0].id)
        self._head(waiting)
        one, pane = self._one(), self.query_one(DiffPane)
        if one is None:
            pane.say(present.EMPTY)
            return
        self.entitle("#diff-panel", f"Diff of {one.id} against its base")
        if pane.diff and pane.diff.head != one.head and self._read == one.id:
            self.notify(
                f"{one.id} moved on to {one.head[:10]}; its diff is read again.", severity="warning", markup=False
            )
        self._read = one.id
        if one.ahead:
            pane.ask(ReadDiff(agent=one.id), one.head)
        else:
            pane.forget(f"{one.id} has no commits yet.")
            self.query_one(RowList).set_rows(())

    def _head(self, waiting: Sequence[Agent]) -> None:
        one, header = self._one(), Content("")
        if one:
            place = next((i for i, a in enumerate(waiting, start=1) if a.id == one.id), 0)
            header = present.header(one, self.clock(), place=place, of=len(waiting))
        self.query_one("#review-header", Static).update(header)

    def redraw(self) -> None:
        """Draws again what depends on the time."""
        super().redraw()
        self._head(present.reviewable(self.mission.fleet))

    @on(DiffPane.Loaded)
    def _loaded(self, event: DiffPane.Loaded) -> None:
        files = event.diff.files
        rows = [Row(str(i), file, partial(_line, file)) for i, file in enumerate(files)]
        self.query_one(RowList).set_rows(rows)
        self.entitle("#review-side", counted(len(files), "file"))

    @on(RowList.Opened, "#files")
    @on(RowList.Moved, "#files")
    def _jump(self, event: RowList.Moved | RowList.Opened) -> None:
        if event.key and (self.query_one(RowList).has_focus or isinstance(event, RowList.Opened)):
            self.query_one(DiffPane).jump_file(int(event.key))
        if isinstance(event, RowList.Opened):
            self.query_one(DiffPane).focus()

    @on(DiffView.FileReached)
    def _reached(self, event: DiffView.FileReached) -> None:
        files = self.query_one(RowList)
        if not files.has_focus:
            files.select(str(event.number))

    def selection(self) -> Selection:
        """Returns the agent under review with the commit that is on the screen."""
        diff = self.query_one(DiffPane).diff
        one = self._one()
        if one is None:
            return Selection(self.mission.fleet)
        expect = diff.head if diff else one.head
        return Selection(self.mission.fleet, stream=one.stream, agent=one.id, expect=expect)

    def action_step(self, step: int) -> None:
        """Goes to the next agent that waits for review, round and round."""
        ids = [str(a.id) for a in present.reviewable(self.mission.fleet)]
        if not ids:
            self.notify("Nothing else waits for review.", markup=False)
            return
        here = ids.index(self.agent) if self.agent in ids else -1 if step > 0 else 0
        self.agent = ids[(here + step) % len(ids)]

    def action_hunk(self, step: int) -> None:
        """Goes to the next or previous block."""
        self.query_one(DiffPane).next_hunk(step)

    def action_file(self, step: int) -> None:
        """Goes to the next or previous file."""
        self.query_one(DiffPane).next_file(step)

    def action_zoom(self) -> None:
        """Gives the diff the whole width, or takes it back."""
        self.toggle_class("-zoom")


def _line(file: FileChange, width: int) -> Content:
    return present.file_row(file, width)
