"""The meter's control socket: gives and ends tokens, hands out rows as they are committed, stops.

It alone decides when the meter is idle: no client is connected and no run holds a token.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import msgspec

from orch_tui.meter import wire
from orch_tui.meter.ledger import Grant, Ledger
from orch_tui.model.errors import OrchError, StorageError, UsageError

TOKEN_BYTES = 16


class Control:
    """Serves the control socket of one meter."""

    def __init__(self, ledger: Ledger, status: Callable[[], wire.MeterStatus]) -> None:
        """Makes a control that is not served yet.

        Args:
            ledger: the meter's ledger.
            status: who the meter is; clients and runs are filled in here.
        """
        self._ledger = ledger
        self._status = status
        self._clients: set[asyncio.Task[None]] = set()
        self._followers: set[asyncio.Event] = set()
        self._changed = asyncio.Event()
        self._stop = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        ledger.listen(self._committed)

    @contextlib.asynccontextmanager
    async def serving(self, path: Path) -> AsyncIterator[None]:
        """Listens at a path, for this user only, until the block ends."""
        path.unlink(missing_ok=True)
        server = await asyncio.start_unix_server(self._client, path, limit=wire.LONGEST_LINE, start_serving=False)
        path.chmod(0o600)
        await server.start_serving()
        try:
            yield
        finally:
            server.close()
            for task in self._clients:
                task.cancel()
            await asyncio.gather(*self._clients, return_exceptions=True)
            path.unlink(missing_ok=True)

    def stop(self) -> None:
        """Ends the meter as soon as it may."""
        self._stop.set()

    async def ended(self, linger: float) -> None:
        """Waits until the meter is told to stop, or was idle for so many seconds."""
        async with asyncio.TaskGroup() as group:
            idle = group.create_task(self._idle(linger))
            stop = group.create_task(self._stop.wait())
            await asyncio.wait((idle, stop), return_when=asyncio.FIRST_COMPLETED)
            idle.cancel()
            stop.cancel()

    async def _idle(self, linger: float) -> None:
        while True:
            self._changed.clear()
            busy = bool(self._clients) or self._ledger.live_runs() > 0
            try:
                await asyncio.wait_for(self._changed.wait(), None if busy else linger)
            except TimeoutError:
                return

    def _committed(self) -> None:
        """Runs in the ledger's writing thread."""
        self._loop.call_soon_threadsafe(self._wake)

    def _wake(self) -> None:
        for follower in self._followers:
            follower.set()

    async def _client(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is None:
            return
        self._clients.add(task)
        self._changed.set()
        try:
            await self._converse(reader, writer)
        except (ConnectionError, asyncio.CancelledError):
            pass  # the client went away, or the meter ends: either way this conversation is over
        finally:
            self._clients.discard(task)
            self._changed.set()
            writer.close()

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        follower: asyncio.Task[None] | None = None
        try:
            while text := await _read_line(reader):
                answer = await self._answer(text)
                if isinstance(answer, wire.AskFollow):
                    follower = follower or asyncio.create_task(self._push(writer, answer.after))
                    continue
                writer.write(wire.line(answer))
                await writer.drain()
        finally:
            if follower is not None:
                follower.cancel()
                await asyncio.gather(follower, return_exceptions=True)

    async def _push(self, writer: asyncio.StreamWriter, after: int) -> None:
        """Sends rows behind a number and each new one, until cancelled or the client is gone."""
        committed = asyncio.Event()
        self._followers.add(committed)
        try:
            while not writer.is_closing():
                committed.clear()
                rows = self._ledger.rows(after, wire.ROWS_PER_LINE)
                if not rows:
                    await committed.wait()
                    continue
                writer.write(wire.line(wire.Rows(list(rows))))
                await writer.drain()
                after = rows[-1].seq
        except (ConnectionError, StorageError):
            pass  # closing the connection says it: whoever follows connects again
        finally:
            self._followers.discard(committed)
            writer.close()

    async def _answer(self, text: bytes) -> wire.Answer | wire.AskFollow:
        try:
            ask = wire.read_ask(text)
        except (msgspec.MsgspecError, UnicodeDecodeError) as problem:
            return wire.failed(UsageError("The meter does not understand this line", str(problem)))
        if isinstance(ask, wire.AskFollow):
            return ask
        try:
            return await self._do(ask)
        except OrchError as error:
            return wire.failed(error)

    async def _do(self, ask: wire.Ask) -> wire.Answer:
        match ask:
            case wire.AskGrant(run, agent, stream, task):
                return await self._grant(Grant(run, agent, stream, task))
            case wire.AskRevoke(run):
                await asyncio.wrap_future(self._ledger.revoke(run))
                self._changed.set()
            case wire.AskRows(after):
                return wire.Rows(list(self._ledger.rows(after, wire.ROWS_PER_LINE)))
            case wire.AskStop():
                self._stop.set()
            case _:
                runs = self._ledger.live_runs()
                return msgspec.structs.replace(self._status(), clients=len(self._clients), runs=runs)
        return wire.Done()

    async def _grant(self, grant: Grant) -> wire.Answer:
        token = secrets.token_hex(TOKEN_BYTES)
        await asyncio.wrap_future(self._ledger.grant(token, grant))
        self._changed.set()
        return wire.Granted(f"{self._status().url}/r/{token}")


async def _read_line(reader: asyncio.StreamReader) -> bytes:
    """Returns the next whole line, b"" at the end or when a line is longer than any that we send."""
    try:
        return await reader.readuntil(b"\n")
    except (asyncio.IncompleteReadError, asyncio.LimitOverrunError):
        return b""
