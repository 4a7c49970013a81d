"""Reads the messages that the engine puts into `.orch/inbox/`, each once, across restarts of the agent."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Callable
from pathlib import Path

LOOK_S = 0.5
LIMIT = 1_000_000


class Inbox:
    """Messages in the order of their numbers; `inbox.read` beside the directory holds the last one taken."""

    def __init__(self, orch_dir: Path, sleep: Callable[[float], None] = time.sleep) -> None:
        self._folder = orch_dir / "inbox"
        self._mark = orch_dir / "inbox.read"
        self._sleep = sleep

    def new(self) -> list[str]:
        """Returns the texts of messages that were not taken yet, and takes them."""
        last = self._last()
        fresh = sorted((number, path) for path in self._folder.glob("*.json") if (number := _number(path)) > last)
        if fresh:
            self._mark.write_text(str(fresh[-1][0]))
        return [text for _, path in fresh if (text := _text(path))]

    def wait(self) -> list[str]:
        """Returns as soon as there is a message."""
        while not (texts := self.new()):
            self._sleep(LOOK_S)
        return texts

    def _last(self) -> int:
        with contextlib.suppress(OSError, ValueError):
            return int(self._mark.read_text()[:20])
        return 0


def _number(path: Path) -> int:
    return int(path.stem) if path.stem.isascii() and path.stem.isdigit() and len(path.stem) < 18 else 0


def _text(path: Path) -> str:
    try:
        with path.open("rb") as stream:
            value = json.loads(stream.read(LIMIT))
    except (OSError, ValueError):
        return ""
    return str(value.get("text", "")) if isinstance(value, dict) else ""
