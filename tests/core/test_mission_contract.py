from __future__ import annotations

import pytest

from orch_tui.testing.contracts import MissionContract
from tests.contract_world import FakeWorld


class TestMission(MissionContract):
    @pytest.fixture
    async def mission(self):
        mission = await FakeWorld().open()
        yield mission
        await mission.close("the test is over")
