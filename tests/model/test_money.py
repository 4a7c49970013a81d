from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orch_tui.model.errors import ConfigError
from orch_tui.model.money import PICOS_PER_MICRO, dollars, dollars_per_hour, micros, parse_usd, picos


@pytest.mark.parametrize(
    ("text", "expected"),
    [("50", 50_000_000), (" 12.5 ", 12_500_000), ("0", 0), ("0.000001", 1), ("1e3", 1_000_000_000), ("-0", 0)],
)
def test_a_setting_becomes_micro_dollars(text: str, expected: int) -> None:
    assert parse_usd(text, "CLAUDE_BUDGET_LIMIT") == expected


@pytest.mark.parametrize("text", ["NaN", "sNaN", "inf", "-Infinity", "-1", "", "$50", "1e99", "fifty", "1,5"])
def test_what_is_no_amount_is_refused_by_name(text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_usd(text, "CLAUDE_BUDGET_LIMIT")
    assert "CLAUDE_BUDGET_LIMIT" in caught.value.title
    assert caught.value.hint
    assert caught.value.exit_code == 2


@pytest.mark.parametrize(
    ("amount", "places", "text"),
    [
        (1_234_567, 2, "$1.23"),
        (1_235_000, 2, "$1.24"),
        (0, 2, "$0.00"),
        (-1_500_000, 2, "-$1.50"),
        (-1, 2, "$0.00"),
        (1_234_500_000, 2, "$1,234.50"),
        (4_200, 4, "$0.0042"),
        (1_600_000, 0, "$2"),
        (1, 6, "$0.000001"),
    ],
)
def test_dollars_are_written_for_people(amount: int, places: int, text: str) -> None:
    assert dollars(amount, places) == text


def test_an_unknown_rate_is_a_dash() -> None:
    assert dollars_per_hour(None) == "—"
    assert dollars_per_hour(300_000) == "$0.30/h"


def test_list_prices_are_exact_in_pico_dollars() -> None:
    assert picos(Decimal("0.01") / 1_000_000) == 10_000
    assert picos(Decimal("0.02093")) == 20_930_000_000


@given(st.lists(st.integers(0, 10**12), max_size=50))
def test_a_rounded_sum_is_within_half_a_micro_dollar(parts: list[int]) -> None:
    assert abs(micros(sum(parts)) * PICOS_PER_MICRO - sum(parts)) <= PICOS_PER_MICRO // 2
