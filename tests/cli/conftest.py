"""A scripted mission behind doors of its own, and a way to run the command line on it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from orch_tui.cli import group
from orch_tui.model.errors import EngineAway, Refused
from orch_tui.model.facts import Record
from orch_tui.model.fleet import (
    Agent,
    Batch,
    Budget,
    Engine,
    Fleet,
    Member,
    ModelSpend,
    Spend,
    Stream,
    Task,
)
from orch_tui.model.ids import AgentId, BatchId, Oid, StreamKey
from orch_tui.model.preview import Preview
from orch_tui.model.problem import Problem
from orch_tui.model.reduce import reduce
from orch_tui.model.refusals import refuse
from orch_tui.model.states import AgentState, BatchState
from orch_tui.model.usage import Tokens
from orch_tui.model.verbs import AskEngine, EngineInfo, Verb

NOW = 1_800_000_000.0
BASE = Oid("b" * 40)
HEAD = Oid("1234567890" * 4)
LANDED = Oid("c" * 40)


class FakeMission:
    """Answers verbs from a table, refuses as the model does, and plays facts."""

    def __init__(self, fleet: Fleet) -> None:
        self.fleet = fleet
        self.answers: dict[type, Any] = {AskEngine: EngineInfo(4711, NOW - 900, "/run/e.sock", 2, "0.1")}
        self.previews: dict[type, Preview] = {}
        self.facts: list[Any] = []
        self.done: list[tuple[Verb[Any], str]] = []
        self.endless = False

    async def follow(self) -> AsyncIterator[Sequence[Record]]:
        for fact in self.facts:
            await asyncio.sleep(0)
            record = Record(self.fleet.seq + 1, NOW, "engine", fact)
            self.fleet = reduce(self.fleet, record)
            yield [record]
        if self.endless:
            await asyncio.Event().wait()

    async def preview(self, verb: Verb[Any]) -> Preview:
        if reason := refuse(self.fleet, verb):
            return Preview("cannot", refused=reason)
        return self.previews[type(verb)]

    async def do(self, verb: Verb[Any], *, agreed: str = "", actor: str = "operator") -> Any:
        if reason := refuse(self.fleet, verb):
            raise Refused(reason)
        self.done.append((verb, agreed))
        answer = self.answers[type(verb)]
        if callable(answer):
            answer = answer(verb)
        if isinstance(answer, Exception):
            raise answer
        return answer


class FakeDoors:
    """Opens the scripted mission; `runs` says whether there is an engine."""

    def __init__(self, mission: FakeMission) -> None:
        self.mission = mission
        self.runs = True
        self.opened: list[tuple[str, Path]] = []
        self.complaints: tuple[Problem, ...] = ()

    @asynccontextmanager
    async def connect(self, directory: Path, *, start_engine: bool = True) -> AsyncIterator[FakeMission]:
        self.opened.append(("connect", directory))
        if not (self.runs or start_engine):
            raise EngineAway("no engine runs")
        yield self.mission

    @asynccontextmanager
    async def view(self, directory: Path) -> AsyncIterator[FakeMission]:
        self.opened.append(("view", directory))
        yield self.mission

    def problems(self, directory: Path) -> Sequence[Problem]:
        return self.complaints

    def now(self) -> float:
        return NOW


def agent(key: str, number: int, **values: Any) -> Agent:
    """Returns an agent whose process, branch and commits are there unless said otherwise."""
    name = AgentId(f"{key}-{number}")
    defaults: dict[str, Any] = {
        "id": name,
        "stream": StreamKey(key),
        "task": 0,
        "title": f"Build the {key}",
        "state": AgentState.REVIEW,
        "branch": f"orch/{key}/{name}",
        "worktree": f"/state/worktrees/{key}/{name}",
        "base": BASE,
        "head": HEAD,
        "ahead": 1,
        "files": 2,
        "added": 10,
        "removed": 3,
        "run": "0" * 32 + ".1",
        "attempt": 1,
        "since": NOW - 120,
        "backend": "command",
    }
    return Agent(**(defaults | values))


def stream(key: str, number: int, *agents: Agent, **values: Any) -> Stream:
    """Returns a stream with one task for all its agents."""
    defaults: dict[str, Any] = {
        "key": StreamKey(key),
        "number": number,
        "name": key.title(),
        "domain": key,
        "line": number * 3,
        "tasks": (Task(f"Build the {key}", len(agents), number * 3 + 1),),
        "agents": agents,
    }
    return Stream(**(defaults | values))


def spend(pico: int, **values: Any) -> Spend:
    """Returns what an agent spent within the last minute."""
    defaults: dict[str, Any] = {
        "pico": pico,
        "day": "2027-01-15",
        "day_pico": pico,
        "tokens": Tokens(1000, 200, 5000, 300),
        "requests": 3,
        "window": ((int(NOW) - 60, pico // 1_000_000),),
        "since": NOW - 600,
        "simulated": True,
    }
    return Spend(**(defaults | values))


@pytest.fixture
def fleet() -> Fleet:
    """A mission of three streams: one landed, one at work, one that waits."""
    infra = stream(
        "infra",
        1,
        agent("infra", 1, state=AgentState.LANDED, batch=BatchId("20270115-infra-1"), spend=spend(1_500_000_000_000)),
        batch=BatchId("20270115-infra-1"),
    )
    api = stream(
        "api",
        2,
        agent("api", 1, state=AgentState.REVIEW, summary="done \x1b[31mred", spend=spend(250_000_000_000)),
        agent("api", 2, state=AgentState.BLOCKED, reason="which database?", ahead=0, pid=42),
        after=(StreamKey("infra"),),
    )
    web = stream(
        "web",
        3,
        agent("web", 1, state=AgentState.PLANNED, run="", worktree="", head="", ahead=0, since=0.0, branch=""),
        after=(StreamKey("api"),),
    )
    batch = Batch(
        id=BatchId("20270115-infra-1"),
        stream=StreamKey("infra"),
        state=BatchState.LANDED,
        at=NOW - 300,
        base=BASE,
        new=LANDED,
        tree=Oid("d" * 40),
        tag="pre-feature-batch-20270115-infra-1",
        members=(Member(AgentId("infra-1"), HEAD),),
    )
    return Fleet(
        seq=17,
        at=NOW - 5,
        name="shop",
        repository="/home/me/shop",
        target="main",
        target_head=LANDED,
        epic="Sell things",
        size="mvp",
        streams=(infra, api, web),
        batches=(batch,),
        budget=Budget(limit=50_000_000, source="orch.toml:9"),
        models=(ModelSpend("claude-x", 1_750_000_000_000, Tokens(2000, 400, 10000, 600), 6),),
        simulated=True,
        engine=Engine(4711, NOW - 900, "0.1"),
        day="2027-01-15",
    )


@pytest.fixture
def mission(fleet: Fleet) -> FakeMission:
    return FakeMission(fleet)


@pytest.fixture
def doors(mission: FakeMission) -> FakeDoors:
    return FakeDoors(mission)


Run = Callable[..., Result]


@pytest.fixture
def run(doors: FakeDoors) -> Run:
    """Runs one command line; the exit code, stdout and stderr come back apart."""

    def run(*args: str, **extra: Any) -> Result:
        result = CliRunner().invoke(group, list(args), obj=doors, catch_exceptions=False, **extra)
        assert "Traceback" not in result.output
        return result

    return run
