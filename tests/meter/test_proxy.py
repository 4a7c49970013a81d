from __future__ import annotations

import asyncio
import gzip
import io
import json
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from yarl import URL

from orch_tui.meter.loopback import address, bind
from orch_tui.model.usage import Tokens

from .conftest import KEY, TOKEN, Bench, app_of, bench, body, serving

SSE = {"content-type": "text/event-stream"}


async def test_a_stream_passes_unchanged_and_is_booked(meter: Bench) -> None:
    steps = {"say": "hello there, world " * 10, "usage": {"output_tokens": 57}}
    async with meter.ask(steps) as answer:
        assert answer.status == 200
        assert answer.headers["x-orch-simulated"] == "1"
        text = await answer.text()
    assert text.count("event: ") == text.count("\n\n")
    assert "message_stop" in text
    (row,) = await meter.settled()
    assert (row.agent, row.stream, row.task, row.run) == ("api-1", "api", "Endpoints", "run1.1")
    assert row.tokens == meter.standin.served
    assert row.tokens.output == 57
    assert (row.status, row.simulated, row.estimated, row.partial, row.priced) == (200, True, False, False, True)
    kinds = [each.kind for each in meter.ledger.rows(0)]
    assert kinds == ["open", "start", "settle"]


async def test_a_json_answer_is_booked(meter: Bench) -> None:
    async with meter.ask({"say": "hi"}, stream=False) as answer:
        message = await answer.json()
    (row,) = await meter.settled()
    assert row.tokens.output == message["usage"]["output_tokens"]
    assert row.pico > 0
    assert not row.partial


async def test_body_query_and_headers_reach_the_upstream_as_they_were(tmp_path: Path) -> None:
    seen: dict[str, Any] = {}

    async def upstream(request: web.Request) -> web.StreamResponse:
        seen.update(body=await request.read(), path=request.raw_path, headers=request.headers.copy())
        return web.json_response({"type": "message", "usage": {"input_tokens": 1, "output_tokens": 1}})

    raw = b'{"model" :"claude-sonnet-5-5",  "messages":[] }\n'
    sent = {
        "x-api-key": TOKEN,
        "anthropic-version": "2023-06-01",
        "anthropic-beta": "a,b",
        "user-agent": "agent/1",
        "content-type": "application/json",
        "x-claude-code-session-id": "s",
    }
    async with serving(app_of(upstream)) as model, bench(tmp_path, model) as meter:
        url = f"{meter.url}/v1/messages?beta=true&x=%2Fy%20z"
        async with meter.http.post(URL(url, encoded=True), data=raw, headers=sent) as answer:
            assert answer.status == 200
    assert seen["body"] == raw
    assert seen["path"] == "/v1/messages?beta=true&x=%2Fy%20z"
    headers = seen["headers"]
    assert headers["x-api-key"] == KEY
    assert headers["accept-encoding"] == "identity"
    assert TOKEN not in str(headers)
    for name in ("anthropic-version", "anthropic-beta", "user-agent", "content-type", "x-claude-code-session-id"):
        assert headers[name] == sent[name]


async def test_an_answer_reaches_the_client_byte_for_byte(tmp_path: Path) -> None:
    chunks = [b"event: odd\r\n", b"data: \xff\xfe{", b"\n\n", b": comment\n", "data: ✓\n\ntail".encode()]

    async def upstream(request: web.Request) -> web.StreamResponse:
        answer = web.StreamResponse(headers={**SSE, "request-id": "req_1", "connection": "x-secret", "x-secret": "1"})
        await answer.prepare(request)
        for chunk in chunks:
            await answer.write(chunk)
            await asyncio.sleep(0)
        return answer

    async with serving(app_of(upstream)) as model, bench(tmp_path, model) as meter:
        async with meter.ask() as answer:
            assert await answer.read() == b"".join(chunks)
            assert answer.headers["request-id"] == "req_1"
            assert "x-secret" not in answer.headers
        (row,) = await meter.settled()
        assert (row.estimated, row.partial) == (True, True)
        assert row.pico > 0


