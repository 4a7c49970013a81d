"""A meter before the stand-in, both in this process, and a client that speaks to it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from orch_tui.meter.ledger import Grant, Ledger
from orch_tui.meter.loopback import address, bind, serve
from orch_tui.meter.proxy import Proxy
from orch_tui.meter.standin import Standin
from orch_tui.model.usage import LedgerRow

NOW = 1_795_000_000.0
TOKEN = "0123456789abcdef0123456789abcdef"
OWNER = Grant("run1.1", "api-1", "api", "Endpoints")
KEY = "sk-real-key"


@asynccontextmanager
async def serving(app: web.Application) -> AsyncIterator[str]:
    sock = bind()
    runner = await serve(app, sock)
    try:
        yield address(sock)
    finally:
        await runner.cleanup()


class Bench:
    """The whole path of a request, and what came of it."""

    def __init__(self, ledger: Ledger, url: str, standin: Standin, http: aiohttp.ClientSession) -> None:
        self.ledger = ledger
        self.base = url
        self.url = f"{url}/r/{TOKEN}"
        self.standin = standin
        self.http = http

    def ask(self, *steps: dict[str, Any], stream: bool = True, **more: Any) -> aiohttp.client._RequestContextManager:
        return self.http.post(f"{self.url}/v1/messages", json=body(*steps, stream=stream, **more))

    async def settled(self, count: int = 1) -> Sequence[LedgerRow]:
        return await settled(self.ledger, count)


def body(*steps: dict[str, Any], stream: bool = True, **more: Any) -> dict[str, Any]:
    prompt = f"<<stub {json.dumps(steps)} stub>>"
    return {
        "model": "claude-sonnet-5-5",
        "max_tokens": 1000,
        "stream": stream,
        "messages": [{"role": "user", "content": prompt}],
        **more,
    }


async def until(holds: Callable[[], Any], seconds: float = 20) -> Any:
    """Waits until a condition holds; returns what it returned."""
    for _ in range(int(seconds / 0.01)):
        value = holds()
        if value:
            return value
        await asyncio.sleep(0.01)
    raise AssertionError("it did not come true in time")


async def settled(ledger: Ledger, count: int = 1) -> Sequence[LedgerRow]:
    def found() -> Sequence[LedgerRow]:
        rows = [row for row in ledger.rows(0, 10_000) if row.kind == "settle"]
        return rows if len(rows) >= count else []

    rows: Sequence[LedgerRow] = await until(found)
    return rows


@asynccontextmanager
async def bench(path: Path, upstream: str = "", key: str = KEY) -> AsyncIterator[Bench]:
    standin = Standin()
    ledger = Ledger(path / "ledger.db", NOW)
    ledger.grant(TOKEN, OWNER).result(10)
    async with serving(standin.app()) as model:
        proxy = Proxy(ledger, upstream or model, key)
        async with serving(proxy.app()) as url, aiohttp.ClientSession() as http:
            yield Bench(ledger, url, standin, http)
    ledger.close()


@pytest.fixture
async def meter(tmp_path: Path) -> AsyncIterator[Bench]:
    async with bench(tmp_path) as opened:
        yield opened


Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def app_of(handler: Handler) -> web.Application:
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", handler)
    return app
