from __future__ import annotations

import asyncio
import contextlib

import pytest

from orch_tui.engine.client import MissionClient
from orch_tui.engine.lifecycle import hold
from orch_tui.engine.starter import answers
from orch_tui.testing.contracts import MissionContract
from tests.contract_world import FakeWorld
from tests.engine.conftest import eventually


class TestMissionClient(MissionContract):
    """The same mission, behind a real socket."""

    @pytest.fixture
    async def mission(self, state):
        socket = state / "engine.sock"
        engine = asyncio.create_task(
            hold(lock=state / "engine.lock", socket=socket, make=FakeWorld().open, linger_s=60.0)
        )
        await eventually(lambda: answers(socket))
        client = await MissionClient.connect(socket)
        yield client
        await client.close()
        engine.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await engine
