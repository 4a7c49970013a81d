from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orch_tui.model.money import PICOS_PER_MICRO, dollars, dollars_per_hour, micros, picos


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
