"""Amounts of money as whole numbers; the only place that turns dollars into text.

Facts and settings carry micro-dollars (10^-6 USD). The ledger counts pico-dollars (10^-12 USD), which are
exact for every list price, so that a running sum is rounded once and not row by row.
"""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Decimal

MICROS_PER_DOLLAR = 1_000_000
PICOS_PER_MICRO = 1_000_000
PICOS_PER_DOLLAR = MICROS_PER_DOLLAR * PICOS_PER_MICRO


def picos(usd: Decimal) -> int:
    """Returns an amount of dollars as pico-dollars, rounded to the nearest."""
    return int((usd * PICOS_PER_DOLLAR).to_integral_value(rounding=ROUND_HALF_EVEN))


def micros(pico: int) -> int:
    """Returns pico-dollars as micro-dollars, halves rounded up: give it a sum, not the parts of one."""
    return (pico + PICOS_PER_MICRO // 2) // PICOS_PER_MICRO


def dollars(micro: int, places: int = 2) -> str:
    """Returns an amount for people: `$1,234.50`; halves are rounded away from zero."""
    unit = 10 ** (6 - places)
    whole, part = divmod((abs(micro) + unit // 2) // unit, 10**places)
    sign = "-" if micro < 0 and (whole or part) else ""
    return f"{sign}${whole:,}" + (f".{part:0{places}d}" if places else "")


def dollars_per_hour(rate: int | None) -> str:
    """Returns a rate for people: `$1.23/h`, or a dash while it is not known."""
    return "—" if rate is None else f"{dollars(rate)}/h"
