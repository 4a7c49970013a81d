"""Real time for the core's `Clock` port."""

from __future__ import annotations

import asyncio
import time


class SystemClock:
    """The clock of this machine."""

    def now(self) -> float:
        """Returns epoch seconds, UTC."""
        return time.time()

    async def sleep(self, seconds: float) -> None:
        """Returns after that much real time."""
        await asyncio.sleep(seconds)
