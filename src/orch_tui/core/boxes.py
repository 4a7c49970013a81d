"""Ticks the boxes of `tasks.md`, one line at a time, and only where that makes no tracked file dirty."""

from __future__ import annotations

from orch_tui.core.parts import Parts
from orch_tui.model.errors import OrchError
from orch_tui.model.facts import ProblemSeen, TaskTicked
from orch_tui.model.fleet import Fleet, Stream, Task


class Boxes:
    """Keeps the plan's boxes in step with what has landed."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    @property
    def _fleet(self) -> Fleet:
        return self._parts.store.fleet

    async def tick(self, stream: Stream) -> None:
        """Ticks the boxes of tasks that landed whole, in a plan that git does not track: the tree stays clean."""
        due = [(place, task) for place, task in enumerate(stream.tasks) if _due(stream, place)]
        tracked = await self._parts.git.tracked(self._fleet.target_head, ("tasks.md",)) if due else ()
        for place, task in due:
            if not tracked and task.line:
                await self._tick_box(task)
            await self._parts.store.put(TaskTicked(stream.key, place))

    async def _tick_box(self, task: Task) -> None:
        try:
            self._parts.plan.tick(task.line, task.title)
        except OrchError as error:  # the operator has rewritten the plan since it was read
            await self._parts.store.put(ProblemSeen("tasks.md", f"the box of {task.title!r} is not ticked: {error}"))


def _due(stream: Stream, place: int) -> bool:
    """Says whether a task has landed whole and its box is open."""
    agents = [a for a in stream.agents if a.task == place]
    return not stream.tasks[place].done and bool(agents) and all(a.batch for a in agents)
