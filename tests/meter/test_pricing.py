from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orch_tui.meter.pricing import plain_names, price, reservation

AT = 1_795_000_000.0
USAGE = {
    "input_tokens": 10,
    "cache_creation_input_tokens": 100,
    "cache_read_input_tokens": 1000,
    "output_tokens": 50,
}
MICRO = 1_000_000


def test_a_listed_model_costs_its_list_price() -> None:
    cost = price("claude-sonnet-5-5", USAGE, AT)
    assert cost.priced
    assert cost.pico == (10 * 2 + 50 * 10) * MICRO + 100 * 2_500_000 + 1000 * 100_000


@pytest.mark.parametrize(
    "name",
    [
        "claude-sonnet-5-5[1m]",
        "sonnet",
        "sonnet[1m]",
        "anthropic/claude-sonnet-5-5",
        "us.anthropic.claude-sonnet-5-5-v1:0",
        "claude-sonnet-5-5@20261001",
        "claude-sonnet-5-5-20261001",
        "CLAUDE-SONNET-5-5",
    ],
)
def test_aliases_cost_the_same(name: str) -> None:
    assert price(name, USAGE, AT) == price("claude-sonnet-5-5", USAGE, AT)
    assert "claude-sonnet-5-5" in plain_names(name)


@pytest.mark.parametrize("name", ["gpt-nonsense", "", "claude-mythos-5", "\ud800"])
def test_an_unknown_model_is_the_dearest_and_flagged(name: str) -> None:
    cost = price(name, USAGE, AT)
    assert not cost.priced
    assert cost.pico >= max(price(known, USAGE, AT).pico for known in ("claude-opus-4-1", "claude-fable-5"))


def test_a_name_of_megabytes_is_looked_up_at_once() -> None:
    assert not price("a/-" * 1_000_000, USAGE, AT).priced


def test_hour_long_cache_writes_and_searches_cost_more() -> None:
    split = {"cache_creation": {"ephemeral_5m_input_tokens": 60, "ephemeral_1h_input_tokens": 40}}
    plain = price("claude-sonnet-5-5", USAGE, AT).pico
    assert price("claude-sonnet-5-5", {**USAGE, **split}, AT).pico == plain + 40 * 1_500_000
    searches = {"server_tool_use": {"web_search_requests": 2}}
    assert price("claude-sonnet-5-5", {**USAGE, **searches}, AT).pico == plain + 20_000 * MICRO


def test_speed_tier_and_place_change_the_price() -> None:
    plain = price("claude-opus-5", USAGE, AT).pico
    assert price("claude-opus-5", {**USAGE, "speed": "fast"}, AT).pico == 2 * plain
    assert price("claude-opus-5", {**USAGE, "service_tier": "batch"}, AT).pico == plain // 2
    assert price("claude-opus-5", {**USAGE, "inference_geo": "us"}, AT).pico == plain * 11 // 10


def test_a_compaction_is_paid_too() -> None:
    usage = {**USAGE, "iterations": [{"type": "compaction", **USAGE}, {"type": "message", **USAGE}]}
    assert price("claude-opus-5", usage, AT).pico == 2 * price("claude-opus-5", USAGE, AT).pico


def test_a_reservation_counts_a_usual_answer_not_the_longest() -> None:
    usage, cost = reservation("claude-sonnet-5-5", 4000, 128_000, AT)
    assert usage["output_tokens"] == 4000
    assert cost.pico == 1000 * 2_500_000 + 4000 * 10 * MICRO


odd = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(), st.lists(st.integers(), max_size=2))
fields = st.sampled_from(
    [*USAGE, "cache_creation", "server_tool_use", "iterations", "speed", "service_tier", "inference_geo"]
)


@given(st.text(max_size=20), st.dictionaries(fields, st.one_of(odd, st.dictionaries(st.text(max_size=5), odd))))
@settings(max_examples=60, deadline=None)
def test_pricing_never_fails(model: str, usage: dict[str, Any]) -> None:
    assert price(model, usage, AT).pico >= 0
