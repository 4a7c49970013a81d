"""What the engine remembers of one agent between two looks; all of it can be found again on disk."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from pathlib import Path

from orch_tui.core.ports import AgentFiles
from orch_tui.model.ids import AgentId
from orch_tui.model.landing import WorktreeState
from orch_tui.model.signals import Claim


@dataclass
class Tracked:
    """What the engine remembers of one agent between two looks; all of it can be found again on disk."""

    id: AgentId
    worktree: Path
    files: AgentFiles
    run_dir: Path | None = None
    alive: bool = False
    lost: bool = False
    rc: int | None = None
    signal: int = 0
    reason: str = ""
    ours: tuple[str, ...] = ()
    last_sign: float = 0.0
    has_sign: bool = False
    claim: Claim | None = None
    state: WorktreeState = field(default_factory=WorktreeState)
    git_wanted: bool = True
    looking: asyncio.Task[None] | None = None
    again: bool = False
    problem: str = ""
    notes_at: float = 0.0
    later: asyncio.Task[None] | None = None