async def test_a_packed_body_and_a_packed_answer_stay_packed(tmp_path: Path) -> None:
    packed = gzip.compress(json.dumps(body()).encode())

    async def upstream(request: web.Request) -> web.StreamResponse:
        assert request.headers["content-encoding"] == "gzip"
        return web.Response(body=gzip.compress(b"{}"), headers={"content-encoding": "gzip"})

    async with serving(app_of(upstream)) as model, bench(tmp_path, model) as meter:
        headers = {"content-encoding": "gzip"}
        async with meter.http.post(f"{meter.url}/v1/messages", data=packed, headers=headers) as answer:
            assert await answer.read() == b"{}"


@pytest.mark.parametrize("path", ["r/unknown/v1/messages", "v1/messages", "", "r/"])
async def test_an_unknown_token_is_refused(meter: Bench, path: str) -> None:
    async with meter.http.post(f"{meter.base}/{path}", json=body()) as answer:
        assert answer.status == 401
        assert (await answer.json())["error"]["type"] == "authentication_error"
    assert meter.ledger.rows(0) == []


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "v1/messages/batches"),
        ("GET", "v1/messages"),
        ("GET", "v1/files"),
        ("GET", "v1/models/..%2F..%2Fv1%2Ffiles"),
        ("GET", "v1/models/%2e%2e/files"),
        ("DELETE", "v1/models"),
        ("POST", "v1/messages/"),
    ],
)
async def test_other_paths_do_not_run_on_the_real_key(meter: Bench, method: str, path: str) -> None:
    async with meter.http.request(method, URL(f"{meter.url}/{path}", encoded=True)) as answer:
        assert answer.status == 403
        assert (await answer.json())["error"]["type"] == "permission_error"
    assert meter.standin.answered == 0


async def test_counting_and_models_pass_without_a_row(meter: Bench) -> None:
    async with meter.http.post(f"{meter.url}/v1/messages/count_tokens", json=body()) as answer:
        assert (await answer.json())["input_tokens"] > 0
    async with meter.http.get(f"{meter.url}/v1/models") as answer:
        assert answer.status == 200
    assert meter.ledger.rows(0) == []


async def test_an_upstream_that_is_not_there_costs_nothing(tmp_path: Path) -> None:
    sock = bind()
    nowhere = address(sock)
    sock.close()
    async with bench(tmp_path, nowhere) as meter:
        async with meter.ask() as answer:
            assert answer.status == 502
            assert (await answer.json())["error"]["type"] == "api_error"
        (row,) = await meter.settled()
        assert (row.pico, row.status, row.tokens, row.estimated) == (0, 502, Tokens(), False)


async def test_an_error_of_the_upstream_passes_and_costs_nothing(meter: Bench) -> None:
    error = {"status": 529, "type": "overloaded_error", "headers": {"retry-after": "7"}}
    async with meter.ask({"error": error}) as answer:
        assert answer.status == 529
        assert answer.headers["retry-after"] == "7"
    (row,) = await meter.settled()
    assert (row.pico, row.status) == (0, 529)


