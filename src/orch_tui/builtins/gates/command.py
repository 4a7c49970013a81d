"""A gate that runs one command in a checkout of the tree: exit status 0 passes, anything else does not."""

from __future__ import annotations

from typing import ClassVar

import msgspec

from orch_tui.api import CommandResult, Duration, GateContext, GateResult, GateStatus

LOG_KEPT = 64 * 1024


class CommandGateOptions(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[gates.<name>]`: the command, and how long it may take."""

    argv: tuple[str, ...]
    timeout: str | float = "10m"


class CommandGate:
    """Judges a tree by a command's exit status."""

    name: ClassVar[str] = "command"
    Options: ClassVar[type[msgspec.Struct]] = CommandGateOptions

    async def run(self, context: GateContext, options: CommandGateOptions) -> GateResult:
        """Runs the command in the gate's worktree and returns its verdict."""
        try:
            timeout = Duration.parse(options.timeout)
        except ValueError as trouble:
            return GateResult("error", f"timeout = {options.timeout!r}: {trouble}", 0.0)
        done = await context.run(options.argv, float(timeout))
        status, summary = _verdict(done, options)
        return GateResult(status, summary, done.seconds, done.output[-LOG_KEPT:])


def _verdict(done: CommandResult, options: CommandGateOptions) -> tuple[GateStatus, str]:
    program = options.argv[0] if options.argv else "the command"
    if done.timed_out:
        return "timeout", f"{program} took longer than {options.timeout}"
    if done.rc is None:
        return "error", f"{program} could not be run: {_last_line(done.output) or 'it gave no reason'}"
    if done.rc == 0:
        return "passed", _last_line(done.output) or f"{program} passed"
    return "failed", _last_line(done.output) or f"{program} ended with {done.rc}"


def _last_line(output: str) -> str:
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    return lines[-1][:200] if lines else ""
