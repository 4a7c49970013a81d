"""Amounts of money as whole numbers; the only place that turns text into dollars and dollars into text.

Facts and settings carry micro-dollars (10^-6 USD). The ledger counts pico-dollars (10^-12 USD), which are
exact for every list price, so that a running sum is rounded once and not row by row.
"""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Decimal, InvalidOperation

from orch_tui.model.errors import ConfigError

MICROS_PER_DOLLAR = 1_000_000
PICOS_PER_MICRO = 1_000_000
PICOS_PER_DOLLAR = MICROS_PER_DOLLAR * PICOS_PER_MICRO

_MOST_DIGITS = 12


def picos(usd: Decimal) -> int:
    """Returns an amount of dollars as pico-dollars, rounded to the nearest."""
    return int((usd * PICOS_PER_DOLLAR).to_integral_value(rounding=ROUND_HALF_EVEN))


def micros(pico: int) -> int:
    """Returns pico-dollars as micro-dollars, halves rounded up: give it a sum, not the parts of one."""
    return (pico + PICOS_PER_MICRO // 2) // PICOS_PER_MICRO


def parse_usd(text: str, name: str) -> int:
    """Returns a setting such as "50" or "12.5" as micro-dollars.

    Args:
        text: what the operator wrote.
        name: the setting, for the message.

    Raises:
        ConfigError: it is not a finite amount of zero or more.
    """
    amount = _amount(text, name)
    if amount < 0:
        raise ConfigError(f"{name} is negative", text.strip(), "Write an amount of dollars of 0 or more; 0 blocks all.")
    if amount.adjusted() > _MOST_DIGITS:
        raise ConfigError(f"{name} is too large", text.strip(), "Write an amount of dollars, such as 50.")
    return int((amount * MICROS_PER_DOLLAR).to_integral_value(rounding=ROUND_HALF_EVEN))


def _amount(text: str, name: str) -> Decimal:
    hint = "Write a plain decimal number of dollars, such as 50 or 12.50."
    try:
        amount = Decimal(text.strip())
    except InvalidOperation as problem:
        raise ConfigError(f"{name} is not an amount of dollars", text.strip(), hint) from problem
    if not amount.is_finite():
        raise ConfigError(f"{name} is not a finite amount", text.strip(), hint)
    return amount


def dollars(micro: int, places: int = 2) -> str:
    """Returns an amount for people: `$1,234.50`; halves are rounded away from zero."""
    unit = 10 ** (6 - places)
    whole, part = divmod((abs(micro) + unit // 2) // unit, 10**places)
    sign = "-" if micro < 0 and (whole or part) else ""
    return f"{sign}${whole:,}" + (f".{part:0{places}d}" if places else "")


def dollars_per_hour(rate: int | None) -> str:
    """Returns a rate for people: `$1.23/h`, or a dash while it is not known."""
    return "—" if rate is None else f"{dollars(rate)}/h"
