"""Runs a stream's gates on exactly the tree that would land; what passed on that tree is not run again."""

from __future__ import annotations

from orch_tui.core.parts import Parts
from orch_tui.model.errors import Refused
from orch_tui.model.facts import GateFinished, GateStarted
from orch_tui.model.fleet import Stream
from orch_tui.model.ids import Oid
from orch_tui.model.landing import Fold

HUMAN_GATE = "human"
"""The gate that the operator's approvals are; it runs nothing."""


def gates_of(stream: Stream) -> tuple[str, ...]:
    """Returns the gates of a stream that run something."""
    return tuple(gate for gate in stream.gates if gate != HUMAN_GATE)


class Gating:
    """Knows which gates a tree has passed."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    async def passed(self, stream: Stream, base: Oid, fold: Fold) -> bool:
        """Runs the gates that the folded tree has not passed yet; says whether any had to run.

        Raises:
            Refused: a gate did not pass.
        """
        due = [gate for gate in gates_of(stream) if not self._known(stream, gate, fold)]
        for gate in due:
            await self._run(stream, gate, base, fold)
        return bool(due)

    def _known(self, stream: Stream, gate: str, fold: Fold) -> bool:
        now = self._parts.store.fleet.stream(stream.key) or stream
        return any(c.gate == gate and c.tree == fold.tree and c.status == "passed" for c in now.checks)

    async def _run(self, stream: Stream, gate: str, base: Oid, fold: Fold) -> None:
        await self._parts.store.put(GateStarted(stream.key, gate, fold.tree))
        result = await self._parts.gates.run(gate, fold.tip, base)
        words, log = result.summary[:500], result.log[-500:]
        await self._parts.store.put(
            GateFinished(stream.key, gate, fold.tree, result.status, words, result.seconds, log)
        )
        if result.status != "passed":
            raise Refused(
                f"gate {gate} {result.status} on what would land",
                result.summary,
                "Ask for changes, or mend the gate.",
            )
