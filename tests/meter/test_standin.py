from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from orch_tui.meter.standin import Standin
from orch_tui.meter.usage import StreamReader, tokens_of

from .conftest import body, serving


@pytest.fixture
async def url() -> AsyncIterator[str]:
    async with serving(Standin().app()) as base:
        yield base


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


def events(raw: bytes) -> list[dict[str, Any]]:
    found = []
    for block in raw.decode().split("\n\n")[:-1]:
        name, data = block.split("\n")
        event = json.loads(data.removeprefix("data: "))
        assert name == f"event: {event['type']}"
        found.append(event)
    return found


async def test_a_stream_has_every_event_in_order(url: str, http: aiohttp.ClientSession) -> None:
    step = {"think": "hm " * 20, "say": "I write.", "tool": "Write", "input": {"path": "a", "content": "✓" * 40}}
    async with http.post(f"{url}/v1/messages?beta=true", json=body(step)) as answer:
        assert answer.content_type == "text/event-stream"
        assert answer.headers["request-id"].startswith("req_")
        assert answer.headers["x-orch-simulated"] == "1"
        assert "anthropic-ratelimit-tokens-remaining" in answer.headers
        raw = await answer.read()
    seen = events(raw)
    assert [event["type"] for event in seen[:2]] == ["message_start", "ping"]
    assert seen[0]["message"]["usage"]["output_tokens"] == 1
    starts = [event["content_block"]["type"] for event in seen if event["type"] == "content_block_start"]
    assert starts == ["thinking", "text", "tool_use"]
    deltas = [event["delta"] for event in seen if event["type"] == "content_block_delta"]
    assert json.loads("".join(delta.get("partial_json", "") for delta in deltas)) == step["input"]
    assert "".join(delta.get("text", "") for delta in deltas) == "I write."
    assert any(delta["type"] == "signature_delta" for delta in deltas)
    assert seen[-2]["delta"]["stop_reason"] == "tool_use"
    assert seen[-1]["type"] == "message_stop"


async def test_json_and_stream_say_the_same(url: str, http: aiohttp.ClientSession) -> None:
    step = {"say": "the same"}
    async with http.post(f"{url}/v1/messages", json=body(step, stream=False)) as answer:
        message = await answer.json()
    async with http.post(f"{url}/v1/messages", json=body(step, stream=True)) as answer:
        reader = StreamReader()
        reader.feed(await answer.read())
    assert message["content"] == [{"type": "text", "text": "the same"}]
    assert message["stop_reason"] == "end_turn"
    assert tokens_of(message["usage"]).output == tokens_of(reader.reading().usage).output


async def test_the_first_call_writes_the_cache_and_later_ones_read_it(url: str, http: aiohttp.ClientSession) -> None:
    steps = [{"say": "one", "tool": "Read"}, {"say": "two"}]
    first = body(*steps, stream=False, system="s" * 4000)
    later = dict(first)
    later["messages"] = [*first["messages"], {"role": "assistant", "content": "one"}, {"role": "user", "content": "ok"}]
    usages = []
    for request in (first, later):
        async with http.post(f"{url}/v1/messages", json=request) as answer:
            usages.append(tokens_of((await answer.json())["usage"]))
    assert usages[0].read == 0
    assert usages[0].write > 1000
    assert usages[1].read > 1000
    assert usages[1].write < 100


async def test_counting_agrees_with_usage(url: str, http: aiohttp.ClientSession) -> None:
    request = body({"say": "x"}, stream=False)
    async with http.post(f"{url}/v1/messages/count_tokens", json=request) as answer:
        counted = (await answer.json())["input_tokens"]
    async with http.post(f"{url}/v1/messages", json=request) as answer:
        usage = tokens_of((await answer.json())["usage"])
    assert usage.fresh + usage.write + usage.read == counted


async def test_an_error_may_pass_after_some_attempts(url: str, http: aiohttp.ClientSession) -> None:
    step = {"say": "at last", "error": {"status": 529, "type": "overloaded_error", "times": 2}}
    statuses = []
    for attempt in range(3):
        headers = {"x-stainless-retry-count": str(attempt)}
        async with http.post(f"{url}/v1/messages", json=body(step), headers=headers) as answer:
            statuses.append(answer.status)
    assert statuses == [529, 529, 200]


async def test_a_stream_may_break_off_or_carry_an_error(url: str, http: aiohttp.ClientSession) -> None:
    async with http.post(f"{url}/v1/messages", json=body({"say": "x" * 100, "drop_after": 3})) as answer:
        with pytest.raises(aiohttp.ClientPayloadError):
            await answer.read()
    async with http.post(f"{url}/v1/messages", json=body({"say": "x", "in_stream_error": True})) as answer:
        assert events(await answer.read())[-1]["type"] == "error"


@pytest.mark.parametrize(("method", "path"), [("GET", "/"), ("POST", "/v1/other"), ("GET", "/v1/messages")])
async def test_everything_else_is_json_too(url: str, http: aiohttp.ClientSession, method: str, path: str) -> None:
    async with http.request(method, url + path) as answer:
        assert answer.status == 404
        assert (await answer.json())["type"] == "error"


async def test_a_body_that_is_no_request_is_refused(url: str, http: aiohttp.ClientSession) -> None:
    for path in ("/v1/messages", "/v1/messages/count_tokens"):
        async with http.post(url + path, data=b"{oops") as answer:
            assert answer.status == 400
            assert (await answer.json())["error"]["type"] == "invalid_request_error"
