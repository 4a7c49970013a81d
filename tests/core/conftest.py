from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.core.world import World


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    """A mission that nobody has opened yet."""
    made = World(tmp_path)
    yield made
    await made.close()
