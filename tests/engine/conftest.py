from __future__ import annotations

import asyncio
import contextlib
import shutil
import tempfile
from pathlib import Path

import pytest

from orch_tui.engine.client import MissionClient
from orch_tui.engine.lifecycle import hold
from orch_tui.testing.fakes import MemoryJournal
from tests.engine.tiny import TinyMission


@pytest.fixture
def state():
    """A state directory whose socket path is short."""
    place = Path(tempfile.mkdtemp(prefix="orch-e-", dir="/tmp"))
    yield place
    shutil.rmtree(place, ignore_errors=True)


class Hosted:
    """An engine in this process, and clients of it."""

    def __init__(self, state: Path, mission: TinyMission) -> None:
        self.socket = state / "engine.sock"
        self.mission = mission
        self.clients: list[MissionClient] = []

    async def client(self, **options) -> MissionClient:
        client = await MissionClient.connect(self.socket, **options)
        self.clients.append(client)
        return client


@pytest.fixture
async def hosted(state):
    opened: asyncio.Future[TinyMission] = asyncio.get_running_loop().create_future()

    async def make() -> TinyMission:
        opened.set_result(await TinyMission.open(MemoryJournal()))
        return opened.result()

    engine = asyncio.create_task(
        hold(lock=state / "engine.lock", socket=state / "engine.sock", make=make, linger_s=60.0)
    )
    host = Hosted(state, await opened)
    await asyncio.sleep(0)  # the socket is listened on before the next pass
    yield host
    for client in host.clients:
        await client.close()
    engine.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await engine


async def eventually(condition, seconds: float = 10.0) -> None:
    """Returns as soon as the condition holds."""
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110  any condition, not only those that announce themselves
            await asyncio.sleep(0.005)
