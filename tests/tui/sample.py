"""A fixed mission of three streams and eight agents in many states, made by the same fold as the real one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from orch_tui.model import facts as f
from orch_tui.model import verbs as v
from orch_tui.model.diff import FileChange
from orch_tui.model.errors import EngineAway, OrchError, Refused
from orch_tui.model.fleet import Agent, Fleet, Member, Stream, Task
from orch_tui.model.ids import AgentId, BatchId, Oid, StreamKey
from orch_tui.model.preview import Preview, preview
from orch_tui.model.reduce import fold, reduce
from orch_tui.model.refusals import refuse
from orch_tui.model.states import AgentState
from orch_tui.model.usage import Tokens

NOW = 1_800_000_000.0
DAY = "2027-01-15"


def oid(n: int) -> Oid:
    return Oid(f"{n:02x}" * 20)


def _stream(
    number: int, key: str, name: str, domain: str, tasks: Sequence[tuple[str, int]], after: Sequence[str] = ()
) -> Stream:
    agents: list[Agent] = []
    for i, (title, count) in enumerate(tasks):
        for part in range(count):
            agents.append(
                Agent(
                    id=AgentId(f"{key}-{len(agents) + 1}"),
                    stream=StreamKey(key),
                    task=i,
                    title=title,
                    part=f"{part + 1}/{count}" if count > 1 else "",
                    backend="claude",
                )
            )
    return Stream(
        key=StreamKey(key),
        number=number,
        name=name,
        domain=domain,
        after=tuple(StreamKey(a) for a in after),
        gates=("tests", "human"),
        tasks=tuple(Task(title, count, 10 + i) for i, (title, count) in enumerate(tasks)),
        agents=tuple(agents),
    )


STREAMS = (
    _stream(1, "infrastructure", "Infrastructure", "infrastructure",
            [("Multi-region modules", 2), ("State backend and locks", 1)]),
    _stream(2, "core-services", "Core Services", "backend",
            [("Settlement ledger", 2), ("Idempotent payment intake", 1)], ["infrastructure"]),
    _stream(3, "edge-api", "Edge API", "api", [("Rate limits [per tenant]", 1), ("Webhook delivery", 1)],
            ["core-services"]),
)  # fmt: skip


def _run(agent: str, n: int, at: float) -> list[tuple[float, f.Fact]]:
    stream = agent.rpartition("-")[0]
    run = f"{n:032x}.1"
    return [
        (at, f.AgentPrepared(AgentId(agent), f"orch/{stream}/{agent}", oid(1), f"/state/worktrees/{stream}/{agent}")),
        (at, f.LaunchIntended(AgentId(agent), run, 1, "claude")),
        (at + 1, f.AgentStarted(AgentId(agent), run, 4000 + n, at)),
    ]


def _spend(agent: str, at: float, upto: int, micros: int) -> tuple[float, f.Fact]:
    tokens = Tokens(fresh=9_000, write=2_000, read=88_000, output=4_100)
    return at, f.SpendSettled(AgentId(agent), upto, "claude-sonnet-4-5", DAY, micros * 1_000_000, tokens, 12)


def _judged(agent: str, at: float, state: AgentState, reason: str = "") -> tuple[float, f.Fact]:
    return at, f.AgentJudged(AgentId(agent), state, reason)


def _branch(agent: str, at: float, n: int, added: int, removed: int, files: int) -> tuple[float, f.Fact]:
    return at, f.BranchMoved(AgentId(agent), oid(n), True, 2, files, added, removed)


def _claimed(agent: str, n: int, at: float, state: str, summary: str) -> tuple[float, f.Fact]:
    return at, f.ClaimSeen(AgentId(agent), f"{n:032x}.1", state, summary, oid(n))


def story() -> list[tuple[float, f.Fact]]:
    """The past of the sample: infrastructure landed, core services are in every state, the edge waits."""
    s = AgentState
    a = NOW - 7200
    past: list[tuple[float, f.Fact]] = [
        (a, f.MissionOpened("settlement", "/home/op/settlement", "main", 50, 50_000_000, 0.8, "orch.toml")),
        (a, f.EngineStarted(2112, "0.1.0")),
        (a, f.TargetMoved(Oid(""), oid(1), False)),
        (a, f.PlanLoaded("Real-Time Settlement Platform", "production", STREAMS)),
        (a, f.DayBegan(DAY)),
    ]
    for n, agent in enumerate(("infrastructure-1", "infrastructure-2", "infrastructure-3"), start=10):
        past += _run(agent, n, a + 5 + n)
        past.append(_branch(agent, a + 600, n, 210 + n, 14, 6))
        past.append(_judged(agent, a + 900, s.REVIEW))
        past.append((a + 1000, f.VerdictGiven(AgentId(agent), "approved", oid(n))))
        past.append(_judged(agent, a + 1000, s.APPROVED))
    members = tuple(Member(AgentId(f"infrastructure-{i}"), oid(9 + i)) for i in (1, 2, 3))
    batch = BatchId("20270115-infrastructure-1")
    past += [
        (a + 1800, f.GateFinished(StreamKey("infrastructure"), "tests", oid(90), "passed", "214 passed", 31.4)),
        (a + 1810, f.LandingIntended(batch, StreamKey("infrastructure"), oid(1), oid(2), oid(90),
                                     "pre-feature-batch-20270115-infrastructure-1", members)),
        (a + 1811, f.BatchLanded(batch)),
        (a + 1811, f.TaskTicked(StreamKey("infrastructure"), 0)),
        (a + 1811, f.TaskTicked(StreamKey("infrastructure"), 1)),
    ]  # fmt: skip
    for n, agent in ((20, "core-services-1"), (21, "core-services-2"), (22, "core-services-3"), (23, "edge-api-1")):
        past += _run(agent, n, NOW - 2400 + n)
    past += [
        _judged("core-services-1", NOW - 2300, s.WORKING),
        _branch("core-services-1", NOW - 200, 20, 1240, 87, 14),
        (NOW - 40, f.NotesGrew(AgentId("core-services-1"), 900)),
        _branch("core-services-2", NOW - 700, 21, 96, 12, 3),
        _claimed("core-services-2", 21, NOW - 660, "done", "ledger entries are double-booked, with property tests"),
        _judged("core-services-2", NOW - 660, s.REVIEW),
        _claimed("core-services-3", 22, NOW - 300, "blocked", "which currency rounds first?"),
        _judged("core-services-3", NOW - 300, s.BLOCKED, "asks: which currency rounds first, JPY or [EUR]?"),
        _branch("edge-api-1", NOW - 500, 23, 31, 2, 2),
        _judged("edge-api-1", NOW - 120, s.STALLED, "no sign of life for 15 minutes"),
        (NOW - 100, f.MessageSent(AgentId("core-services-1"), 1, "message", "use the existing Money type")),
        (NOW - 90, f.MessageDelivered(AgentId("core-services-1"), 1)),
        _spend("infrastructure-1", NOW - 5000, 1, 2_410_000),
        _spend("core-services-1", NOW - 300, 3, 1_870_000),
        _spend("core-services-2", NOW - 200, 4, 640_000),
        _spend("core-services-3", NOW - 150, 5, 98_000),
        _spend("edge-api-1", NOW - 400, 2, 215_000),
    ]
    return sorted(past, key=lambda entry: entry[0])


def records() -> list[f.Record]:
    return [f.Record(i, at, "engine", fact) for i, (at, fact) in enumerate(story(), start=1)]


def sample_fleet() -> Fleet:
    return fold(Fleet(), records())


NOTES = """# Notes of core-services-1