async def test_an_answer_cut_by_the_upstream_is_cut_for_the_client(meter: Bench) -> None:
    async with meter.ask({"say": "x" * 400, "drop_after": 8}) as answer:
        with pytest.raises(aiohttp.ClientPayloadError):
            await answer.read()
    (row,) = await meter.settled()
    assert (row.partial, row.estimated, row.status) == (True, False, 200)
    assert row.tokens.output == -(-5 * 24 // 4)


async def test_an_upstream_that_breaks_before_it_answers_is_estimated(tmp_path: Path) -> None:
    async def upstream(request: web.Request) -> web.StreamResponse:
        await request.read()
        assert request.transport is not None
        request.transport.abort()
        return web.Response()

    async with serving(app_of(upstream)) as model, bench(tmp_path, model) as meter:
        async with meter.ask() as answer:
            assert answer.status == 502
        (row,) = await meter.settled()
        assert row.estimated
        assert row.pico > 0


async def test_a_client_that_hangs_up_pays_for_what_came(meter: Bench) -> None:
    async with meter.ask({"say": "x" * 4000, "chunk_delay": 0.02}) as answer:
        await answer.content.readuntil(b"text_delta")
        answer.close()
    (row,) = await meter.settled()
    assert row.partial
    assert row.pico > 0
    assert row.tokens.output < 1000
    assert meter.standin.answered == 0


async def test_a_client_that_hangs_up_before_the_answer_is_estimated(tmp_path: Path) -> None:
    arrived = asyncio.Event()

    async def upstream(_request: web.Request) -> web.StreamResponse:
        arrived.set()
        await asyncio.sleep(60)
        return web.Response()

    async with serving(app_of(upstream)) as model, bench(tmp_path, model) as meter:
        asking = asyncio.create_task(meter.http.post(f"{meter.url}/v1/messages", json=body()))
        await asyncio.wait_for(arrived.wait(), 20)
        asking.cancel()
        (row,) = await meter.settled()
        assert (row.estimated, row.partial) == (True, True)
        assert row.pico > 0


async def test_an_unknown_model_is_flagged_and_never_free(meter: Bench) -> None:
    async with meter.ask({"say": "hi"}, model="claude-nonsense-9") as answer:
        await answer.read()
    (row,) = await meter.settled()
    assert (row.model, row.priced) == ("claude-nonsense-9", False)
    assert row.pico > 0


async def test_a_body_beyond_the_cap_is_refused_in_json(meter: Bench) -> None:
    async def endless() -> Any:
        for _ in range(65):
            yield b"x" * (1 << 20)

    async with meter.http.post(f"{meter.url}/v1/messages", data=endless()) as answer:
        assert answer.status == 413
        assert (await answer.json())["type"] == "error"
    assert meter.ledger.rows(0) == []


async def test_a_body_over_a_mebibyte_passes(meter: Bench) -> None:
    large = io.BytesIO(json.dumps(body({"say": "big"}, system="x" * (3 << 20))).encode())
    async with meter.http.post(f"{meter.url}/v1/messages", data=large) as answer:
        assert answer.status == 200
        await answer.read()


async def test_an_agents_own_login_passes_and_gets_no_key(tmp_path: Path) -> None:
    seen: list[dict[str, str]] = []

    async def upstream(request: web.Request) -> web.StreamResponse:
        seen.append(dict(request.headers))
        return web.json_response({})

    async with serving(app_of(upstream)) as model, bench(tmp_path, model) as meter:
        for bearer in ("subscription", TOKEN):
            headers = {"Authorization": f"Bearer {bearer}"}
            async with meter.http.post(f"{meter.url}/v1/messages", json=body(), headers=headers) as answer:
                await answer.read()
    assert seen[0]["Authorization"] == "Bearer subscription"
    assert KEY not in str(seen[0])
    assert "Authorization" not in seen[1]
    assert KEY in str(seen[1])


async def test_a_redirect_is_not_followed_with_the_key(tmp_path: Path) -> None:
    async def upstream(_request: web.Request) -> web.StreamResponse:
        raise web.HTTPFound("http://127.0.0.1:9/elsewhere")

    async with (
        serving(app_of(upstream)) as model,
        bench(tmp_path, model) as meter,
        meter.http.post(f"{meter.url}/v1/messages", json=body(), allow_redirects=False) as answer,
    ):
        assert answer.status == 302


async def test_a_ledger_that_cannot_be_written_refuses_the_request(tmp_path: Path) -> None:
    async with bench(tmp_path) as meter:
        meter.ledger.close()
        async with meter.ask() as answer:
            assert answer.status == 503
        assert meter.standin.answered == 0


async def test_thirty_streams_at_once_are_counted_to_the_token(meter: Bench) -> None:
    async def agent(number: int) -> None:
        for turn in range(3):
            step = {"say": "word " * (10 + number), "chunk_delay": 0.001 * (number % 3)}
            async with meter.ask(step, system="s" * (number * 37 + turn)) as answer:
                await answer.read()

    await asyncio.gather(*(agent(number) for number in range(30)))
    rows = await meter.settled(90)
    assert len(rows) == 90
    assert sum((row.tokens for row in rows), Tokens()) == meter.standin.served
    assert meter.standin.answered == 90
