"""`orch-tui wait`: blocks on facts until the work is done, has landed, or cannot go on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import click
from msgspec import Struct

from orch_tui.cli import diagnostics, output
from orch_tui.cli.options import examples, json_option, stream_option
from orch_tui.cli.session import Session, pass_session
from orch_tui.core.ports import MissionVerbs
from orch_tui.model.errors import EngineAway, Refused
from orch_tui.model.fleet import Agent, Fleet, Stream
from orch_tui.model.refusals import find_stream
from orch_tui.model.states import AgentState

DONE = frozenset({AgentState.REVIEW, AgentState.APPROVED, AgentState.LANDED, AgentState.REJECTED})
"""An agent in one of these has delivered, or was taken out."""

STUCK = frozenset(
    {
        AgentState.BLOCKED,
        AgentState.FAILED,
        AgentState.LOST,
        AgentState.ENDED,
        AgentState.DIRTY,
        AgentState.STOPPED,
    }
)
"""An agent in one of these moves on only when somebody does something."""

MOVING = frozenset(
    {
        AgentState.QUEUED,
        AgentState.STARTING,
        AgentState.WORKING,
        AgentState.QUIET,
        AgentState.STALLED,
        AgentState.HELD,
        AgentState.CHANGES,
    }
)
"""An agent in one of these may move on by itself."""

SETTLE_S = 1.0
"""How long nothing must happen before work counts as stuck: a claim and an exit arrive one after the other."""


class Verdict(Struct, frozen=True):
    """How the wait ended: `done`, `landed` or `stuck`, what is in the way, and the states of the agents."""

    result: str
    stuck: dict[str, str]
    agents: dict[str, str]


def _time(_: click.Context, __: click.Parameter, text: str | None) -> float | None:
    from orch_tui.model.settings import Duration  # 10 ms that only this option needs

    if text is None:
        return None
    try:
        return float(Duration.parse(float(text) if text.replace(".", "", 1).isdecimal() else text))
    except ValueError as error:
        raise click.BadParameter(f"{error}, or seconds") from error


@click.command(
    epilog=examples(
        "orch-tui wait",
        "orch-tui wait --stream infrastructure --timeout 1h",
        "orch-tui wait --until landed",
    ),
)
@stream_option
@click.option(
    "--until",
    type=click.Choice(["done", "landed"]),
    default="done",
    show_default=True,
    help="done: all agents wait for review or are past it.",
)
@click.option("--timeout", metavar="TIME", callback=_time, help="Give up after this long (90, 25s, 10m), with 4.")
@json_option
@pass_session
def command(session: Session, stream: str, until: str, timeout: float | None, as_json: bool) -> int:
    """Wait for the mission or a stream; the engine's facts wake it, it does not poll.

    Exit code 1: an agent failed or is blocked and nothing else moves. 4: out of time.
    """

    async def job(mission: MissionVerbs) -> int:
        try:
            async with asyncio.timeout(timeout):
                verdict = await _wait(mission, stream, until)
        except TimeoutError:
            diagnostics.say(f"orch-tui: not {until} after {timeout:g} seconds: {_open(mission.fleet, stream)}")
            return diagnostics.BUSY
        return _show(verdict, as_json=as_json)

    return session.ask(job)


def _show(verdict: Verdict, *, as_json: bool) -> int:
    if as_json:
        output.json(verdict)
    elif not verdict.stuck:
        output.line(f"{verdict.result}: {', '.join(f'{agent} {state}' for agent, state in verdict.agents.items())}")
    for subject, reason in verdict.stuck.items():
        diagnostics.say(f"orch-tui: {subject}: {reason}")
    return diagnostics.REFUSED if verdict.stuck else diagnostics.DONE


async def _wait(mission: MissionVerbs, stream: str, until: str) -> Verdict:
    """Returns when the fleet says so; looks at it after each batch of facts."""
    async with _Facts(mission) as facts:
        while True:
            streams = _streams(mission.fleet, stream)
            agents = [agent for each in streams for agent in each.agents]
            if _REACHED[until](streams):
                return Verdict(until, {}, {a.id: a.state.value for a in agents})
            stuck = _stuck(streams, until)
            if not stuck:
                await facts.next()
            elif not await facts.next_within(SETTLE_S):
                return Verdict("stuck", stuck, {a.id: a.state.value for a in agents})


class _Facts:
    """The mission's facts, where a wait for the next ones can be given up and taken up again."""

    def __init__(self, mission: MissionVerbs) -> None:
        self._batches: AsyncIterator[Any] = mission.follow()
        self._next: asyncio.Future[Any] = asyncio.ensure_future(anext(self._batches))

    async def __aenter__(self) -> _Facts:
        # Let it subscribe before the fleet is looked at, so that nothing falls between.
        await asyncio.sleep(0)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._next.cancel()
        await asyncio.gather(self._next, return_exceptions=True)

    async def next_within(self, seconds: float) -> bool:
        """Waits for facts; says whether some came."""
        done, _ = await asyncio.wait((self._next,), timeout=seconds)
        if done:
            await self.next()
        return bool(done)

    async def next(self) -> None:
        """Waits for facts.

        Raises:
            EngineAway: no more will come.
        """
        try:
            await asyncio.shield(self._next)
        except StopAsyncIteration:
            hint = "The agents go on; wait again, or see `orch-tui status`."
            raise EngineAway("the engine ended while waiting", hint=hint) from None
        self._next = asyncio.ensure_future(anext(self._batches))


def _streams(fleet: Fleet, name: str) -> tuple[Stream, ...]:
    if not name:
        if not any(fleet.agents()):
            raise Refused("there is nothing to wait for", hint="The plan has no agents; write tasks into tasks.md.")
        return fleet.streams
    found = find_stream(fleet, name)
    if isinstance(found, str):
        raise Refused(found)
    return (found,)


def _all_done(streams: tuple[Stream, ...]) -> bool:
    return all(agent.state in DONE for stream in streams for agent in stream.agents)


def _all_landed(streams: tuple[Stream, ...]) -> bool:
    return all(stream.landed for stream in streams if stream.agents)


_REACHED: dict[str, Callable[[tuple[Stream, ...]], bool]] = {"done": _all_done, "landed": _all_landed}


def _stuck(streams: tuple[Stream, ...], until: str) -> dict[str, str]:
    """Returns who is in the way and why, where nothing else moves."""
    agents = [agent for stream in streams for agent in stream.agents]
    if any(agent.state in MOVING for agent in agents):
        return {}
    stuck: dict[str, str] = {agent.id: _said(agent) for agent in agents if agent.state in STUCK}
    if until == "landed":
        stuck |= {
            stream.key: f"{stream.conflict.agent} conflicts with {stream.conflict.other}"
            for stream in streams
            if stream.conflict
        }
    return stuck


def _said(agent: Agent) -> str:
    return f"{agent.state.value}: {agent.reason or agent.summary}".removesuffix(": ")


def _open(fleet: Fleet, stream: str) -> str:
    """Returns the agents that are not done, in words."""
    agents = [agent for each in _streams(fleet, stream) for agent in each.agents if agent.state not in DONE]
    shown = ", ".join(f"{agent.id} {agent.state.value}" for agent in agents[:8])
    return (shown or "all agents are done, not all streams have landed") + (", …" if len(agents) > 8 else "")
