"""Money for people: rates, amounts of today, the budget and when it will be spent. Pure."""

from __future__ import annotations

from textual.content import Content

from orch_tui.model.fleet import Fleet, Money, money
from orch_tui.model.money import dollars, dollars_per_hour
from orch_tui.model.states import ACTIVE
from orch_tui.model.usage import Tokens
from orch_tui.tui import look
from orch_tui.tui.present import when
from orch_tui.tui.present.cells import bar

SECONDS_PER_HOUR = 3600


def fleet_money(fleet: Fleet, now: float) -> Money:
    """Returns the roll-up of the whole mission."""
    return money(fleet.agents(), now=now, day=fleet.day)


def running(fleet: Fleet) -> int:
    """Returns how many agents have a process, or should."""
    return sum(agent.state in ACTIVE for agent in fleet.agents())


def rate(spent: Money) -> str:
    """Returns the rate, or a dash while nobody can know it."""
    return dollars_per_hour(spent.rate)


def today(spent: Money) -> str:
    """Returns today's amount; nothing where no request was made yet, `~` where a part of it is an estimate."""
    if not spent.requests:
        return ""
    return ("~" if spent.estimated or spent.unpriced else "") + dollars(spent.today)


def total(spent: Money) -> str:
    """Returns the amount since the beginning."""
    return ("~" if spent.estimated or spent.unpriced else "") + dollars(spent.total)


def count(number: int) -> str:
    """Returns a large number in at most five characters: `950`, `12.3k`, `4.5M`."""
    if number < 1000:
        return str(number)
    if number < 999_950:
        return f"{number / 1000:.1f}k"
    return f"{number / 1_000_000:.1f}M"


def tokens(used: Tokens) -> str:
    """Returns tokens by class: what went in, what of it came from the cache, what came out."""
    into = used.fresh + used.write + used.read
    cached = f" ({used.read * 100 // into}% cached)" if into else ""
    return f"{count(into)} in{cached}, {count(used.output)} out"


def forecast(fleet: Fleet, spent: Money) -> str:
    """Returns when the limit will be reached at this rate, in words.

    Nothing where there is no limit, no rate, or nobody at work: the rate looks back over minutes.
    """
    limit = fleet.budget.limit
    if limit is None or spent.rate is None:
        return ""
    if spent.today >= limit:
        return "limit reached"
    if spent.rate <= 0 or not running(fleet):
        return ""
    seconds = (limit - spent.today) * SECONDS_PER_HOUR / spent.rate
    return f"limit in {when.span(seconds)}" if seconds < when.DAY else "limit not today"


def share(fleet: Fleet, spent: Money) -> float:
    """Returns how much of today's limit is spent, 1 is all of it; a limit of nothing is spent at once."""
    limit = fleet.budget.limit
    if limit is None:
        return 0.0
    return spent.today / limit if limit else 1.0


def budget_tone(fleet: Fleet, spent: Money) -> str:
    """Returns the tone of the budget: good, then a warning from the alert on, then bad at the limit."""
    if fleet.budget.limit is None:
        return look.MUTED
    spent_share = share(fleet, spent)
    if spent_share >= 1:
        return look.BAD
    return look.WARN if spent_share >= fleet.budget.alert else look.GOOD


def budget(fleet: Fleet, spent: Money, width: int) -> Content:
    """Returns today against the limit with a gauge of that many cells (0: none) and the alert's mark on it."""
    limit = fleet.budget.limit
    amount = Content.styled(dollars(spent.today), look.STRONG)
    if limit is None:
        return Content.assemble(amount, (" today", look.MUTED))
    tone = budget_tone(fleet, spent)
    word = {look.WARN: " over the alert", look.BAD: " over the limit"}.get(tone, "")
    gauge = bar(share(fleet, spent), width, mark=fleet.budget.alert, tone=tone, empty=look.FAINT, marked=look.WARN)
    return Content.assemble(
        amount, (f" of {dollars(limit)} today", look.MUTED), " " if width else "", gauge if width else "", (word, tone)
    )
