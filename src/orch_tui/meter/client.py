"""The engine's hand on the meter: finds or starts it, gives runs their tokens, follows the ledger.

A meter that died is started again when the next question is asked, and at once while somebody follows; it comes back
on the same port, so agents notice no more than an answer that broke off.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import stat
import sys
from collections.abc import AsyncGenerator, Sequence
from pathlib import Path
from typing import TypeVar

import msgspec
from msgspec import Struct

from orch_tui.meter import spawn, wire
from orch_tui.model.errors import Busy, EnvironmentProblem, OrchError, raised_again
from orch_tui.model.usage import LedgerRow

COMMAND = (sys.executable, "-P", "-m", "orch_tui", "meter")
"""-P: a module planted in the working directory is not imported."""

SECONDS_TO_START = 90.0
SECONDS_TO_STOP = 10.0
SECONDS_TO_ANSWER = 30.0
PAUSE = 0.05
TRIES_TO_CONNECT = 40
PAUSE_AFTER_FAILURE = 1.0

A = TypeVar("A", bound=wire.Answer)


class MeterInfo(Struct, frozen=True):
    """The meter that runs."""

    url: str
    pid: int
    simulated: bool
    ledger_id: str


class _Link(Struct, eq=False):
    """A connection to a control socket."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    def alive(self) -> bool:
        return not self.reader.at_eof() and not self.writer.is_closing()

    async def ask(self, ask: wire.Ask) -> wire.Answer:
        """Sends a request and returns its answer.

        Raises:
            ConnectionError: the meter is gone.
            OrchError: the meter refused, or does not answer.
        """
        try:
            async with asyncio.timeout(SECONDS_TO_ANSWER):
                self.writer.write(wire.line(ask))
                await self.writer.drain()
                answer = await self.next()
        except TimeoutError as problem:
            self.writer.close()
            raise EnvironmentProblem("The meter does not answer", type(ask).__name__, _HINT) from problem
        except BaseException:
            self.writer.close()  # whoever asks next must not be given this answer
            raise
        if isinstance(answer, wire.Failed):
            raise raised_again(answer.kind, answer.title, answer.detail, answer.hint)
        return answer

    async def next(self) -> wire.Answer:
        try:
            return wire.read_answer(await self.reader.readuntil(b"\n"))
        except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, msgspec.MsgspecError) as problem:
            raise ConnectionResetError("the meter broke off") from problem

    async def close(self) -> None:
        self.writer.close()
        with contextlib.suppress(ConnectionError):
            await self.writer.wait_closed()


