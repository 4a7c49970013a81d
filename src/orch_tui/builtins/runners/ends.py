"""Tells when processes that are nobody's children have ended.

On Linux the kernel says so (a pidfd becomes readable), so nothing is polled; elsewhere, or when the
descriptors run out, all of them are looked at once a second.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable

from orch_tui.builtins.runners.agentd import Victim, start_of

LOOK_S = 1.0


class Ends:
    """Calls back once for each watched process when it is gone."""

    def __init__(self) -> None:
        self._handles: dict[int, Callable[[], None]] = {}
        self._looked_at: dict[Victim, Callable[[], None]] = {}
        self._timer: asyncio.TimerHandle | None = None

    def watch(self, process: Victim, ended: Callable[[], None]) -> None:
        """Watches a process by (pid, start time); one that is gone already is reported at once."""
        loop = asyncio.get_running_loop()
        try:
            handle = os.pidfd_open(process[0]) if sys.platform == "linux" else -1
        except ProcessLookupError:
            handle = -1
        except OSError:
            handle = -1
        if start_of(process[0]) != process[1]:
            if handle >= 0:
                os.close(handle)
            loop.call_soon(ended)
        elif handle >= 0:
            self._handles[handle] = ended
            loop.add_reader(handle, self._readable, handle)
        else:
            self._looked_at[process] = ended
            self._timer = self._timer or loop.call_later(LOOK_S, self._look)

    def close(self) -> None:
        """Stops watching; the processes are left alone."""
        for handle in list(self._handles):
            self._forget(handle)
        if self._timer:
            self._timer.cancel()
        self._looked_at.clear()

    def _readable(self, handle: int) -> None:
        ended = self._handles[handle]
        self._forget(handle)
        ended()

    def _forget(self, handle: int) -> None:
        asyncio.get_running_loop().remove_reader(handle)
        os.close(handle)
        del self._handles[handle]

    def _look(self) -> None:
        for process in [one for one in self._looked_at if start_of(one[0]) != one[1]]:
            self._looked_at.pop(process)()
        self._timer = asyncio.get_running_loop().call_later(LOOK_S, self._look) if self._looked_at else None
