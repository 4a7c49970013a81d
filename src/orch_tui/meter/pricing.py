"""What a request costs; the only place that asks the price library.

A model that nobody knows costs what the dearest known one would for this very request, and is flagged. Pricing never
raises: an answer that was paid for must not lose its row.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from functools import cache
from importlib.metadata import version
from typing import Any

from genai_prices import calc_price, extract_usage
from genai_prices.data_snapshot import get_snapshot
from msgspec import Struct

from orch_tui.meter.usage import compactions, count
from orch_tui.model.money import picos

PROVIDER = "anthropic"
LONGEST_MODEL = 200

_SHORT_NAMES = {
    "sonnet": "claude-sonnet-5-5",
    "opus": "claude-opus-5-5",
    "haiku": "claude-haiku-5-5",
    "fable": "claude-fable-5-2",
}
_DRESS = re.compile(r"^(?:.*/)?(?:[a-z-]+\.)?(?:anthropic[./])?(?=claude)")
_SUFFIX = re.compile(r"\[[^\]]*\]$|@.*$|-v\d+(?::\d+)?$|-20\d{6}$")
_COUNTS = ("input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens", "output_tokens")
_US_SURCHARGE = Decimal("1.1")


class Price(Struct, frozen=True):
    """The price of one request."""

    pico: int
    priced: bool
    """The model is in the price list; else `pico` is the dearest guess."""


@cache
def price_list() -> str:
    """Returns the name and version of the price list in use."""
    return f"genai-prices {version('genai-prices')}"


def price(model: str, usage: Mapping[str, Any], at: float) -> Price:
    """Returns the price of one request's usage, compactions included."""
    parts = [usage, *compactions(usage)]
    prices = [_price_one(model, part, at) for part in parts]
    return Price(sum(part.pico for part in prices), all(part.priced for part in prices))


def plain_names(model: str) -> list[str]:
    """Returns the names under which a model may be listed, the most exact first."""
    names = [model[:LONGEST_MODEL]]
    before, bare = "", _DRESS.sub("", names[0].lower())
    while bare != before:
        if bare != names[-1]:
            names.append(bare)
        before, bare = bare, _SUFFIX.sub("", bare)
    short = _SHORT_NAMES.get(bare)
    return [*names, short] if short else names


def _price_one(model: str, raw: Mapping[str, Any], at: float) -> Price:
    usage = _sane(raw)
    when = datetime.fromtimestamp(at, UTC)
    for name in plain_names(model):
        usd = _listed(name, usage, when)
        if usd is not None:
            return Price(picos(usd), priced=True)
    return Price(picos(_dearest(usage, when)), priced=False)


def _sane(raw: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the usage with its counts made sane and what the price library would stumble over left out."""
    usage: dict[str, Any] = {field: count(raw, field) for field in _COUNTS}
    for nested in ("cache_creation", "server_tool_use"):
        value = raw.get(nested)
        if isinstance(value, dict):
            usage[nested] = {key: count(value, key) for key in value}
    if sum(usage.get("cache_creation", {}).values()) != usage["cache_creation_input_tokens"]:
        usage.pop("cache_creation", None)
    for word in ("speed", "service_tier", "inference_geo"):
        if isinstance(raw.get(word), str):
            usage[word] = raw[word]
    return usage


def _listed(model: str, usage: dict[str, Any], when: datetime) -> Decimal | None:
    context = {}
    if usage.get("speed") == "fast":
        context["speed"] = "fast"
    if usage.get("service_tier") == "batch":
        context["processing"] = "batch"
    try:
        counted = extract_usage({"model": model, "usage": usage}, provider_id=PROVIDER).usage
        usd = calc_price(
            counted, model, provider_id=PROVIDER, genai_request_timestamp=when, price_context=context or None
        ).total_price
    except (LookupError, ValueError, TypeError, ArithmeticError):
        return None
    return usd * _US_SURCHARGE if usage.get("inference_geo") == "us" else usd


def _dearest(usage: dict[str, Any], when: datetime) -> Decimal:
    models = next(provider.models for provider in get_snapshot().providers if provider.id == PROVIDER)
    known = (_listed(model.id, usage, when) for model in models)
    return max((usd for usd in known if usd is not None), default=Decimal(0))


def reservation(model: str, body_bytes: int, max_tokens: int, at: float) -> tuple[dict[str, int], Price]:
    """Returns what a request may use and cost before it leaves: its body written to the cache, a usual answer.

    `max_tokens` alone would reserve many times what is used, so an answer counts 4,000 tokens at most.
    """
    usage = {
        "input_tokens": 0,
        "cache_creation_input_tokens": body_bytes // 4,
        "output_tokens": max(1, min(max_tokens, 4000)),
    }
    return usage, price(model, usage, at)