## Plan
- [x] read the ledger module
- [ ] double-entry bookings
- [ ] property tests for rounding

The existing `Money` type is exact, so [amounts] are kept as integers; every booking has two sides and the sum of \
all sides of a transaction is zero.

> asked: keep the old table until the migration ran?
Running the test suite now.
"""

PATCH = """diff --git a/ledger/booking.py b/ledger/booking.py
index 1111111..2222222 100644
--- a/ledger/booking.py
+++ b/ledger/booking.py
@@ -1,6 +1,8 @@ class Booking:
 from __future__ import annotations
~
-from decimal import Decimal
+from ledger.money import Money
+
+ZERO = Money(0)
~
~
 class Booking:
@@ -20,4 +22,6 @@ class Booking:
     def total(self):
-        return sum(self.sides)
+        # [bold]not markup[/bold] and no \x1b[31mcolour\u202e
+        total = sum(self.sides, ZERO)
+        return total
~
~
diff --git a/tests/test_booking.py b/tests/test_booking.py
new file mode 100644
index 0000000..3333333
--- /dev/null
+++ b/tests/test_booking.py
@@ -0,0 +1,4 @@
+def test_sides_cancel_out():
+    booking = Booking.of(Money(5), Money(-5))
+
+    assert booking.total() == ZERO
""".replace("~\n", " \n")

FILES = (
    FileChange("ledger/booking.py", "modified", added=6, removed=2),
    FileChange("tests/test_booking.py", "added", added=4),
)


class ScriptedMission:
    """A mission whose fleet is what its test says; it remembers what it was asked."""

    def __init__(self, fleet: Fleet | None = None, *, directory: Path | None = None) -> None:
        self._fleet = sample_fleet() if fleet is None else fleet
        self._directory = directory
        self._waiting: list[asyncio.Queue[Sequence[f.Record] | OrchError | None]] = []
        self.files: dict[tuple[str, str], str] = {("core-services-1", "notes"): NOTES}
        self.patch = PATCH.encode("utf-8", "surrogatepass")
        self.asked: list[v.Verb[Any]] = []
        self.agreed: list[str] = []
        self.answers: dict[type[v.Verb[Any]], Callable[[Any], Any]] = {}
        self.engine_is_away = False
        self._grew = asyncio.Event()

    @property
    def fleet(self) -> Fleet:
        return self._fleet

    async def follow(self) -> AsyncIterator[Sequence[f.Record]]:
        queue: asyncio.Queue[Sequence[f.Record] | OrchError | None] = asyncio.Queue()
        self._waiting.append(queue)
        try:
            while (batch := await queue.get()) is not None:
                if isinstance(batch, OrchError):
                    raise batch
                yield batch
        finally:
            self._waiting.remove(queue)

    def happen(self, *facts: f.Fact, at: float = NOW) -> None:
        """Lets facts happen, as the engine would."""
        batch = []
        for fact in facts:
            record = f.Record(self._fleet.seq + 1, at, "engine", fact)
            self._fleet = reduce(self._fleet, record)
            batch.append(record)
        for queue in self._waiting:
            queue.put_nowait(batch)

    def write(self, agent: str, file: str, text: str) -> None:
        """Lets an agent append to a file."""
        self.files[agent, file] = self.files.get((agent, file), "") + text
        self._grew.set()
        self._grew = asyncio.Event()

    def lose_engine(self) -> None:
        self.engine_is_away = True
        for queue in self._waiting:
            queue.put_nowait(EngineAway("the engine is away"))

    def find_engine(self) -> None:
        self.engine_is_away = False

    async def preview(self, verb: v.Verb[Any]) -> Preview:
        if isinstance(verb, v.Merge):
            return preview(
                f"Land {verb.stream}?",
                steps=("merge 3 branches into one commit", "move main from 0202020202"),
                losses=(),
                names=(verb.stream,),
            )
        return preview(
            f"{type(verb).__name__} {getattr(verb, 'agent', '')}?", steps=("stop the process",), names=("x",)
        )

    async def do(self, verb: v.Verb[Any], *, agreed: str = "", actor: str = "operator") -> Any:
        if self.engine_is_away:
            raise EngineAway("the engine is away")
        if isinstance(verb, v.ReadPage):
            return await self._page(verb)
        if isinstance(verb, v.ReadDiff):
            return self._diff(verb)
        if isinstance(verb, v.AskEngine):
            return v.EngineInfo(1, 0.0, "", 1)
        if reason := refuse(self._fleet, verb):
            raise Refused(reason)
        self.asked.append(verb)
        self.agreed.append(agreed)
        answer = self.answers.get(type(verb))
        return answer(verb) if answer else v.Outcome("done as asked")

    async def _page(self, verb: v.ReadPage) -> v.Page:
        data = self.files.get((verb.agent, verb.file), "")
        if verb.wait_s and verb.offset >= len(data):
            await self._grew.wait()
            data = self.files.get((verb.agent, verb.file), "")
        offset = max(0, len(data) + verb.offset) if verb.offset < 0 else verb.offset
        text = data[offset : offset + verb.size]
        return v.Page(text, offset, offset + len(text), len(data))

    def _diff(self, verb: v.ReadDiff) -> v.DiffFile:
        assert self._directory, "this test needs a directory for diffs"
        path = self._directory / "patch.diff"
        path.write_bytes(self.patch)
        agent = self._fleet.agent(verb.agent)
        return v.DiffFile(str(path), len(self.patch), oid(1), agent.head if agent else oid(2), FILES)


def with_simulated(fleet: Fleet) -> Fleet:
    return replace(fleet, simulated=True)
