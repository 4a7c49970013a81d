from __future__ import annotations

import asyncio
import os
import shutil
import statistics
import sys
import time
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing, asynccontextmanager
from pathlib import Path

import pytest

from orch_tui.adapters.files.watch import Watcher

LINUX = pytest.mark.skipif(sys.platform != "linux", reason="odd names are refused elsewhere")


class Seen:
    """What a watcher has reported so far."""

    def __init__(self) -> None:
        self.paths: set[Path] = set()
        self.at: dict[Path, float] = {}
        self.news = asyncio.Event()

    async def until(self, condition: Callable[[], bool], seconds: float = 20.0) -> None:
        async with asyncio.timeout(seconds):
            while not condition():
                self.news.clear()
                await self.news.wait()

    async def names(self, *paths: Path) -> None:
        await self.until(lambda: set(paths) <= self.paths)

    def forget(self) -> None:
        self.paths.clear()


@asynccontextmanager
async def watching(watcher: Watcher) -> AsyncIterator[Seen]:
    seen = Seen()

    async def consume() -> None:
        async with aclosing(watcher.changes()) as changes:
            async for changed in changes:
                seen.paths |= changed
                seen.at.update(dict.fromkeys(changed, time.perf_counter()))
                seen.news.set()

    task = asyncio.create_task(consume())
    try:
        yield seen
    finally:
        task.cancel()
        await asyncio.wait({task})
        assert task.cancelled() or task.exception() is None, task.exception()


async def armed(seen: Seen, directory: Path) -> None:
    """Returns once events of this directory arrive."""
    async with asyncio.timeout(20):
        for number in range(10_000):
            probe = directory / f"probe-{number}"
            probe.touch()
            await asyncio.sleep(0.05)
            if probe in seen.paths:
                seen.forget()
                return


async def test_a_new_file_and_an_appended_one_are_reported(tmp_path):
    watcher = Watcher()
    watcher.add(tmp_path)
    async with watching(watcher) as seen:
        await armed(seen, tmp_path)
        notes = tmp_path / "notes.md"
        notes.write_text("a")
        await seen.names(notes)
        seen.forget()
        with notes.open("a") as file:
            file.write("b")
        await seen.names(notes)
        assert watcher.mode == "events"
        assert watcher.reason == ""


async def test_what_is_below_a_directory_is_not_reported(tmp_path):
    deep = tmp_path / "src"
    deep.mkdir()
    watcher = Watcher()
    watcher.add(tmp_path)
    async with watching(watcher) as seen:
        await armed(seen, tmp_path)
        (deep / "module.py").write_text("x")
        (tmp_path / "last").touch()
        await seen.names(tmp_path / "last")
        assert deep / "module.py" not in seen.paths


async def test_names_that_default_filters_hide_are_reported(tmp_path):
    git = tmp_path / ".git"
    git.mkdir()
    watcher = Watcher()
    watcher.add(git)
    async with watching(watcher) as seen:
        await armed(seen, git)
        (git / "HEAD.swp").touch()
        await seen.names(git / "HEAD.swp")


async def test_a_directory_added_later_and_one_that_does_not_exist_yet(tmp_path):
    late, missing = tmp_path / "late", tmp_path / "missing"
    late.mkdir()
    watcher = Watcher()
    watcher.add(missing)
    async with watching(watcher) as seen:
        watcher.add(late)
        await armed(seen, late)
        missing.mkdir()
        await armed(seen, missing)


async def test_a_discarded_directory_is_silent(tmp_path):
    kept, gone = tmp_path / "kept", tmp_path / "gone"
    kept.mkdir()
    gone.mkdir()
    watcher = Watcher()
    watcher.add(kept)
    watcher.add(gone)
    async with watching(watcher) as seen:
        await armed(seen, gone)
        watcher.discard(gone)
        for number in range(1000):
            name = f"later-{number}"
            (gone / name).touch()
            (kept / name).touch()
            await seen.names(kept / name)
            if gone / name not in seen.paths:
                return
        pytest.fail("events of a discarded directory went on")


async def test_a_directory_deleted_and_made_again_is_watched_again(tmp_path):
    tree = tmp_path / "worktree"
    tree.mkdir()
    watcher = Watcher()
    watcher.add(tree)
    async with watching(watcher) as seen:
        await armed(seen, tree)
        shutil.rmtree(tree)
        tree.mkdir()
        await armed(seen, tree)


async def test_what_happened_before_it_was_followed_is_reported(tmp_path):
    notes = tmp_path / "notes.md"
    notes.write_text("written while nobody looked")
    watcher = Watcher()
    watcher.add(tmp_path)
    watcher.follow(notes)
    async with watching(watcher) as seen:
        await seen.names(notes)


