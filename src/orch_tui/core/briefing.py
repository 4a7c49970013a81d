"""What an agent is told: its slice of the task, its neighbours, the files it reports through. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from orch_tui.model.fleet import Agent, Fleet, Stream

REPORTING = """\
## How to report

- Work only in this directory, on branch `{branch}`; commit your work there.
- Append what you find, decide and wonder to `{notes}` as you go. People read it live.
- `orch-report working "what you are doing"` when you begin something new.
- `orch-report blocked "your question"` when you cannot go on without an answer; it comes as a file in `.orch/inbox/`.
- `orch-report done "what you made"` when everything is committed; `orch-report failed "why"` when it cannot be done.
- Never commit `TASK.md`, `AGENT_NOTES.md` or `.orch/`.
"""


def task_text(fleet: Fleet, stream: Stream, agent: Agent, *, notes: str, messages: Sequence[str] = ()) -> str:
    """Returns the text of `TASK.md`: the newest words of the operator last."""
    parts = [
        _title(fleet, stream, agent),
        _neighbours(stream, agent),
        REPORTING.format(branch=agent.branch, notes=notes),
    ]
    if messages:
        parts.append(_messages(messages))
    return "\n".join(part for part in parts if part)


def _title(fleet: Fleet, stream: Stream, agent: Agent) -> str:
    done = "Done means: committed on your branch, tested where the repository has tests, noted in your notes."
    lines = [f"# Task: {agent.title}", "", f"You are agent `{agent.id}`, number {agent.attempt or 1} of your attempts."]
    lines += [f"Epic: {fleet.epic}", f"Stream {stream.number}: {stream.name} ({stream.domain})"]
    if agent.part:
        lines.append(f"Your part: {agent.part}")
    return "\n".join((*lines, "", "Read `.orch/BLUEPRINT.md` first.", done, ""))


def _neighbours(stream: Stream, agent: Agent) -> str:
    others = [a for a in stream.agents if a.id != agent.id]
    if not others:
        return ""
    lines = [
        f"- `{a.id}` on branch `orch/{a.stream}/{a.id}`: {a.title}{f' ({a.part})' if a.part else ''}" for a in others
    ]
    return "\n".join(("## Who else works in this stream", "", *lines, "", "Stay out of their parts.", ""))


def _messages(messages: Sequence[str]) -> str:
    return "\n".join(("## From the operator, newest last", "", *(f"{m.strip()}\n" for m in messages)))
