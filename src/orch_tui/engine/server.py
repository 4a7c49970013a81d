"""The engine's door: verbs come in as lines, answers and facts go out; of the mission it knows `MissionVerbs` alone.

One task per client. A verb belongs to the engine, not to the client that asked for it: the client may go, the verb is
done. A client too slow for the facts gets a fresh snapshot instead of a longer queue.
"""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from msgspec.structs import replace

from orch_tui.core.ports import MissionVerbs
from orch_tui.engine.connection import Connection
from orch_tui.engine.protocol import (
    RECORDS_PER_LINE,
    REQUEST_CAP,
    VERSION,
    Answer,
    Ask,
    Bye,
    Facts,
    Follow,
    Hello,
    Preview,
    Request,
    Snapshot,
    check_version,
    decode_request,
    encode,
    failed,
)
from orch_tui.model.errors import EngineAway, OrchError
from orch_tui.model.facts import Record
from orch_tui.model.verbs import AskEngine, EngineInfo, Outcome, StopEngine, Verb

ASKS_AT_ONCE = 256
"""Requests of one client that are answered at the same time; a client with more waits until some are."""

GRACE_S = 10.0
"""How long a verb that changes something may take to end when the engine does."""

FAREWELL_S = 1.0
"""How long a client may take to hear that the engine ends."""

_log = logging.getLogger(__name__)


class Server:
    """Serves one mission to any number of clients.

    Args:
        mission: what is served.
        info: what the engine says of itself; the number of clients is filled in.
    """

    def __init__(self, mission: MissionVerbs, info: EngineInfo) -> None:
        self.mission = mission
        self._info = info
        self._clients: set[_Client] = set()
        self._verbs: set[asyncio.Task[None]] = set()
        self._reads: set[asyncio.Task[None]] = set()
        self._ended: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self.last_seen = asyncio.get_running_loop().time()
        """When a client was there last, by the loop's clock."""

    @property
    def info(self) -> EngineInfo:
        """Returns what the engine says of itself."""
        return replace(self._info, clients=len(self._clients))

    @property
    def busy(self) -> bool:
        """Says whether a client is there or a verb is under way."""
        return bool(self._clients or self._verbs)

    def stop(self, reason: str) -> None:
        """Makes `run` return; the first reason counts."""
        if not self._ended.done():
            self._ended.set_result(reason)

    async def run(self, listener: socket.socket) -> str:
        """Serves until `stop`; returns its reason after verbs under way have ended."""
        server = await asyncio.start_unix_server(self._serve, sock=listener)
        try:
            reason = await asyncio.shield(self._ended)
        finally:
            server.close()
            await self._let_go()
        return reason

    async def answer(self, verb: Verb[Any], agreed: str, actor: str) -> Any:
        """Does a verb; the two that are about the engine itself are answered here."""
        if isinstance(verb, AskEngine):
            return self.info
        if isinstance(verb, StopEngine):
            asyncio.get_running_loop().call_soon(self.stop, f"stopped by {actor}")
            return Outcome("the engine ends; agents go on and the next engine finds them")
        return await self.mission.do(verb, agreed=agreed, actor=actor)

    def keep(self, work: Coroutine[Any, Any, None], *, reads: bool) -> asyncio.Task[None]:
        """Runs the work of a request as a task of the engine."""
        tasks = self._reads if reads else self._verbs
        task = asyncio.create_task(work)
        tasks.add(task)
        task.add_done_callback(tasks.discard)
        return task

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        client = _Client(self, Connection(reader, writer, REQUEST_CAP))
        self._clients.add(client)
        try:
            await client.serve()
        finally:
            self._clients.discard(client)
            self.last_seen = asyncio.get_running_loop().time()

    async def _let_go(self) -> None:
        for read in list(self._reads):
            read.cancel()
        reason = self._ended.result() if self._ended.done() else "cancelled"
        if verbs := list(self._verbs):
            _, late = await asyncio.wait(verbs, timeout=GRACE_S)
            for verb in late:
                verb.cancel()
        for client in list(self._clients):
            client.dismiss(reason)
        if not await self._all_gone(FAREWELL_S):
            for client in list(self._clients):
                client.abort()
            await self._all_gone(FAREWELL_S)

    async def _all_gone(self, seconds: float) -> bool:
        """Waits until no client is there; says whether that came true."""
        tasks = [client.task for client in self._clients if client.task]
        _, left = await asyncio.wait(tasks, timeout=seconds) if tasks else (set(), set())
        return not left


