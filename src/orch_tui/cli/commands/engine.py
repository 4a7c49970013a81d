"""`orch-tui engine`: who it is, and its end. `engine run` is a process of its own and belongs to `main`."""

from __future__ import annotations

import click
from msgspec import Struct

from orch_tui.cli import diagnostics, output
from orch_tui.cli.options import examples, json_option
from orch_tui.cli.session import Session, pass_session
from orch_tui.cli.words import age
from orch_tui.core.ports import MissionVerbs
from orch_tui.model.errors import EngineAway
from orch_tui.model.plain import counted
from orch_tui.model.verbs import AskEngine, EngineInfo, Outcome, StopEngine


class EngineShape(Struct, frozen=True):
    """An engine in `engine status --json`; pid 0 where none runs."""

    running: bool
    pid: int = 0
    since: float = 0.0
    socket: str = ""
    clients: int = 0
    version: str = ""


@click.group(epilog=examples("orch-tui engine status --json", "orch-tui engine stop"))
def command() -> None:
    """Ask for the engine, or end it. It starts by itself with the first command that needs it."""


@command.command(epilog=examples("orch-tui engine status", "orch-tui engine status --json"))
@json_option
@pass_session
def status(session: Session, as_json: bool) -> int:
    """Show the engine's process. Exit code 1: none runs."""

    async def job(mission: MissionVerbs) -> EngineInfo:
        return await mission.do(AskEngine())

    try:
        info = session.ask(job, start_engine=False)
    except EngineAway:
        if as_json:
            output.json(EngineShape(running=False))
        diagnostics.say("orch-tui: no engine runs")
        return diagnostics.REFUSED
    if as_json:
        output.json(EngineShape(True, info.pid, info.since, info.socket, info.clients, info.version))
    else:
        running = age(session.doors.now() - info.since)
        output.line(f"engine {info.pid}, for {running}, {counted(info.clients, 'client')}, {info.socket}")
    return diagnostics.DONE


@command.command(epilog=examples("orch-tui engine stop"))
@json_option
@pass_session
def stop(session: Session, as_json: bool) -> int:
    """End the engine. Agents go on; the next engine finds them."""

    async def job(mission: MissionVerbs) -> Outcome:
        return await mission.do(StopEngine())

    try:
        done = session.ask(job, start_engine=False)
    except EngineAway:
        done = Outcome("No engine runs.")
    output.outcome(done, as_json=as_json)
    return diagnostics.DONE
