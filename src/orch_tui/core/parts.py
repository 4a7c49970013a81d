"""What the use cases of one mission share: its ports, its places on disk and its store."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from orch_tui.core.ports import Backend, Clock, Desk, GateRoom, Git, Meter, PlanSource, Runner, Watcher
from orch_tui.core.store import Store
from orch_tui.model.errors import OrchError, StorageError
from orch_tui.model.facts import ProblemSeen
from orch_tui.model.ids import AgentId, StreamKey
from orch_tui.model.landing import CommitStamp
from orch_tui.model.settings import Settings

PROTOCOL_NAMES = ("TASK.md", "AGENT_NOTES.md", ".orch")
"""What the protocol writes into a worktree; a repository may track one of these itself."""


def _nothing(name: str) -> None:
    """Marks a durable step; outside of crash tests it does nothing."""


@dataclass(frozen=True)
class Places:
    """Where the mission's files lie."""

    state: Path

    def worktree(self, stream: StreamKey, agent: AgentId) -> Path:
        """Returns the place of an agent's worktree."""
        return self.state / "worktrees" / stream / agent

    def run(self, agent: AgentId, nonce: str) -> Path:
        """Returns the directory of one attempt."""
        return self.state / "runs" / agent / nonce

    def archive(self, agent: AgentId) -> Path:
        """Returns where a finished agent's notes are kept."""
        return self.state / "archive" / agent

    def diff(self, base: str, head: str) -> Path:
        """Returns the place of a patch."""
        return self.state / "diffs" / f"{base[:16]}-{head[:16]}.diff"


@dataclass(frozen=True)
class Parts:
    """Everything that a use case may reach; made once by the composition root."""

    store: Store
    git: Git
    runner: Runner
    desk: Desk
    watcher: Watcher
    plan: PlanSource
    clock: Clock
    places: Places
    meter: Meter | None
    backend: Callable[[str], Backend]
    gates: GateRoom
    nonce: Callable[[], str]
    heads: Path
    """The directory of the repository's branch files, watched below `orch/`."""

    failpoint: Callable[[str], None] = _nothing

    async def revoke(self, run: str) -> None:
        """Ends a run's token at the meter; a meter that cannot be reached is shown, and nobody waits for it."""
        if self.meter is None:
            return
        try:
            await self.meter.revoke(run)
        except OrchError as error:
            with contextlib.suppress(StorageError):
                await self.store.put(ProblemSeen("meter", str(error)))

    def stamp(self) -> CommitStamp:
        """Returns author and time of a commit of ours."""
        return CommitStamp("orch-tui", "orch-tui@localhost", int(self.clock.now()))


@dataclass
class Current:
    """The settings in force; replaced when the plan is read again."""

    settings: Settings
