"""Named points where a crash test may end the engine; without `ORCH_FAILPOINT` they do nothing."""

from __future__ import annotations

import errno
import os
import signal
from collections.abc import Callable, Mapping

POINTS = frozenset(
    {
        "launch.after_worktree",
        "launch.after_intent",
        "launch.after_start",
        "land.after_pin",
        "land.after_intent",
        "land.after_tag",
        "land.after_cas",
        "land.after_outcome",
        "rollback.after_pin",
        "rollback.after_intent",
        "rollback.after_cas",
        "rollback.after_outcome",
    }
)
"""Every point that the core names."""


def failpoint(env: Mapping[str, str]) -> Callable[[str], None]:
    """Returns what the core calls at each point: `ORCH_FAILPOINT=name=kill|raise|enospc` makes one of them fail."""
    name, _, how = env.get("ORCH_FAILPOINT", "").partition("=")

    def reached(point: str) -> None:
        if point == name:
            _fail(point, how)

    return reached


def _fail(point: str, how: str) -> None:
    if how == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    if how == "enospc":
        raise OSError(errno.ENOSPC, f"failpoint {point}")
    raise RuntimeError(f"failpoint {point}")
