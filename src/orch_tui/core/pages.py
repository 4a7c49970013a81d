"""Which file of an agent a name in `ReadPage` means; one table for the engine and for those who look without one."""

from __future__ import annotations

from pathlib import Path

from orch_tui.core.parts import Places
from orch_tui.core.ports import AgentFiles
from orch_tui.model.errors import Refused
from orch_tui.model.fleet import Agent


def agent_file(name: str, agent: Agent, files: AgentFiles | None, places: Places) -> Path:
    """Returns the place of an agent's file; without its worktree's files, the archive's.

    Raises:
        Refused: the agent was never launched, or has no file of that name.
    """
    if not agent.worktree:
        raise Refused(f"{agent.id} was never launched; it has no files yet", "", "`orch-tui launch` starts it.")
    run, archive = places.run(agent.id, agent.run), places.archive(agent.id)
    found = {
        "notes": files.notes_path if files else archive / "AGENT_NOTES.md",
        "task": files.task_path if files else archive / "TASK.md",
        "blueprint": Path(agent.worktree) / ".orch" / "BLUEPRINT.md",
        "output": run / "out.log",
        "errors": run / "err.log",
    }
    if name not in found:
        raise Refused(f"{agent.id} has no file {name!r}", "", f"These can be read: {', '.join(found)}.")
    return found[name]


def root_of(path: Path, agent: Agent) -> Path | None:
    """Returns the worktree where the file lies in it: below it no link is followed."""
    worktree = Path(agent.worktree)
    return worktree if path.is_relative_to(worktree) else None
