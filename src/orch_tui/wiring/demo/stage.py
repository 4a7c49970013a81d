"""Sets the demo up and takes it down: a repository, its engine, and the story played without a terminal."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from msgspec import Struct

from orch_tui.adapters.paths import StatePaths, find_socket
from orch_tui.adapters.state.journal import read_records
from orch_tui.engine.client import MissionClient
from orch_tui.engine.starter import answers
from orch_tui.meter.client import MeterClient
from orch_tui.model.errors import Busy, OrchError
from orch_tui.model.fleet import Fleet
from orch_tui.model.money import micros
from orch_tui.model.states import ACTIVE, BatchState
from orch_tui.model.verbs import Stop, StopEngine
from orch_tui.wiring.client import connect
from orch_tui.wiring.demo.director import Director, Say, play
from orch_tui.wiring.demo.repository import UPSTREAM, make_repository

PAUSE_S = 2.0
"""Between what the narrator says and what the operator does, for a viewer."""

FAREWELL = "The demo is over: its agents, engine and meter end with it. `orch-tui init` begins a mission of your own."

TAKE_DOWN_S = 10.0
"""How long the demo waits for its agents to end, and for its engine to be gone."""

LIMIT_S = 85.0
"""The story without a terminal takes less; longer is a failure."""


class Landed(Struct, frozen=True):
    """A batch as it landed in the story."""

    stream: str
    batch: str
    tag: str
    commit: str
    agents: tuple[str, ...]


class Story(Struct, frozen=True):
    """How the story went; `ok` only if every stream landed in order with its tag and the ledger is not empty."""

    ok: bool
    simulated: bool
    seconds: float
    repository: str
    state: str
    landed: tuple[Landed, ...]
    rolled_back: tuple[str, ...]
    requests: int
    usd: float
    records: int
    verified: bool
    problem: str = ""


@asynccontextmanager
async def staged(directory: Path | None) -> AsyncIterator[tuple[MissionClient, Path]]:
    """Yields the demo's mission and its directory; without one of your own everything is removed at the end.

    Raises:
        EnvironmentProblem: the directory is not empty or cannot be written.
    """
    top = (directory or Path(tempfile.mkdtemp(prefix="orch-tui-demo-"))).absolute()
    try:
        make_repository(top / "repository", top / "state")
        mission = await connect(top / "repository")
        try:
            yield mission, top
        finally:
            await _take_down(mission, top / "state")
    finally:
        if directory is None:
            shutil.rmtree(top, ignore_errors=True)


def strike(top: Path, *, remove: bool) -> None:
    """Takes the demo in a directory down from a thread of its own, where the console cannot do it any more."""
    asyncio.run(_strike(top))
    if remove:
        shutil.rmtree(top, ignore_errors=True)


async def _strike(top: Path) -> None:
    with suppress(OrchError):
        await _take_down(await connect(top / "repository", start_engine=False), top / "state")


async def _take_down(mission: MissionClient, state: Path) -> None:
    stop = Stop(reason="the demo is over")
    with suppress(OrchError):
        await mission.do(stop, agreed=(await mission.preview(stop)).digest)
        await _until(lambda: not any(agent.state in ACTIVE for agent in mission.fleet.agents()))
    with suppress(OrchError):
        await mission.do(StopEngine())
    await mission.close()
    await _until(lambda: not answers(find_socket(StatePaths(state).engine_sock)))  # it could start the meter again
    with suppress(OrchError):
        await MeterClient(state, UPSTREAM, "", 1.0).stop()


async def _until(over: Callable[[], bool]) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(TAKE_DOWN_S):
            while not over():  # noqa: ASYNC110 - the last is a socket that goes away
                await asyncio.sleep(0.05)


async def play_headless(directory: Path | None, say: Say) -> Story:
    """Plays the story to its end and says how it went."""
    began = time.monotonic()
    problem = ""
    async with staged(directory) as (mission, top):
        try:
            await asyncio.wait_for(play(mission, Director(roll_back=True), say, pause=0.0), LIMIT_S)
        except TimeoutError:
            problem = str(Busy(f"the story was not over after {LIMIT_S:.0f} s"))
        return _told(mission.fleet, top, time.monotonic() - began, problem)


def _told(fleet: Fleet, top: Path, seconds: float, problem: str) -> Story:
    batches = sorted((b for b in fleet.batches if b.state == BatchState.LANDED), key=lambda b: b.at)
    landed = tuple(Landed(b.stream, b.id, b.tag, b.new, tuple(m.agent for m in b.members)) for b in batches)
    in_order = [entry.stream for entry in landed] == [s.key for s in fleet.streams]
    requests = sum(m.requests for m in fleet.models)
    records, verified = _journal(top / "state")
    return Story(
        ok=not problem and in_order and bool(landed) and requests > 0 and verified,
        simulated=fleet.simulated,
        seconds=round(seconds, 1),
        repository=str(top / "repository"),
        state=str(top / "state"),
        landed=landed,
        rolled_back=tuple(b.id for b in fleet.batches if b.state == BatchState.ROLLED_BACK),
        requests=requests,
        usd=micros(sum(m.pico for m in fleet.models)) / 1_000_000,
        records=records,
        verified=verified,
        problem=problem or ("" if in_order else "the streams did not land in order"),
    )


def _journal(state: Path) -> tuple[int, bool]:
    try:
        return len(read_records(StatePaths(state).state_db)), True
    except OrchError:
        return 0, False
