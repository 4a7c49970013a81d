from __future__ import annotations

from collections.abc import Sequence

import pytest

from orch_tui.api import CommandResult, Duration, Gate, GateContext
from orch_tui.builtins.gates.command import CommandGate, CommandGateOptions


@pytest.mark.parametrize(
    ("done", "status", "summary"),
    [
        (CommandResult(0, "12 passed\n\n", 1.5), "passed", "12 passed"),
        (CommandResult(0, "", 1.5), "passed", "pytest passed"),
        (CommandResult(1, "F\n1 failed\n", 1.5), "failed", "1 failed"),
        (CommandResult(-9, "", 1.5), "failed", "pytest ended with -9"),
        (CommandResult(None, "no such program", 0.0), "error", "pytest could not be run: no such program"),
        (CommandResult(None, "half", 60.0, timed_out=True), "timeout", "pytest took longer than 1m"),
    ],
)
async def test_the_exit_status_is_the_verdict(done, status, summary):
    async def run(argv: Sequence[str], timeout: float) -> CommandResult:
        assert (tuple(argv), timeout) == (("pytest", "-q"), 60.0)
        return done

    gate: Gate = CommandGate()
    result = await gate.run(GateContext("/w", "b", "t", run), CommandGateOptions(("pytest", "-q"), Duration(60)))
    assert (result.status, result.summary, result.seconds) == (status, summary, done.seconds)
    assert result.log == done.output
