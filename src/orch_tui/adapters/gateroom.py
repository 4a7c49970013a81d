"""Runs a gate on a checkout of exactly one tree, in a directory of ours, with a time limit and a capped log."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import os
import secrets
import shutil
import signal
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
import psutil

from orch_tui.adapters.plugins import GATES, load, read_options
from orch_tui.model.errors import OrchError
from orch_tui.model.ids import Oid, slug
from orch_tui.model.running import CommandResult, GateContext, GateResult
from orch_tui.model.settings import GateSettings

OUTPUT_CAP = 256 * 1024
LAST_WORDS_S = 1.0
"""How long output is waited for that a command which has ended may still have in its pipe."""

PASSED_ON = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "TERM", "VIRTUAL_ENV", "SYSTEMROOT")

SWEEPS = 20
"""How often what forks while it is being ended is looked for again."""

MARK = "ORCH_GATE"
"""The variable by which a process is known to be a gate's, whatever session it has fled to."""

Export = Callable[[Oid, Path], Awaitable[Oid]]
"""Writes a commit's files into an empty directory and returns its tree."""

Unchanged = Callable[[Oid, Path], Awaitable[bool]]
"""Says whether the tracked files of a directory still are that commit's."""


class GateRoom:
    """Implements the core's `GateRoom`: one room at a time, made anew for each run."""

    def __init__(
        self,
        rooms: Path,
        export: Export,
        unchanged: Unchanged,
        settings: Callable[[], Mapping[str, GateSettings]],
        env: Mapping[str, str],
        *,
        api_version: int,
    ) -> None:
        self._rooms = rooms
        self._export = export
        self._unchanged = unchanged
        self._settings = settings
        self._env = {name: env[name] for name in PASSED_ON if name in env}
        self._api_version = api_version
        self._one = asyncio.Lock()

    async def run(self, gate: str, commit: Oid, base: Oid) -> GateResult:
        """Returns the gate's result; whatever goes wrong is an error result."""
        chosen = self._settings().get(gate)
        if chosen is None:
            return GateResult("error", f"orch.toml has no [gates.{gate}]", 0.0)
        async with self._one:
            began = time.monotonic()
            try:
                return await self._in_room(gate, chosen, commit, base)
            except OrchError as error:
                return GateResult("error", str(error), time.monotonic() - began)
            except Exception as error:  # a gate is a plug-in
                return GateResult("error", f"{type(error).__name__}: {error}", time.monotonic() - began)

    async def _in_room(self, gate: str, chosen: GateSettings, commit: Oid, base: Oid) -> GateResult:
        plugin = load(GATES, chosen.plugin, api_version=self._api_version)()
        options = read_options(plugin.Options, _options(chosen), f"gates.{gate}")
        room = self._rooms / _folder(gate)
        await asyncio.to_thread(_emptied, room)
        tree = await self._export(commit, room)
        context = GateContext(str(room), base, tree, lambda argv, seconds: self._command(room, argv, seconds))
        result: GateResult = await plugin.run(context, options)
        if result.status == "passed" and not await self._unchanged(commit, room):
            return msgspec.structs.replace(result, status="failed", summary="the gate changed tracked files")
        return result

    async def _command(self, room: Path, argv: Sequence[str], seconds: float) -> CommandResult:
        """Runs a command in the room, in a session of its own that ends with it."""
        began = time.monotonic()
        mark = secrets.token_hex(8)
        async with _listening() as (output, say):
            try:
                process = await asyncio.create_subprocess_exec(
                    *argv,
                    cwd=room,
                    env={**self._env, MARK: mark},
                    stdin=asyncio.subprocess.DEVNULL,
                    stdout=say,
                    stderr=say,
                    start_new_session=True,
                )
            except OSError as error:
                return CommandResult(None, f"{argv[0]}: {error.strerror}", 0.0)
            finally:
                os.close(say)
            timed_out = False
            try:
                await asyncio.wait_for(process.wait(), seconds)
            except TimeoutError:
                timed_out = True
            finally:
                _end(process)
            rc = await process.wait()
            await asyncio.to_thread(_sweep, mark)
            await output.ended(LAST_WORDS_S)
        return CommandResult(rc, output.text, time.monotonic() - began, timed_out)


def _options(chosen: GateSettings) -> dict[str, Any]:
    return {"argv": list(chosen.argv), "timeout": str(chosen.timeout), **chosen.options}


def _folder(gate: str) -> str:
    """Returns a name for the gate's room that leads nowhere else."""
    plain = slug(gate)
    return gate if plain == gate else f"{plain}-{hashlib.sha256(gate.encode('utf-8', 'replace')).hexdigest()[:8]}"


def _emptied(room: Path) -> None:
    shutil.rmtree(room, ignore_errors=True)
    room.mkdir(mode=0o700, parents=True)


class _Output(asyncio.Protocol):
    """Takes all output so that nobody blocks on it; keeps the end."""

    def __init__(self) -> None:
        self._kept = b""
        self._over = asyncio.Event()

    @property
    def text(self) -> str:
        """What was said last."""
        return self._kept.decode("utf-8", "replace")

    async def ended(self, seconds: float) -> None:
        """Returns when nobody can say more, or after so many seconds."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._over.wait(), seconds)

    def data_received(self, data: bytes) -> None:
        """Keeps what came."""
        self._kept = (self._kept + data)[-OUTPUT_CAP:]

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002  as asyncio declares it
        """Notes the end."""
        self._over.set()


@contextlib.asynccontextmanager
async def _listening() -> AsyncIterator[tuple[_Output, int]]:
    """Yields what listens to a pipe, and the pipe's other end.

    The pipe is ours and not the process's: whatever left the command's session and holds it open holds up nobody.
    """
    hear, say = os.pipe()
    transport, output = await asyncio.get_running_loop().connect_read_pipe(_Output, os.fdopen(hear, "rb", buffering=0))
    try:
        yield output, say
    finally:
        transport.close()


def _end(process: asyncio.subprocess.Process) -> None:
    """Ends whatever is left of the command's session."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        return


def _sweep(mark: str) -> None:
    """Ends what has left the command's session, until nothing is left: it may go on forking meanwhile."""
    for _ in range(SWEEPS):
        left = [process for process in psutil.process_iter() if _marked(process, mark)]
        for process in left:
            with contextlib.suppress(psutil.Error):
                process.kill()
        if not left:
            return
        psutil.wait_procs(left, timeout=1.0)


def _marked(process: psutil.Process, mark: str) -> bool:
    try:
        return process.environ().get(MARK) == mark
    except (psutil.Error, OSError):
        return False
