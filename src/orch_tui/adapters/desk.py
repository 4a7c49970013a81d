"""Reads files of agents and runs for the core; trusts none of them."""

from __future__ import annotations

import asyncio
import contextlib
import os
import stat
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil

from orch_tui.adapters.agentfiles import AgentFiles
from orch_tui.adapters.files.tail import Tail
from orch_tui.core.ports import AgentFiles as AgentFilesPort
from orch_tui.model.verbs import Page


class Desk:
    """Implements the core's `Desk` on the local disk."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(1, thread_name_prefix="desk")

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

    def page(self, path: Path, offset: int, size: int, root: Path | None = None) -> Page:
        """Returns a page of a file as harmless text; a refused file is a page that says why."""
        tail = Tail(path, root=root)
        page = tail.page(offset, size) if offset >= 0 else tail.last_page(min(size, -offset))
        text = f"({path.name} is not shown: {tail.refused})\n" if tail.refused else page.text
        return Page(text, page.offset, page.next, page.size)

    async def archive(self, files: AgentFilesPort, into: Path) -> None:
        """Copies what an agent leaves behind, off the event loop."""
        await asyncio.get_running_loop().run_in_executor(self._threads, files.archive, into)

    async def cpu_seconds(self, pids: Sequence[int]) -> Sequence[float]:
        """Returns the CPU time of each process with its descendants; 0 for one that is gone."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, _families, tuple(pids))


def _families(pids: Sequence[int]) -> tuple[float, ...]:
    """Adds up each family with one look at the table of processes."""
    children: dict[int, list[psutil.Process]] = {}
    found: dict[int, psutil.Process] = {}
    for process in psutil.process_iter(["ppid"]):
        found[process.pid] = process
        children.setdefault(process.info["ppid"], []).append(process)
    return tuple(_family(pid, found, children) for pid in pids)


def _family(pid: int, found: dict[int, psutil.Process], children: dict[int, list[psutil.Process]]) -> float:
    if pid not in found:
        return 0.0
    return _cpu(found[pid]) + sum(_family(child.pid, found, children) for child in children.get(pid, ()))


def _cpu(process: psutil.Process) -> float:
    with contextlib.suppress(psutil.Error):
        times = process.cpu_times()
        return float(times.user + times.system)
    return 0.0
