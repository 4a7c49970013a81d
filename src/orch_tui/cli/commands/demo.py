"""`orch-tui demo --headless`: the whole story without a terminal. With one, `main` opens the console on it."""

from __future__ import annotations

import asyncio
from pathlib import Path

from orch_tui.cli import diagnostics, output
from orch_tui.model.plain import counted
from orch_tui.wiring.demo.stage import Story, play_headless


def play(directory: Path | None, *, as_json: bool) -> int:
    """Plays the story; the exit status is 0 only if it ended as it should."""

    async def say(words: str) -> None:
        diagnostics.say(words)

    story = asyncio.run(play_headless(directory, say))
    if as_json:
        output.json(story)
    else:
        output.lines(_lines(story))
    return diagnostics.DONE if story.ok else diagnostics.REFUSED


def _lines(story: Story) -> list[str]:
    lines = ["SIMULATED: the model's answers were scripted; everything else was real."] if story.simulated else []
    for entry in story.landed:
        agents = counted(len(entry.agents), "agent")
        lines.append(f"landed {entry.stream}: {agents}, tag {entry.tag}, commit {entry.commit[:10]}")
    lines += [f"rolled back {batch}, then landed again" for batch in story.rolled_back]
    lines.append(f"{story.requests} model requests, ${story.usd:.4f}, {story.records} journal records, chain verified")
    lines.append(f"{story.seconds} s; repository {story.repository}, state {story.state}")
    return [*lines, f"failed: {story.problem}"] if not story.ok else lines
