"""Ledger rows become facts, each once; the alert once a day."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Any

from msgspec import Struct
from msgspec.structs import fields

from orch_tui.model.facts import BudgetAlerted, DayBegan, SpendSettled
from orch_tui.model.fleet import money
from orch_tui.model.states import AgentState
from orch_tui.model.usage import LedgerRow, Tokens
from orch_tui.testing.clock import VirtualClock
from tests.core.world import World

DOLLAR = 10**12
NOON = 1_800_014_400.0
"""2027-01-15, noon UTC."""


class Info(Struct, frozen=True):
    url: str
    ledger_id: str
    simulated: bool


class PlayedMeter:
    """A meter whose ledger the test writes."""

    def __init__(self) -> None:
        self.rows: list[LedgerRow] = []
        self.granted: list[str] = []
        self.revoked: list[str] = []
        self.asked_after: list[int] = []
        self.ledger = "ledger-1"
        self._news: asyncio.Queue[tuple[LedgerRow, ...]] = asyncio.Queue()

    async def ensure(self) -> Info:
        return Info("http://127.0.0.1:1", self.ledger, False)

    async def grant(self, run: str, agent: str, stream: str, task: str) -> str:
        self.granted.append(run)
        return f"http://127.0.0.1:1/token-of-{agent}"

    async def revoke(self, run: str) -> None:
        self.revoked.append(run)

    async def follow(self, after: int) -> AsyncIterator[Sequence[LedgerRow]]:
        self.asked_after.append(after)
        self._news = asyncio.Queue()
        if old := tuple(row for row in self.rows if row.seq > after):
            yield old
        while True:
            yield await self._news.get()

    async def stop(self) -> None: ...

    async def close(self) -> None: ...

    def spends(self, agent: str, dollars: float, **more: Any) -> LedgerRow:
        row = settled(len(self.rows) + 1, agent, dollars, **more)
        self.rows.append(row)
        self.says(row)
        return row

    def says(self, row: LedgerRow) -> None:
        self._news.put_nowait((row,))


def settled(seq: int, agent: str, dollars: float, **more: Any) -> LedgerRow:
    known = {
        "seq": seq,
        "kind": "settle",
        "agent": agent,
        "stream": agent.rpartition("-")[0],
        "model": "model-1",
        "day": "2027-01-15",
        "pico": int(dollars * DOLLAR),
        "tokens": Tokens(fresh=1000, output=10),
        "priced": True,
    }
    needed = {f.name: "" if f.type is str else 0 for f in fields(LedgerRow) if f.required}
    return LedgerRow(**{**needed, **known, **more})


async def metered(world: World, meter: PlayedMeter, **budget: Any) -> VirtualClock:
    clock = VirtualClock(NOON, autojump=False)
    world.plan((world.repo.path / "tasks.md").read_text(), budget=budget)
    await world.open(meter=meter, clock=clock)
    return clock


async def test_spend_is_told_by_agent_and_model_and_rolls_up(world: World):
    meter = PlayedMeter()
    await metered(world, meter)
    await world.launched("infra-1", "infra-2")
    meter.spends("infra-1", 0.25)
    meter.spends("infra-2", 0.50, model="model-2", estimated=True)
    fleet = await world.until(lambda fleet: fleet.ledger_seq == 2)
    total = money(fleet.agents(), now=NOON, day="2027-01-15")
    assert (total.total, total.today, total.requests, total.estimated) == (750_000, 750_000, 2, True)
    assert [(m.model, m.pico) for m in fleet.models] == [("model-1", DOLLAR // 4), ("model-2", DOLLAR // 2)]


async def test_a_row_counts_once_whatever_comes_twice(world: World):
    meter = PlayedMeter()
    await metered(world, meter)
    await world.launched("infra-1")
    row = meter.spends("infra-1", 1.0)
    await world.until(lambda fleet: fleet.ledger_seq == 1)
    await world.close()
    meter.spends("infra-1", 2.0)
    await world.open(meter=meter, clock=VirtualClock(NOON, autojump=False))
    meter.says(row)
    await world.until(lambda fleet: fleet.ledger_seq == 2)
    assert meter.asked_after == [0, 1]
    assert [fact.pico for fact in world.facts(SpendSettled)] == [DOLLAR, 2 * DOLLAR]


async def test_a_request_under_way_is_a_sign_of_life_and_no_money(world: World):
    meter = PlayedMeter()
    clock = await metered(world, meter)
    (hand,) = await world.launched("infra-1")
    await clock.advance(170)
    meter.spends("infra-1", 0.0, kind="open")
    await world.until(lambda _: hand.now.state == AgentState.WORKING)
    await clock.advance(60)
    assert hand.now.state == AgentState.WORKING
    assert world.facts(SpendSettled) == []


async def test_the_alert_comes_once_a_day_at_its_share(world: World):
    meter = PlayedMeter()
    clock = await metered(world, meter, daily_usd=10, alert=0.8)
    await world.launched("infra-1")
    meter.spends("infra-1", 7.99)
    await world.until(lambda fleet: fleet.ledger_seq == 1)
    assert world.facts(BudgetAlerted) == []
    for _ in range(3):
        meter.spends("infra-1", 1.0)
    await world.until(lambda fleet: fleet.ledger_seq == 4 and fleet.budget.alerted_day == "2027-01-15")
    assert [(f.day, f.limit) for f in world.facts(BudgetAlerted)] == [("2027-01-15", 10_000_000)]
    await clock.advance(13 * 3600)
    await world.until(lambda fleet: fleet.day == "2027-01-16")
    meter.spends("infra-1", 8.0, day="2027-01-16")
    await world.until(lambda fleet: fleet.budget.alerted_day == "2027-01-16")
    assert [f.day for f in world.facts(DayBegan)] == ["2027-01-15", "2027-01-16"]


async def test_the_day_is_the_budgets_own(world: World):
    await metered(world, PlayedMeter(), timezone="Pacific/Auckland")
    await world.until(lambda fleet: fleet.day == "2027-01-16")


async def test_each_run_has_a_token_of_its_own_until_it_ends(world: World):
    meter = PlayedMeter()
    await metered(world, meter)
    (hand,) = await world.launched("infra-1")
    order = world.runner.order("infra-1")
    assert order.meter == "http://127.0.0.1:1/token-of-infra-1"
    assert "token" not in str(order.env)
    assert meter.granted == [hand.now.run]
    world.runner.end("infra-1")
    await world.until(lambda _: not hand.now.pid and hand.now.state == AgentState.ENDED)
    assert meter.revoked == [hand.now.run]


async def test_a_replaced_ledger_is_read_from_its_start(world: World):
    meter = PlayedMeter()
    await metered(world, meter)
    await world.launched("infra-1")
    meter.spends("infra-1", 1.0)
    await world.until(lambda fleet: fleet.ledger_seq == 1)
    await world.close()
    other = PlayedMeter()
    other.ledger = "ledger-2"
    other.rows = [settled(1, "infra-1", 3.0)]
    await world.open(meter=other, clock=VirtualClock(NOON, autojump=False))
    await world.until(lambda fleet: bool(fleet.agent("infra-1").spend.requests == 2))
    assert world.fleet.agent("infra-1").spend.pico == 4 * DOLLAR
