"""The review screen's rows: changed files, and who is under review. Pure."""

from __future__ import annotations

from textual.content import Content

from orch_tui.model.diff import FileChange, readable
from orch_tui.model.fleet import Agent, Fleet
from orch_tui.model.plain import counted
from orch_tui.model.states import AgentState
from orch_tui.tui import look
from orch_tui.tui.present import when
from orch_tui.tui.present.cells import cell, safe
from orch_tui.tui.present.money import count


def reviewable(fleet: Fleet) -> tuple[Agent, ...]:
    """Returns the agents whose work waits for a verdict, the one that waits longest first."""
    return tuple(sorted((a for a in fleet.agents() if a.state == AgentState.REVIEW), key=lambda a: (a.since, a.id)))


def file_row(file: FileChange, width: int) -> Content:
    """Returns a changed file as a line; the end of a long path is what is kept."""
    kind = look.change(file.kind)
    stat = _stat(file)
    room = width - stat.cell_length - 4
    path = safe(readable(file.path))
    if len(path) > room > 1:
        path = "…" + path[-(room - 1) :]
    return Content.assemble(" ", (kind.glyph, kind.tone), " ", cell(path, room, look.PLAIN), " ", stat)


def _stat(file: FileChange) -> Content:
    if file.binary:
        return Content.styled("binary", look.MUTED)
    if file.submodule or file.symlink:
        return Content.styled("link" if file.symlink else "submodule", look.WARN)
    return Content.assemble((f"+{count(file.added)}", look.GOOD), " ", (f"-{count(file.removed)}", look.BAD))


def header(agent: Agent, now: float, *, place: int, of: int) -> Content:
    """Returns who is under review and what it says of its work."""
    state = look.AGENT[agent.state]
    queue = f"  {place} of {of} in review" if place else ""
    return Content.assemble(
        (f"{state.text} ", state.tone),
        (agent.id, look.STRONG),
        (f"  {agent.head[:10]}  {counted(agent.ahead, 'commit')}  {when.age(agent.since, now)}{queue}", look.MUTED),
        "\n",
        (safe(agent.summary or agent.title), look.PLAIN),
    )


EMPTY = "Nothing waits for review. An agent that reports done, with its work committed, comes here."