class _Client:
    """One conversation."""

    def __init__(self, server: Server, connection: Connection) -> None:
        self._server = server
        self._connection = connection
        self._room = asyncio.Semaphore(ASKS_AT_ONCE)
        self._following: asyncio.Task[None] | None = None
        self._farewell: asyncio.Task[None] | None = None
        self.task: asyncio.Task[Any] | None = None

    async def serve(self) -> None:
        """Reads requests until the client is gone."""
        self.task = asyncio.current_task()
        try:
            await self._converse()
        except OrchError as error:
            await self._connection.send(failed(0, self._seq, error))
        except Exception:  # one client's trouble is not the engine's
            _log.exception("a client's conversation failed")
        finally:
            if self._following:
                self._following.cancel()
            self._connection.close()

    def abort(self) -> None:
        """Hangs up on a client that does not listen."""
        self._connection.abort()

    def dismiss(self, reason: str) -> None:
        """Says goodbye and hangs up."""
        self._farewell = asyncio.create_task(self._hang_up(reason))

    async def _hang_up(self, reason: str) -> None:
        await self._connection.send(Bye(reason))
        self._connection.close()

    @property
    def _seq(self) -> int:
        return self._server.mission.fleet.seq

    async def _converse(self) -> None:
        lines = self._connection.lines()
        async for line in lines:
            check_version(decode_request(line), "client")
            await self._connection.send(Hello(VERSION, self._server.info.version))
            break
        async for line in lines:
            await self._take(decode_request(line))

    async def _take(self, request: Request) -> None:
        match request:
            case Ask(id, verb, agreed, actor):
                await self._start(id, lambda: self._server.answer(verb, agreed, actor), reads=verb.reads)
            case Preview(id, verb):
                await self._start(id, lambda: self._server.mission.preview(verb), reads=True)
            case Follow():
                if self._following is None:
                    self._following = asyncio.create_task(self._follow())
                    self._following.add_done_callback(self._followed)
            case Hello():
                raise EngineAway("The client said hello twice")

    async def _start(self, id: int, work: Callable[[], Awaitable[Any]], *, reads: bool) -> None:  # noqa: A002
        await self._room.acquire()
        task = self._server.keep(self._reply(id, work), reads=reads)
        task.add_done_callback(lambda _: self._room.release())

    async def _reply(self, id: int, work: Callable[[], Awaitable[Any]]) -> None:  # noqa: A002  the field's name
        try:
            value = await work()
            line = encode(Answer(id, self._seq, value))
        except OrchError as error:
            line = encode(failed(id, self._seq, error))
        except Exception as error:  # a bug in one verb is an answer to its client
            _log.exception("a verb failed in a way that nobody foresaw")
            unforeseen = OrchError("The engine made a mistake", f"{type(error).__name__}: {error}", "see engine.log")
            line = encode(failed(id, self._seq, unforeseen))
        await self._connection.send_line(line)

    def _followed(self, task: asyncio.Task[None]) -> None:
        """Hangs up on a client that cannot be told any more, so that it comes back instead of standing still."""
        if not task.cancelled() and (error := task.exception()):
            _log.error("facts do not reach a client any more", exc_info=error)
            self.abort()

    async def _follow(self) -> None:
        facts = self._server.mission.follow()
        seq = await self._snapshot()
        async for batch in facts:
            fresh = [record for record in batch if record.seq > seq]
            if batch and not fresh:
                continue
            if not batch or fresh[0].seq != seq + 1:
                seq = await self._snapshot()
            else:
                seq = fresh[-1].seq
                await self._send_facts(fresh)

    async def _snapshot(self) -> int:
        fleet = self._server.mission.fleet
        await self._connection.send(Snapshot(fleet))
        return fleet.seq

    async def _send_facts(self, records: list[Record]) -> None:
        for start in range(0, len(records), RECORDS_PER_LINE):
            await self._connection.send(Facts(tuple(records[start : start + RECORDS_PER_LINE])))
