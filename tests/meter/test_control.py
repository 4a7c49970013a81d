from __future__ import annotations

import asyncio
import stat
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from orch_tui.meter import wire
from orch_tui.meter.control import Control
from orch_tui.meter.ledger import Entry, Grant, Ledger

from .conftest import NOW

OWNER = Grant("run1.1", "api-1", "api", "Endpoints")


def status() -> wire.MeterStatus:
    return wire.MeterStatus("http://127.0.0.1:9", 1, "id", "simulated", "UTC", "", simulated=True)


class Desk:
    def __init__(self, path: Path, ledger: Ledger, control: Control) -> None:
        self.path = path
        self.ledger = ledger
        self.control = control

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_unix_connection(self.path)

    async def ask(self, *asks: wire.Ask | bytes) -> list[wire.Answer]:
        reader, writer = await self.connect()
        answers = []
        for ask in asks:
            writer.write(ask if isinstance(ask, bytes) else wire.line(ask))
            answers.append(wire.read_answer(await reader.readline()))
        writer.close()
        return answers

    def book(self, req: str) -> None:
        self.ledger.book(Entry(kind="settle", req=req, at=NOW, grant=OWNER, model="m", pico=1)).result(10)


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    ledger = Ledger(tmp_path / "ledger.db", NOW)
    with tempfile.TemporaryDirectory() as short:
        control = Control(ledger, status)
        path = Path(short) / "meter.sock"
        async with control.serving(path):
            yield Desk(path, ledger, control)
        assert not path.exists()
    ledger.close()


async def test_only_this_user_may_connect(desk: Desk) -> None:
    assert stat.S_IMODE(desk.path.stat().st_mode) == 0o600


async def test_a_token_is_random_and_ends_with_its_run(desk: Desk) -> None:
    ask = wire.AskGrant("run1.1", "api-1", "api", "Endpoints")
    first, second = await desk.ask(ask, ask)
    assert isinstance(first, wire.Granted)
    assert isinstance(second, wire.Granted)
    assert first.url.startswith("http://127.0.0.1:9/r/")
    token = first.url.rpartition("/")[2]
    assert len(bytes.fromhex(token)) == 16
    assert first != second
    assert desk.ledger.holder(token) == OWNER
    assert await desk.ask(wire.AskRevoke("run1.1")) == [wire.Done()]
    assert desk.ledger.holder(token) is None


async def test_status_counts_clients_and_runs(desk: Desk) -> None:
    await desk.ask(wire.AskGrant("r", "a", "s", "t"))
    (answer,) = await desk.ask(wire.AskStatus())
    assert isinstance(answer, wire.MeterStatus)
    assert answer.runs == 1
    assert answer.clients >= 1


async def test_a_follower_is_told_of_each_commit_and_misses_none(desk: Desk) -> None:
    desk.book("before")
    reader, writer = await desk.connect()
    writer.write(wire.line(wire.AskFollow(0)))
    seen: list[str] = []
    for number in range(20):
        while len(seen) <= number:
            answer = wire.read_answer(await asyncio.wait_for(reader.readline(), 10))
            assert isinstance(answer, wire.Rows)
            seen += [row.req for row in answer.rows]
        desk.book(f"r{number}")
    writer.close()
    assert seen == ["before", *(f"r{number}" for number in range(19))]


async def test_rows_are_asked_for_by_number(desk: Desk) -> None:
    for number in range(3):
        desk.book(f"r{number}")
    (answer,) = await desk.ask(wire.AskRows(1))
    assert isinstance(answer, wire.Rows)
    assert [row.req for row in answer.rows] == ["r1", "r2"]


@pytest.mark.parametrize("line", [b"{}\n", b"hello\n", b'{"type":"grant","run":1}\n', b"\xff\n"])
async def test_a_line_that_is_no_request_is_answered(desk: Desk, line: bytes) -> None:
    failed, answer = await desk.ask(line, wire.AskStatus())
    assert isinstance(failed, wire.Failed)
    assert isinstance(answer, wire.MeterStatus)


async def test_clients_that_break_off_leave_no_trace(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    for number in range(300):
        desk.ledger.book(Entry(kind="open", req=f"r{number}", at=NOW, grant=OWNER, model="m" * 500))
    desk.book("last")
    for ask in (wire.AskRows(0), wire.AskFollow(0)):
        for _ in range(5):
            _, writer = await desk.connect()
            writer.write(wire.line(ask) * 50)
            await writer.drain()
            writer.transport.abort()
    for _ in range(500):
        (answer,) = await desk.ask(wire.AskStatus())
        assert isinstance(answer, wire.MeterStatus)
        if answer.clients == 1:
            break
    assert answer.clients == 1
    assert caplog.records == []


async def test_it_ends_when_told(desk: Desk) -> None:
    ended = asyncio.create_task(desk.control.ended(3600))
    assert await desk.ask(wire.AskStop()) == [wire.Done()]
    await asyncio.wait_for(ended, 10)


async def test_it_ends_when_idle_but_not_while_a_run_lives_or_a_client_is_there(desk: Desk) -> None:
    reader, writer = await desk.connect()
    writer.write(wire.line(wire.AskGrant("r", "a", "s", "t")))
    await reader.readline()
    ended = asyncio.create_task(desk.control.ended(0.05))
    writer.write(wire.line(wire.AskRevoke("r")))
    await reader.readline()
    await asyncio.sleep(0.2)
    assert not ended.done()
    writer.write(wire.line(wire.AskGrant("r", "a", "s", "t")))
    await reader.readline()
    writer.close()
    await asyncio.sleep(0.2)
    assert not ended.done()
    await desk.ask(wire.AskRevoke("r"))
    await asyncio.wait_for(ended, 10)
