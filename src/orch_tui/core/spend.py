"""Ledger rows become facts: who spent what; the alert once a day."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Sequence
from zoneinfo import ZoneInfo

from orch_tui.core.parts import Current, Parts
from orch_tui.core.ports import Meter
from orch_tui.model.facts import BudgetAlerted, DayBegan, Fact, LedgerOpened, SpendSettled
from orch_tui.model.fleet import money
from orch_tui.model.ids import AgentId
from orch_tui.model.usage import LedgerRow


class Spender:
    """Follows the meter; each settled row becomes one fact that names its number, so reading it twice adds nothing."""

    def __init__(self, parts: Parts, current: Current, *, sign: Callable[[AgentId], None]) -> None:
        self._parts = parts
        self._current = current
        self._sign = sign

    def today(self) -> str:
        """Returns the budget day."""
        zone = ZoneInfo(self._current.settings.budget.timezone)
        return datetime.datetime.fromtimestamp(self._parts.clock.now(), zone).date().isoformat()

    async def begin(self, meter: Meter) -> None:
        """Finds or starts the meter and names its ledger."""
        info = await meter.ensure()
        store = self._parts.store
        if store.fleet.ledger != info.ledger_id or info.simulated != store.fleet.simulated:
            await store.put(LedgerOpened(info.ledger_id, info.simulated))

    async def keep_days(self) -> None:
        """Records each new budget day when it begins."""
        while True:
            day = self.today()
            if day != self._parts.store.fleet.day:
                await self._parts.store.put(DayBegan(day))
            await self._parts.clock.sleep(self._until_midnight())

    def _until_midnight(self) -> float:
        zone = ZoneInfo(self._current.settings.budget.timezone)
        now = datetime.datetime.fromtimestamp(self._parts.clock.now(), zone)
        tomorrow = datetime.datetime.combine(now.date() + datetime.timedelta(days=1), datetime.time(), zone)
        return min(3600.0, (tomorrow - now).total_seconds() + 0.5)

    async def follow(self, meter: Meter) -> None:
        """Records what the ledger gains for as long as the mission is open."""
        await self.begin(meter)
        async for rows in meter.follow(self._parts.store.fleet.ledger_seq):
            if rows and rows[0].seq <= self._parts.store.fleet.ledger_seq:
                await self.begin(meter)  # another ledger is read from its start
            await self.take(rows)

    async def take(self, rows: Sequence[LedgerRow]) -> None:
        """Turns settled rows into facts; every row is a sign of life of its agent."""
        known = self._parts.store.fleet.ledger_seq
        facts: list[Fact] = [_settled(row) for row in rows if row.kind == "settle" and row.seq > known]
        if facts:
            await self._parts.store.put(*facts, actor="meter")
            await self._alert()
        for agent in {row.agent for row in rows}:
            self._sign(AgentId(agent))

    async def _alert(self) -> None:
        fleet = self._parts.store.fleet
        budget, day = fleet.budget, self.today()
        if budget.limit is None or budget.alerted_day == day:
            return
        spent = money(fleet.agents(), now=self._parts.clock.now(), day=day).today
        if spent >= budget.limit * budget.alert:
            await self._parts.store.put(BudgetAlerted(day, spent, budget.limit))


def _settled(row: LedgerRow) -> SpendSettled:
    return SpendSettled(
        agent=AgentId(row.agent),
        upto=row.seq,
        model=row.model,
        day=row.day,
        pico=row.pico,
        tokens=row.tokens,
        requests=1,
        estimated=row.estimated or row.partial,
        priced=row.priced,
        simulated=row.simulated,
    )