class MeterClient:
    """Core's `Meter` port over the control socket of one state directory."""

    def __init__(
        self,
        state: Path,
        upstream: str,
        key: str,
        linger_s: float,
        *,
        command: Sequence[str] = COMMAND,
        zone: str = "UTC",
    ) -> None:
        """Makes a client that has not looked for a meter yet.

        Args:
            state: the mission's state directory.
            upstream: the base URL of a Messages API, `simulated`, or `simulated:` and the path of a file of plays.
            key: the real key, "" if agents bring their own login or the upstream needs none.
            linger_s: how long a meter stays that nobody needs.
            command: the argument list that starts a meter; options are appended.
            zone: the IANA name of the zone whose days the ledger counts.
        """
        self._state = state.absolute()
        self._upstream = upstream
        self._key = key
        self._options = ("--state", str(self._state), "--upstream", upstream, "--linger", str(linger_s), "--zone", zone)
        self._zone = zone
        self._command = tuple(command)
        self._link: _Link | None = None
        self._info: MeterInfo | None = None
        self._followed: set[_Link] = set()
        self._children: set[int] = set()
        self._finding = asyncio.Lock()
        self._asking = asyncio.Lock()
        self._closed = False

    async def ensure(self) -> MeterInfo:
        """Returns the running meter, started if there was none.

        Raises:
            OrchError: it cannot be started.
        """
        async with self._finding:
            if self._info is None or self._link is None or not self._link.alive():
                self._info = await self._find_or_start()
            return self._info

    async def grant(self, run: str, agent: str, stream: str, task: str) -> str:
        """Returns the base URL, token included, to which a run sends its requests."""
        return (await self._ask(wire.AskGrant(run, agent, stream, task), wire.Granted)).url

    async def revoke(self, run: str) -> None:
        """Makes the tokens of a run worthless."""
        await self._ask(wire.AskRevoke(run), wire.Done)

    async def rows(self, after: int) -> Sequence[LedgerRow]:
        """Returns all committed rows behind a number."""
        found: list[LedgerRow] = []
        while page := (await self._ask(wire.AskRows(after), wire.Rows)).rows:
            found += page
            after = page[-1].seq
        return found

    async def follow(self, after: int) -> AsyncGenerator[Sequence[LedgerRow], None]:
        """Yields rows behind a number and those to come, until the client is closed.

        A meter that dies is started again. A ledger that was replaced is read from its start.
        """
        ledger_id = ""
        while not self._closed:
            link = await self._follower()
            if link is None:
                continue
            info = await self.ensure()
            if ledger_id and info.ledger_id != ledger_id:
                after = 0
            ledger_id = info.ledger_id
            async with contextlib.aclosing(self._pushed(link, after)) as pushed:
                async for rows in pushed:
                    after = rows[-1].seq
                    yield rows

    async def status(self) -> wire.MeterStatus:
        """Returns how the meter stands."""
        return await self._ask(wire.AskStatus(), wire.MeterStatus)

    async def stop(self) -> None:
        """Ends the meter, if one runs, and lets go of it."""
        self._closed = True
        link = self._link if self._link is not None and self._link.alive() else await self._connected()
        if link is not None:
            await self._end(link)
        await self.close()

    async def close(self) -> None:
        """Lets go of the meter; it goes on."""
        self._closed = True
        for link in [*self._followed, self._link]:
            if link is not None:
                await link.close()
        self._link = None
        self._reap()

    async def _ask(self, ask: wire.Ask, expected: type[A]) -> A:
        """Asks the meter; one that died meanwhile is started again and asked once more."""
        async with self._asking:
            await self.ensure()
            try:
                answer = await self._asked(ask)
            except ConnectionError:
                await self.ensure()
                answer = await self._asked(ask)
        if not isinstance(answer, expected):
            raise EnvironmentProblem("The meter answered something else", type(answer).__name__, _HINT)
        return answer

    async def _asked(self, ask: wire.Ask) -> wire.Answer:
        if self._link is None:
            raise ConnectionResetError("the meter is away")
        return await self._link.ask(ask)

    async def _find_or_start(self) -> MeterInfo:
        if self._link is not None:
            await self._link.close()
        self._reap()
        self._link = await self._connected()
        status = await self._greet(self._link) if self._link is not None else None
        if self._link is not None and (status is None or not self._fits(status)):
            await self._end(self._link)
            status = None
        if status is None:
            self._link, status = await self._start()
        return MeterInfo(status.url, status.pid, status.simulated, status.ledger_id)

    def _fits(self, status: wire.MeterStatus) -> bool:
        """Says whether a meter that runs was started with what we were told; an absent key asks for none."""
        same_key = not self._key or status.key == wire.fingerprint(self._key)
        return (status.upstream, status.zone) == (self._upstream, self._zone) and same_key

    async def _start(self) -> tuple[_Link, wire.MeterStatus]:
        """Starts a meter and connects to it, or to the one that another client started at the same time."""
        self._state.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            async with asyncio.timeout(SECONDS_TO_START):
                while True:
                    await self._spawn()
                    found = await self._come_up()
                    if found is not None:
                        return found
        except TimeoutError as problem:
            raise EnvironmentProblem("The meter does not come up", str(self._state), _HINT) from problem

    async def _spawn(self) -> None:
        pid, said = spawn.start([*self._command, *self._options], self._key, self._state / "meter.log")
        self._children.add(pid)
        _raise_failure(await spawn.first_line(said), self._state)

    async def _come_up(self) -> tuple[_Link, wire.MeterStatus] | None:
        """Returns the meter that answers; None if the lock was held by one that has ended since."""
        for _ in range(TRIES_TO_CONNECT):
            link = await self._connected()
            status = await self._greet(link) if link is not None else None
            if link is not None and status is not None:
                return link, status
            await asyncio.sleep(PAUSE)
        return None

    async def _connected(self) -> _Link | None:
        try:
            address = _named_socket(self._state / "meter.sock")
            return _Link(*await asyncio.open_unix_connection(address, limit=wire.LONGEST_LINE))
        except OSError:
            return None

    async def _greet(self, link: _Link) -> wire.MeterStatus | None:
        try:
            answer = await link.ask(wire.AskStatus())
        except ConnectionError:
            await link.close()
            return None
        return answer if isinstance(answer, wire.MeterStatus) else None

    async def _end(self, link: _Link) -> None:
        """Tells a meter to stop and waits until it has."""
        with contextlib.suppress(ConnectionError, TimeoutError):
            async with asyncio.timeout(SECONDS_TO_STOP):
                await link.ask(wire.AskStop())
                await link.reader.read()
        await link.close()

    async def _follower(self) -> _Link | None:
        """Returns a connection of its own to the meter that runs, None after a pause if there is none to be had."""
        try:
            await self.ensure()
            link = await self._connected()
        except OrchError:
            link = None
        if link is None:
            await asyncio.sleep(PAUSE_AFTER_FAILURE)
        return link

    async def _pushed(self, link: _Link, after: int) -> AsyncGenerator[Sequence[LedgerRow], None]:
        self._followed.add(link)
        try:
            link.writer.write(wire.line(wire.AskFollow(after)))
            while True:
                answer = await link.next()
                if isinstance(answer, wire.Rows):
                    yield answer.rows
        except ConnectionError:
            pass  # the meter is gone; who follows starts it again
        finally:
            self._followed.discard(link)
            await link.close()

    def _reap(self) -> None:
        """Forgets children that have ended: their process ids may be another child's by the next time."""
        self._children = {pid for pid in self._children if not spawn.ended(pid)}


_HINT = "See meter.log in the state directory; `orch-tui doctor` checks the rest."


def _raise_failure(text: bytes, state: Path) -> None:
    """Raises what a starting meter says has failed; that another one runs already is no failure."""
    if not text:
        raise EnvironmentProblem("The meter ended at once", str(state / "meter.log"), _HINT)
    answer = wire.read_answer(text)
    if isinstance(answer, wire.Failed) and answer.kind != Busy.kind:
        raise raised_again(answer.kind, answer.title, answer.detail, answer.hint)


def _named_socket(path: Path) -> Path:
    """Returns the socket at a path, or the one that a file at this path names, in a directory that is ours alone.

    Raises:
        OSError: there is none, or others could have put it there.
    """
    if not stat.S_ISREG(path.lstat().st_mode):
        return path
    address = Path(os.fsdecode(path.read_bytes()[:4096]))
    about = address.parent.lstat()
    if not stat.S_ISDIR(about.st_mode) or about.st_uid != os.getuid() or about.st_mode & 0o077:
        raise PermissionError(f"{address.parent} is not private")
    return address
