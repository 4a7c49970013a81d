"""Reads files of agents and runs for the core; trusts none of them."""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Iterable
from pathlib import Path

import psutil

from orch_tui.adapters.agentfiles import AgentFiles
from orch_tui.adapters.files.tail import Tail
from orch_tui.model.verbs import Page


class Desk:
    """Implements the core's `Desk` on the local disk."""

    def agent_files(self, worktree: Path, tracked: Iterable[str]) -> AgentFiles:
        """Returns the files of one worktree."""
        return AgentFiles(worktree, frozenset(tracked))

    def exists(self, path: Path) -> bool:
        """Says whether the path is there."""
        return os.path.lexists(path)

    def size(self, path: Path) -> int:
        """Returns the size of a regular file that is not a link; 0 otherwise."""
        try:
            found = path.lstat()
        except OSError:
            return 0
        return found.st_size if stat.S_ISREG(found.st_mode) else 0

    def page(self, path: Path, offset: int, size: int) -> Page:
        """Returns a page of a file as harmless text; a refused file is a page that says why."""
        tail = Tail(path)
        page = tail.page(offset, size) if offset >= 0 else tail.last_page(min(size, -offset))
        text = f"({path.name} is not shown: {tail.refused})\n" if tail.refused else page.text
        return Page(text, page.offset, page.next, page.size)

    def cpu_seconds(self, pid: int) -> float:
        """Returns the CPU time of a process and its descendants; 0 if it is gone."""
        try:
            top = psutil.Process(pid)
            family = [top, *top.children(recursive=True)]
        except psutil.Error:
            return 0.0
        return sum(_cpu(process) for process in family)


def _cpu(process: psutil.Process) -> float:
    with contextlib.suppress(psutil.Error):
        times = process.cpu_times()
        return float(times.user + times.system)
    return 0.0
