"""The anchors: a Textual application with one text, and one that paints a file's new lines on raw inotify."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import ClassVar

from textual.app import App, ComposeResult
from textual.widgets import Static


class Bare(App[None]):
    """Shows one text; follows a file if one is named."""

    ENABLE_COMMAND_PALETTE: ClassVar[bool] = False

    def __init__(self, path: Path | None) -> None:
        super().__init__()
        self._path = path

    def compose(self) -> ComposeResult:
        yield Static("Harbour", markup=False)

    def on_mount(self) -> None:
        if self._path is not None:
            from tests.benchmarks.measure import Inotify

            self._events = Inotify(self._path)
            asyncio.get_running_loop().add_reader(self._events.handle, self._changed)

    def _changed(self) -> None:
        self._events.read()
        assert self._path is not None
        self.query_one(Static).update(self._path.read_text().splitlines()[-1])


if __name__ == "__main__":
    Bare(Path(sys.argv[1]) if len(sys.argv) > 1 else None).run()
