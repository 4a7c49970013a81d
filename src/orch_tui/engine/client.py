"""`MissionClient`: the mission behind the engine's socket, for console and command line.

It folds the engine's facts with the same `reduce` into a fleet of its own, raises the engine's errors again, and comes
back after a lost engine. An engine that said goodbye is not started again until a verb needs one.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from orch_tui.core.bus import Bus, Subscription
from orch_tui.engine.connection import Connection
from orch_tui.engine.protocol import (
    REPLY_CAP,
    VERSION,
    Answer,
    Ask,
    Bye,
    Facts,
    Failed,
    Follow,
    Hello,
    Preview,
    Reply,
    Request,
    Snapshot,
    check_version,
    decode_reply,
    encode,
)
from orch_tui.model import preview as previews
from orch_tui.model.errors import EngineAway, OrchError, raised_again
from orch_tui.model.facts import Record
from orch_tui.model.fleet import Fleet
from orch_tui.model.reduce import fold
from orch_tui.model.verbs import StopEngine, Verb, answer_type, tag_of

R = TypeVar("R")
Restart = Callable[[], Awaitable[Path]]
"""Finds or starts an engine and returns its socket."""

SHORTEST_PAUSE_S = 0.05
LONGEST_PAUSE_S = 2.0
TRIES = 4
"""So often a conversation that was begun may end before the fleet came, until whoever waits is told."""


class MissionClient:
    """A mission that runs in an engine.

    Args:
        path: the engine's socket.
        restart: how to get an engine again when it is lost; without it the client only waits for one.
        program: the version that this side says it is.
    """

    def __init__(self, path: Path, *, restart: Restart | None = None, program: str = "") -> None:
        self._path = path
        self._restart = restart
        self._program = program
        self._fleet = Fleet()
        self._bus = Bus()
        self._numbers = itertools.count(1)
        self._asked: dict[int, asyncio.Future[Answer]] = {}
        self._early: list[Answer | Failed] = []
        self._connection: Connection | None = None
        self._error: OrchError | None = None
        self._failures = 0
        self._turn = asyncio.Event()
        self._wanted = asyncio.Event()
        self._dismissed = False
        self._closed = False
        self._runner: asyncio.Task[None] | None = None

    @classmethod
    async def connect(cls, path: Path, *, restart: Restart | None = None, program: str = "") -> MissionClient:
        """Returns a client that has the mission's fleet.

        Raises:
            EngineAway: nobody answers there, or in another version.
        """
        client = cls(path, restart=restart, program=program)
        connection = await client._open(path)
        client._runner = asyncio.create_task(client._run(connection), name="mission client")
        try:
            await client._ready()
        except BaseException:
            await client.close()
            raise
        return client

    @property
    def fleet(self) -> Fleet:
        """Returns the newest value that the engine told."""
        return self._fleet

    @property
    def connected(self) -> bool:
        """Says whether the engine is there; `follow` yields an empty batch when that changes."""
        return self._connection is not None

    def follow(self) -> Subscription:
        """Yields batches of facts; an empty one where some were left out or the engine went or came back."""
        return self._bus.follow()

    async def preview(self, verb: Verb[Any]) -> previews.Preview:
        """Returns what the verb would do; changes nothing.

        Raises:
            EngineAway: no engine can be reached.
        """
        answer = await self._ask(lambda number: Preview(number, verb), again=True)  # type: ignore[arg-type]
        return msgspec.convert(answer.value, previews.Preview)

    async def do(self, verb: Verb[R], *, agreed: str = "", actor: str = "operator") -> R:
        """Does the verb in the engine; `fleet` has taken in what came of it when this returns.

        Raises:
            Refused: the mission's state forbids it, or the preview no longer holds.
            EngineAway: no engine can be reached, or it was lost meanwhile.
        """
        if not (verb.reads or isinstance(verb, StopEngine)):
            self._wanted.set()
        answer = await self._ask(lambda number: Ask(number, verb, agreed, actor), again=verb.reads, verb=verb)  # type: ignore[arg-type]
        return msgspec.convert(answer.value, answer_type(type(verb)))

    async def close(self) -> None:
        """Ends the conversation; the engine goes on."""
        self._closed = True
        if self._runner:
            self._runner.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._runner
        self._drop(EngineAway("The mission was closed", "while a request was under way"))
        self._bus.close()

    async def _ask(self, make: Callable[[int], Request], *, again: bool, verb: Verb[Any] | None = None) -> Answer:
        """Asks, and asks again after a lost engine if that does no harm."""
        while True:
            connection = await self._ready()
            number = next(self._numbers)
            future: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
            self._asked[number] = future
            try:
                await connection.send(make(number))
                return await future
            except _Lost as lost:
                if not again:
                    raise EngineAway(
                        "The engine was lost while it did this",
                        tag_of(verb) if verb else "",
                        "look at `orch-tui status` before you do it again",
                    ) from lost
            finally:
                self._asked.pop(number, None)

    async def _ready(self) -> Connection:
        """Returns the connection as soon as there is one, or raises what stands in its way."""
        while self._connection is None:
            if self._closed:
                raise EngineAway("The mission was closed")
            if self._dismissed and not (self._wanted.is_set() and self._restart):
                raise EngineAway("The engine was stopped", str(self._path), "`orch-tui launch` starts it again")
            await self._turn.wait()
            if self._connection is None and self._error is not None:
                raise self._error
        return self._connection

    async def _run(self, connection: Connection) -> None:
        while True:
            try:
                await self._listen(connection)
            except OrchError as error:
                self._error = error
            except Exception as error:  # what we do not understand of an engine must not leave anybody waiting
                self._error = EngineAway("The engine said something unforeseen", f"{type(error).__name__}: {error}")
            finally:
                connection.abort()
            self._drop(_Lost())
            connection = await self._come_back()

    async def _listen(self, connection: Connection) -> None:
        async for line in connection.lines():
            self._take(decode_reply(line), connection)

    def _take(self, reply: Reply, connection: Connection) -> None:
        match reply:
            case Snapshot(fleet):
                self._fleet = fleet
                self._up(connection)
                self._bus.skip()
            case Facts(records):
                self._fold(records)
            case Failed(0):
                raise raised_again(reply.kind, reply.title, reply.detail, reply.hint)
            case Answer() | Failed():
                self._early.append(reply)
            case Bye():
                self._dismissed = True
                self._wanted.clear()
            case Hello():
                check_version(reply, "engine")
        self._settle()

    def _up(self, connection: Connection) -> None:
        self._connection = connection
        self._dismissed = False
        self._error = None
        self._failures = 0
        self._wanted.clear()
        self._end_turn()

    def _fold(self, records: Sequence[Record]) -> None:
        fresh = [record for record in records if record.seq > self._fleet.seq]
        self._fleet = fold(self._fleet, fresh)
        self._bus.publish(fresh)

    def _settle(self) -> None:
        """Hands out the answers whose consequences the fleet has taken in."""
        waiting, self._early = self._early, []
        for reply in waiting:
            if reply.seq > self._fleet.seq:
                self._early.append(reply)
                continue
            future = self._asked.get(reply.id)
            if future is None or future.done():
                continue
            if isinstance(reply, Answer):
                future.set_result(reply)
            else:
                future.set_exception(raised_again(reply.kind, reply.title, reply.detail, reply.hint))

    def _drop(self, error: OrchError) -> None:
        """Ends what was under way on a connection that is gone."""
        self._early.clear()
        self._connection = None
        for future in self._asked.values():
            if not future.done():
                future.set_exception(error)
        self._bus.skip()
        self._end_turn()

    def _end_turn(self) -> None:
        self._turn.set()
        self._turn = asyncio.Event()

    async def _come_back(self) -> Connection:
        pause = SHORTEST_PAUSE_S
        while True:
            self._failures += 1
            if self._failures >= TRIES:
                self._give_up(EngineAway("The engine is away", f"{self._path} hangs up", "see engine.log"))
            else:
                try:
                    return await self._open(await self._find())
                except OrchError as error:
                    self._give_up(error)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._wanted.wait(), pause)
            pause = min(pause * 2, LONGEST_PAUSE_S)

    def _give_up(self, error: OrchError) -> None:
        """Tells whoever waits why there is no engine now; the next try comes all the same."""
        self._error = error
        self._failures = 0
        self._wanted.clear()
        self._end_turn()

    async def _find(self) -> Path:
        if self._restart and (self._wanted.is_set() or not self._dismissed):
            self._path = await self._restart()
        return self._path

    async def _open(self, path: Path) -> Connection:
        """Returns a connection on which the fleet and its facts are on their way."""
        try:
            reader, writer = await asyncio.open_unix_connection(path)
        except OSError as error:
            raise EngineAway("The engine is away", f"{path}: {error.strerror}", "any verb starts it again") from error
        connection = Connection(reader, writer, REPLY_CAP)
        # One write: a second one, to whoever has refused the first, would lose the reason.
        await connection.send_line(encode(Hello(VERSION, self._program)) + encode(Follow()))
        return connection


class _Lost(EngineAway):
    """The connection ended before the answer came."""

    def __init__(self) -> None:
        super().__init__("The engine was lost")
