from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from orch_tui.model.usage import Tokens, Window, window_add, window_rate

T0 = 1_800_000_000.0


def test_tokens_add_up_by_class() -> None:
    both = Tokens(1, 2, 3, 4) + Tokens(10, 20, 30, 40)
    assert both == Tokens(11, 22, 33, 44)
    assert both.total == 110


def test_an_agent_below_a_minute_of_age_has_no_rate() -> None:
    window = window_add((), T0 + 10, 30_000)
    assert window_rate(window, T0 + 59.9, T0) is None
    assert window_rate(window, T0 + 60, T0) == 1_800_000


def test_two_calls_close_together_do_not_explode() -> None:
    window = window_add(window_add((), T0 + 0.5, 30_000), T0 + 2, 30_000)
    assert window_rate(window, T0 + 590, T0 - 10) == 360_000


def test_an_idle_agent_falls_to_zero() -> None:
    window = window_add((), T0, 30_000)
    assert window_rate(window, T0 + 599, T0 - 900) == 180_000
    assert window_rate(window, T0 + 620, T0 - 900) == 0


def test_a_late_row_finds_its_bucket() -> None:
    window = window_add(window_add((), T0 + 100, 1), T0 + 5, 2)
    assert [amount for _, amount in window] == [2, 1]


@given(st.lists(st.tuples(st.floats(0, 599), st.integers(0, 10**9)), max_size=40))
def test_nothing_in_the_window_is_lost(spends: list[tuple[float, int]]) -> None:
    window: Window = ()
    for at, amount in spends:
        window = window_add(window, T0 + at, amount)
    assert sum(amount for _, amount in window) == sum(amount for _, amount in spends)
    assert len(window) <= 41
