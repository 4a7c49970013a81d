"""The offline stand-in for the model: a Messages API on loopback that plays scripts, for `demo` and tests.

It keeps no conversation: what it says follows from the request alone (`plays`). Every answer carries
`x-orch-simulated`, so that nothing it says is taken for a model's work or its dollars for real ones.
"""

from __future__ import annotations

import asyncio
import hashlib
import math
from collections.abc import Iterator
from typing import Any

import msgspec
from aiohttp import web

from orch_tui.meter.plays import Ask, Plays, Step, next_step
from orch_tui.meter.usage import tokens_of
from orch_tui.model.usage import Tokens

CHARACTERS_PER_TOKEN = 4
FRESH_TOKENS = 4
PIECE = 24
LARGEST_BODY = 64 << 20

_ASK = msgspec.json.Decoder(Ask)
Event = dict[str, Any]


class Standin:
    """An application that answers like the Messages API."""

    def __init__(self, plays: Plays | None = None) -> None:
        """Makes a stand-in that knows some plays beside the scripts in prompts and the general one."""
        self._plays = plays or {}
        self.answered = 0
        self.served = Tokens()
        """What all answers that were sent to their end have used."""

    def app(self) -> web.Application:
        """Returns the application."""
        app = web.Application(client_max_size=LARGEST_BODY)
        app.router.add_post("/v1/messages", self._messages)
        app.router.add_post("/v1/messages/count_tokens", _count_tokens)
        app.router.add_get("/v1/models", _models)
        app.router.add_route("*", "/{path:.*}", _missing)
        return app

    async def _messages(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        try:
            ask = _ASK.decode(body)
        except (msgspec.MsgspecError, UnicodeDecodeError) as problem:
            return _error(400, "invalid_request_error", str(problem), body)
        step = next_step(ask, self._plays)
        await asyncio.sleep(step.delay)
        if step.error is not None and _fails(request, step):
            return _error(step.error.status, step.error.type, step.error.message, body, step.error.headers)
        if ask.stream:
            return await self._stream(request, ask, step, body)
        message = _message(ask, step, body)
        self._count(message["usage"])
        return web.json_response(message, headers=_headers(body) | step.headers)

    async def _stream(self, request: web.Request, ask: Ask, step: Step, body: bytes) -> web.StreamResponse:
        answer = web.StreamResponse(
            headers={"content-type": "text/event-stream; charset=utf-8", **_headers(body), **step.headers}
        )
        await answer.prepare(request)
        message = _message(ask, step, body)
        for number, event in enumerate(_events(message, step)):
            if number == step.drop_after:
                if request.transport is not None:
                    request.transport.abort()
                return answer
            await asyncio.sleep(step.chunk_delay)
            await answer.write(b"event: %b\ndata: %b\n\n" % (event["type"].encode(), msgspec.json.encode(event)))
        self._count(message["usage"])
        return answer

    def _count(self, usage: dict[str, Any]) -> None:
        self.answered += 1
        self.served += tokens_of(usage)


def _fails(request: web.Request, step: Step) -> bool:
    attempt = request.headers.get("x-stainless-retry-count", "0")
    times = step.error.times if step.error else None
    return times is None or not attempt.isdigit() or int(attempt) < times


async def _count_tokens(request: web.Request) -> web.StreamResponse:
    body = await request.read()
    try:
        ask = _ASK.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError) as problem:
        return _error(400, "invalid_request_error", str(problem), body)
    return web.json_response({"input_tokens": _sizes(ask, body)[1]}, headers=_headers(body))


async def _models(_request: web.Request) -> web.StreamResponse:
    model = {"type": "model", "id": "claude-sonnet-5-5", "display_name": "Offline stand-in"}
    return web.json_response(
        {"data": [model], "has_more": False, "first_id": model["id"], "last_id": model["id"]}, headers=_headers(b"")
    )


async def _missing(request: web.Request) -> web.StreamResponse:
    return _error(404, "not_found_error", f"{request.method} {request.path} is not played here", b"")


def _headers(body: bytes) -> dict[str, str]:
    return {
        "request-id": f"req_{_digest(body)}",
        "x-orch-simulated": "1",
        "anthropic-ratelimit-requests-limit": "4000",
        "anthropic-ratelimit-requests-remaining": "3999",
        "anthropic-ratelimit-tokens-limit": "4000000",
        "anthropic-ratelimit-tokens-remaining": "3999000",
    }


