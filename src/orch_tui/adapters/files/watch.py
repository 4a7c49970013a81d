"""Changes of files in a set of narrow directories: one `awatch`, and a sweep that makes it lossless.

This module alone uses watchfiles. The kernel's queue may overflow, a directory may vanish and come
back, another machine may write where no event comes from: so the files registered with `follow` are
also compared by `stat` every two seconds, or four times a second where events cannot be had.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import stat
import sys
from collections.abc import AsyncIterator, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final, Literal

import msgspec
from watchfiles import Change, awatch

from orch_tui.adapters.files import mounts

DEBOUNCE_MS: Final = 20
STEP_MS: Final = 10
"""Each step wakes a thread: 10 instead of 5 halves what an idle engine uses and costs 2.5 ms of latency."""

SWEEP_S: Final = 2.0
POLL_S: Final = 0.25

_COALESCE_S = 0.02  # so long a change of the set waits for more of its kind
_RETRY_S = 30.0  # after the kernel refused to watch
_BROKEN_S = 0.1  # after the watch broke, as it does at a name that is not UTF-8
_ALL_EVERY = 10  # looks between two at all directories
_SHARE = 10  # arming a thousand directories stops the loop for 80 ms: never more than a tenth of the time

_Identity = tuple[int, int]
_Signature = tuple[int, int, int, int]


class _Home(msgspec.Struct, frozen=True):
    """A directory that exists: as it was given, where it really is, and why its events cannot be relied on."""

    given: Path
    real: str
    identity: _Identity
    silent: str = ""
    watchable: bool = True


class Watcher:
    """One watch over a set of directories, not over what is below them.

    `add`, `discard`, `follow` and `unfollow` are called on the thread of the event loop. A directory
    need not exist yet, may vanish and may come back.

    Args:
        events: False never asks the kernel and only polls the followed files.
    """

    def __init__(self, *, events: bool = True) -> None:
        self._wants_events = events
        self._directories: dict[Path, _Identity | None] = {}
        self._followed: dict[Path, _Signature | None] = {}
        self._given: dict[str, Path] = {}
        self._arm: _Arm | None = None
        self._stale = True
        self._rung = False
        self._looks = 0
        self._reason = "" if events else "asked to poll"
        self._bell: asyncio.Future[None] | None = None
        self._next_look = 0.0
        self._not_before = 0.0

    @property
    def mode(self) -> Literal["events", "polling"]:
        """How changes are noticed; when polling, only those of followed files are."""
        return "polling" if self._reason else "events"

    @property
    def reason(self) -> str:
        """Why it polls; empty where it does not."""
        return self._reason

    def add(self, directory: Path) -> None:
        """Watches one more directory, not what is below it."""
        if directory not in self._directories:
            self._directories[directory] = None
            self._ring(stale=True)

    def discard(self, directory: Path) -> None:
        """Watches one directory less."""
        if directory in self._directories:
            del self._directories[directory]
            self._ring(stale=True)

    def follow(self, path: Path) -> None:
        """Misses no change of this file, which need not exist yet; if it does, it is reported at once."""
        if path not in self._followed:
            self._followed[path] = None
            self._ring()

    def unfollow(self, path: Path) -> None:
        """Sweeps over one file less."""
        self._followed.pop(path, None)

    async def changes(self) -> AsyncIterator[frozenset[Path]]:
        """Yields sets of paths that changed: entries of the directories, and followed files.

        One consumer at a time. A path may be named again without having changed; what it holds is to be asked of it.
        """
        pool = ThreadPoolExecutor(1, thread_name_prefix="orch-sweep")
        self._stale, self._next_look, self._not_before = True, 0.0, 0.0
        try:
            while True:
                changed = await self._events()
                if _now() >= self._next_look:
                    changed |= await self._look(pool)
                if changed:
                    yield frozenset(changed)
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
            arm, self._arm = self._arm, None
            if arm is not None:
                await arm.close()

    def _ring(self, *, stale: bool = False) -> None:
        self._stale = self._stale or stale
        self._rung = True
        if self._bell is not None and not self._bell.done():
            self._bell.set_result(None)

    async def _events(self) -> set[Path]:
        """Waits for events, a change of the set, or the next look, whichever comes first."""
        if self._bell is None or self._bell.done():
            self._bell = asyncio.get_running_loop().create_future()
        waits: set[asyncio.Future[object]] = {self._bell}  # type: ignore[arg-type]  # Future is invariant
        if self._arm is not None:
            waits.add(self._arm.batch)
        await asyncio.wait(waits, timeout=max(0.0, self._next_look - _now()), return_when=asyncio.FIRST_COMPLETED)
        if self._bell.done():
            self._look_soon()
        return self._taken()

    def _look_soon(self) -> None:
        self._next_look = min(self._next_look, max(_now() + _COALESCE_S, self._not_before))

    def _taken(self) -> set[Path]:
        if self._arm is None or not self._arm.batch.done():
            return set()
        try:
            return self._named(self._arm.take())
        except (StopAsyncIteration, OSError, RuntimeError, ExceptionGroup):
            self._arm, self._stale, self._next_look = None, True, _now() + _BROKEN_S
            return set()

    def _named(self, batch: set[tuple[Change, str]]) -> set[Path]:
        return {path for change, name in batch if (path := self._noticed(change, name)) is not None}

    def _noticed(self, change: Change, name: str) -> Path | None:
        """Returns what the consumer calls this path; nothing if it is no entry of a watched directory."""
        if name in self._given and change is not Change.modified:
            self._ring(stale=True)
        parent, _, entry = name.rpartition("/")
        directory = self._given.get(parent)
        if directory is None:
            return None
        path = directory / entry
        if path in self._followed:
            self._followed[path] = _signature(path)
        return path

    async def _look(self, pool: ThreadPoolExecutor) -> set[Path]:
        """Arms anew if the set or a directory is another one, then compares followed files with what was seen last."""
        loop = asyncio.get_running_loop()
        self._rung = False
        self._looks += 1
        identities = await loop.run_in_executor(pool, _identities, self._doubtful())
        self._stale |= any(self._directories.get(path, found) != found for path, found in identities.items())
        last: set[Path] = set()
        if self._stale and _now() >= self._not_before:
            self._stale = False
            homes = await loop.run_in_executor(pool, _homes, tuple(self._directories))
            last = await self._rearm(homes)
        seen = await loop.run_in_executor(pool, _signatures, tuple(self._followed))
        moved = {path for path, now in seen.items() if path in self._followed and self._followed[path] != now}
        self._followed.update((path, seen[path]) for path in moved)
        self._next_look = _now() + (POLL_S if self._reason else SWEEP_S)
        if self._stale or self._rung:
            self._look_soon()
        return last | moved

    def _doubtful(self) -> tuple[Path, ...]:
        """Returns the directories that were missing, and now and then all: an event tells when one goes."""
        everything = self._looks % _ALL_EVERY == 0
        return tuple(path for path, known in self._directories.items() if known is None or everything)

    async def _rearm(self, homes: list[_Home]) -> set[Path]:
        """Opens the new watch before the old one is closed, and returns what the old one still had to say."""
        old, started = self._arm, _now()
        missing = self._missing_events()
        names = [] if missing else [home.real for home in homes if home.watchable]
        self._arm = _Arm(names) if names else None
        refusal = ""
        pause = 0.0
        if self._arm is not None and (error := await self._arm.refused()) is not None:
            self._arm, self._stale = None, True
            refusal = f"the kernel would not watch: {_first_line(error)}"
            pause = _BROKEN_S if isinstance(error, FileNotFoundError | PermissionError) else _RETRY_S
        self._not_before = _now() + (pause or (_now() - started) * _SHARE)
        self._reason = missing or refusal or next((home.silent for home in homes if home.silent), "")
        last = self._named(await old.drain()) if old is not None else set()
        self._given = {home.real: home.given for home in homes}
        self._directories = dict.fromkeys(self._directories) | {
            home.given: home.identity for home in homes if home.given in self._directories
        }
        return last

    def _missing_events(self) -> str:
        if not self._wants_events:
            return "asked to poll"
        if sys.platform == "linux" and not Path("/proc/sys/fs/inotify").exists():
            return "this machine has no inotify"
        return ""


class _Arm:
    """One `awatch` over existing directories; `batch` is done when there is something to `take`."""

    def __init__(self, directories: list[str]) -> None:
        self._stop = asyncio.Event()
        self._events = awatch(
            *directories,
            watch_filter=None,  # the default one hides names that we need
            debounce=DEBOUNCE_MS,
            step=STEP_MS,
            stop_event=self._stop,
            recursive=False,
            force_polling=False,  # its own polling loses events; ours does not
            ignore_permission_denied=False,  # True would hide that the kernel has no watch left
        )
        self.batch: asyncio.Future[object] = self._ask()

    async def refused(self) -> BaseException | None:
        """Returns why the kernel would not watch; nothing if it does."""
        await asyncio.sleep(0)  # one step of the task: it has armed, or failed, by now
        error = self.batch.exception() if self.batch.done() else None
        if error is not None:
            await self.close()
        return error

    def take(self) -> set[tuple[Change, str]]:
        """Returns the batch that is done and asks for the next; raises what the watch raised."""
        batch = self.batch.result()
        self.batch = self._ask()
        return batch  # type: ignore[return-value]  # the batch is awatch's

    async def drain(self) -> set[tuple[Change, str]]:
        """Waits as long as the watch may hold an event back, closes it and returns what came."""
        await asyncio.wait({self.batch}, timeout=2 * DEBOUNCE_MS / 1000)
        held_back = self.batch
        await self.close()
        if held_back.cancelled() or held_back.exception() is not None:
            return set()
        return held_back.result()  # type: ignore[return-value]  # the batch is awatch's

    async def close(self) -> None:
        """Ends the watch and its thread, which notices within a step."""
        self._stop.set()
        await asyncio.wait({self.batch})
        if not self.batch.cancelled():
            self.batch.exception()  # asked for, so that it does not count as forgotten
        with contextlib.suppress(RuntimeError):
            await self._events.aclose()

    def _ask(self) -> asyncio.Future[object]:
        return asyncio.ensure_future(anext(self._events))


def _identities(directories: Iterable[Path]) -> dict[Path, _Identity | None]:
    return {directory: _identity(directory) for directory in directories}


def _identity(directory: Path) -> _Identity | None:
    try:
        status = os.stat(directory)  # noqa: PTH116  a thousand of them: os.stat takes half the time
    except OSError:
        return None
    return (status.st_dev, status.st_ino) if stat.S_ISDIR(status.st_mode) else None


def _homes(directories: Iterable[Path]) -> list[_Home]:
    types = mounts.mount_types(mounts.read_table())
    found = _identities(directories)
    return [_home(directory, identity, types) for directory, identity in found.items() if identity is not None]


def _home(directory: Path, identity: _Identity, types: dict[str, str]) -> _Home:
    real = os.path.realpath(directory)
    if not _encodable(real):
        return _Home(directory, real, identity, f"{real!a} is not UTF-8", watchable=False)
    if not os.access(real, os.R_OK):
        return _Home(directory, real, identity, f"{directory} may not be read", watchable=False)
    kind = mounts.silent_type(real, types)
    return _Home(directory, real, identity, f"{directory} is on {kind}, which may not report changes" if kind else "")


def _signatures(paths: Iterable[Path]) -> dict[Path, _Signature | None]:
    return {path: _signature(path) for path in paths}


def _signature(path: Path) -> _Signature | None:
    try:
        status = os.lstat(path)
    except OSError:
        return None
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns


def _encodable(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def _first_line(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]


def _now() -> float:
    return asyncio.get_running_loop().time()
