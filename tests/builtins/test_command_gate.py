from __future__ import annotations

from collections.abc import Sequence

import pytest

from orch_tui.api import CommandResult, Gate, GateContext
from orch_tui.builtins.gates.command import CommandGate, CommandGateOptions


@pytest.mark.parametrize(
    ("done", "status", "summary"),
    [
        (CommandResult(0, "12 passed\n\n", 1.5), "passed", "12 passed"),
        (CommandResult(0, "", 1.5), "passed", "pytest passed"),
        (CommandResult(1, "F\n1 failed\n", 1.5), "failed", "1 failed"),
        (CommandResult(-9, "", 1.5), "failed", "pytest ended with -9"),
        (CommandResult(None, "no such program", 0.0), "error", "pytest could not be run: no such program"),
        (CommandResult(None, "half", 60.0, timed_out=True), "timeout", "pytest took longer than 60s"),
    ],
)
async def test_the_exit_status_is_the_verdict(done, status, summary):
    async def run(argv: Sequence[str], timeout: float) -> CommandResult:
        assert (tuple(argv), timeout) == (("pytest", "-q"), 60.0)
        return done

    gate: Gate = CommandGate()
    result = await gate.run(GateContext("/w", "b", "t", run), CommandGateOptions(("pytest", "-q"), "60s"))
    assert (result.status, result.summary, result.seconds) == (status, summary, done.seconds)
    assert result.log == done.output


async def test_a_bad_time_limit_is_an_error_result():
    async def run(argv: Sequence[str], timeout: float) -> CommandResult:
        raise AssertionError("must not run")

    result = await CommandGate().run(GateContext("/w", "b", "t", run), CommandGateOptions(("x",), "soon"))
    assert (result.status, result.summary[:16]) == ("error", "timeout = 'soon'")