def _error(
    status: int, kind: str, message: str, body: bytes, headers: dict[str, str] | None = None
) -> web.StreamResponse:
    head = _headers(body) | (headers or {})
    error = {"type": "error", "error": {"type": kind, "message": message}, "request_id": head["request-id"]}
    return web.json_response(error, status=status, headers=head)


def _digest(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()[:24]


def _sizes(ask: Ask, body: bytes) -> tuple[int, int]:
    """Returns the tokens of the prompt that an earlier request sent already, and all of it.

    A client sends the conversation again with one answer and one new turn behind it: all before those was cached.
    """
    total = _tokens(len(body))
    if len(ask.messages) < 3:
        return 0, total
    new = sum(len(msgspec.json.encode(message)) for message in ask.messages[-2:])
    return max(0, total - _tokens(new)), total


def _tokens(characters: int) -> int:
    return math.ceil(characters / CHARACTERS_PER_TOKEN)


def _message(ask: Ask, step: Step, body: bytes) -> dict[str, Any]:
    blocks = list(_blocks(step, body))
    said = len(step.think) + len(step.say) + (len(msgspec.json.encode(step.input)) if step.tool else 0)
    cached, total = _sizes(ask, body)
    fresh = min(FRESH_TOKENS, total - cached)
    usage = {
        "input_tokens": fresh,
        "cache_creation_input_tokens": total - cached - fresh,
        "cache_read_input_tokens": cached,
        "output_tokens": max(1, _tokens(said)),
        "service_tier": "standard",
        **step.usage,
    }
    return {
        "id": f"msg_{_digest(body)}",
        "type": "message",
        "role": "assistant",
        "model": ask.model,
        "content": blocks,
        "stop_reason": "tool_use" if step.tool else "end_turn",
        "stop_sequence": None,
        "usage": usage,
    }


def _blocks(step: Step, body: bytes) -> Iterator[dict[str, Any]]:
    if step.think:
        yield {"type": "thinking", "thinking": step.think, "signature": _digest(body)}
    if step.say or not step.tool:
        yield {"type": "text", "text": step.say}
    if step.tool:
        yield {"type": "tool_use", "id": f"toolu_{_digest(body)}", "name": step.tool, "input": step.input}


def _events(message: dict[str, Any], step: Step) -> Iterator[Event]:
    """Yields a message as the events of a stream; usage is the whole prompt first, then cumulative."""
    usage = message["usage"]
    start = {**message, "content": [], "stop_reason": None, "usage": {**usage, "output_tokens": 1}}
    yield {"type": "message_start", "message": start}
    yield {"type": "ping"}
    for index, block in enumerate(message["content"]):
        yield from _block_events(index, block)
    if step.in_stream_error:
        yield {"type": "error", "error": {"type": "overloaded_error", "message": "scripted"}}
        return
    yield {
        "type": "message_delta",
        "delta": {"stop_reason": message["stop_reason"], "stop_sequence": None},
        "usage": usage,
    }
    yield {"type": "message_stop"}


def _block_events(index: int, block: dict[str, Any]) -> Iterator[Event]:
    empty, deltas = _pieces(block)
    yield {"type": "content_block_start", "index": index, "content_block": empty}
    for delta in deltas:
        yield {"type": "content_block_delta", "index": index, "delta": delta}
    yield {"type": "content_block_stop", "index": index}


def _pieces(block: dict[str, Any]) -> tuple[Event, list[Event]]:
    """Returns a block as it begins and the deltas that fill it."""
    if block["type"] == "tool_use":
        text = msgspec.json.encode(block["input"]).decode()
        return {**block, "input": {}}, [{"type": "input_json_delta", "partial_json": part} for part in _cut(text)]
    if block["type"] == "thinking":
        deltas: list[Event] = [{"type": "thinking_delta", "thinking": part} for part in _cut(block["thinking"])]
        signature = {"type": "signature_delta", "signature": block["signature"]}
        return {**block, "thinking": "", "signature": ""}, [*deltas, signature]
    return {**block, "text": ""}, [{"type": "text_delta", "text": part} for part in _cut(block["text"])]


def _cut(text: str) -> list[str]:
    return [text[start : start + PIECE] for start in range(0, len(text), PIECE)]