async def test_the_sweep_reports_followed_files_of_directories_that_are_not_watched(tmp_path):
    elsewhere = tmp_path / "elsewhere.md"
    watcher = Watcher()
    watcher.follow(elsewhere)
    async with watching(watcher) as seen:
        elsewhere.write_text("a")
        await seen.names(elsewhere)
        seen.forget()
        elsewhere.unlink()
        await seen.names(elsewhere)


async def test_without_events_followed_files_are_polled_and_it_says_so(tmp_path):
    notes = tmp_path / "notes.md"
    watcher = Watcher(events=False)
    watcher.add(tmp_path)
    watcher.follow(notes)
    async with watching(watcher) as seen:
        for text in ("a", "ab", "abc"):
            notes.write_text(text)
            await seen.names(notes)
            seen.forget()
        assert watcher.mode == "polling"
        assert watcher.reason


@LINUX
async def test_a_name_that_is_not_utf8_does_not_end_the_watch(tmp_path):
    watcher = Watcher()
    watcher.add(tmp_path)
    async with watching(watcher) as seen:
        await armed(seen, tmp_path)
        for number in range(5):
            Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff%d" % number)).touch()
        await armed(seen, tmp_path)
        assert watcher.mode == "events"


@LINUX
async def test_a_directory_whose_name_is_not_utf8_is_polled(tmp_path):
    odd = Path(os.fsdecode(os.fsencode(tmp_path) + b"/state-\xff"))
    odd.mkdir()
    plain = tmp_path / "plain"
    plain.mkdir()
    watcher = Watcher()
    watcher.add(odd)
    watcher.add(plain)
    watcher.follow(odd / "notes.md")
    async with watching(watcher) as seen:
        (odd / "notes.md").write_text("a")
        await seen.names(odd / "notes.md")
        await armed(seen, plain)
        assert watcher.mode == "polling"
        assert "UTF-8" in watcher.reason


async def test_a_directory_reached_through_a_link_keeps_its_given_name(tmp_path):
    real, link = tmp_path / "real", tmp_path / "link"
    real.mkdir()
    link.symlink_to(real)
    watcher = Watcher()
    watcher.add(link)
    async with watching(watcher) as seen:
        await armed(seen, link)
        (real / "notes.md").touch()
        await seen.names(link / "notes.md")


async def test_a_consumer_that_leaves_may_come_back(tmp_path):
    watcher = Watcher()
    watcher.add(tmp_path)
    for _ in range(3):
        async with watching(watcher) as seen:
            await armed(seen, tmp_path)


async def test_of_20_concurrent_appenders_none_is_missed(tmp_path):
    directories = [tmp_path / f"agent-{n}" for n in range(20)]
    watcher = Watcher()
    for directory in directories:
        directory.mkdir()
        watcher.add(directory)
        watcher.follow(directory / "AGENT_NOTES.md")
    notes = [directory / "AGENT_NOTES.md" for directory in directories]
    text = "".join(f"line {number}\n" for number in range(200))

    def append(path: Path) -> None:
        for line in text.splitlines(keepends=True):
            with path.open("a") as file:
                file.write(line)

    sizes: dict[Path, int] = {}

    def whole() -> bool:
        """Says whether each file was looked at, because it was reported, after its last line."""
        sizes.update((path, path.stat().st_size) for path in seen.paths & set(notes))
        seen.forget()
        return len(sizes) == 20 and min(sizes.values()) == len(text)

    with ThreadPoolExecutor(20) as agents:
        async with watching(watcher) as seen:
            appended = [asyncio.wrap_future(agents.submit(append, path)) for path in notes]
            await seen.until(whole)
            await asyncio.gather(*appended)


async def test_latency_of_an_append(tmp_path, capsys):
    directories = [tmp_path / f"agent-{n}" for n in range(50)]
    watcher = Watcher()
    for directory in directories:
        directory.mkdir()
        watcher.add(directory)
        watcher.follow(directory / "AGENT_NOTES.md")
    delays = []
    async with watching(watcher) as seen:
        await armed(seen, directories[-1])
        for number in range(60):
            notes = directories[number % 50] / "AGENT_NOTES.md"
            seen.forget()
            start = time.perf_counter()
            with notes.open("a") as file:
                file.write("a line\n")
            await seen.names(notes)
            delays.append((seen.at[notes] - start) * 1000)
    median, worst = statistics.median(delays), max(delays)
    with capsys.disabled():
        sys.stdout.write(f"\nappended to reported, 50 directories: median {median:.1f} ms, worst {worst:.1f} ms\n")
