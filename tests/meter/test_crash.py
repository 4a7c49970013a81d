from __future__ import annotations

import asyncio
import os
import random
import signal
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import aiohttp
import pytest

from orch_tui.meter.client import MeterClient
from orch_tui.meter.standin import Standin
from orch_tui.model.usage import LedgerRow, Tokens

from .conftest import KEY, body, serving, until
from .test_client import running, short_state

KILLS = int(os.environ.get("ORCH_TEST_KILLS", "3"))
AGENTS = 12
DICE = random.Random()  # noqa: S311 - kills are to fall anywhere


@pytest.fixture
def state() -> Iterator[Path]:
    with short_state() as path:
        yield path


async def agent(http: aiohttp.ClientSession, url: str, over: asyncio.Event, whole: list[int]) -> None:
    """Asks again and again; an answer counts when it came to its end."""
    while not over.is_set():
        pieces = DICE.randrange(1, 30)
        request = body({"say": "x" * (24 * pieces), "chunk_delay": 0.002, "usage": {"output_tokens": pieces}})
        try:
            async with http.post(f"{url}/v1/messages", json=request) as answer:
                if answer.status == 200 and b"message_stop" in await answer.read():
                    whole.append(pieces)
        except aiohttp.ClientError:
            await asyncio.sleep(0.05)


async def collect(client: MeterClient, seen: list[LedgerRow]) -> None:
    async for rows in client.follow(0):
        seen.extend(rows)


async def test_kills_at_any_moment_lose_nothing_and_book_nothing_twice(state: Path) -> None:
    standin = Standin()
    over, whole, seen = asyncio.Event(), list[int](), list[LedgerRow]()
    async with (
        serving(standin.app()) as model,
        running(state, model, key=KEY) as client,
        aiohttp.ClientSession() as http,
    ):
        urls = [await client.grant(f"r{number}", f"a{number}", "s", "t") for number in range(AGENTS)]
        following = asyncio.create_task(collect(client, seen))
        agents = [asyncio.create_task(agent(http, url, over, whole)) for url in urls]
        for _ in range(KILLS):
            answers = len(whole)
            await until(lambda goal=answers + AGENTS: len(whole) >= goal)
            await asyncio.sleep(DICE.random() * 0.1)
            os.kill((await client.ensure()).pid, signal.SIGKILL)
        answers = len(whole)
        await until(lambda: len(whole) >= answers + AGENTS)
        over.set()
        await asyncio.gather(*agents)
        await until(lambda: len({row.req for row in seen}) == sum(row.kind == "settle" for row in seen))
        following.cancel()
    check(seen, whole, standin.served)


def check(seen: list[LedgerRow], whole: list[int], served: Tokens) -> None:
    assert [row.seq for row in seen] == list(range(1, len(seen) + 1))
    kinds = Counter((row.req, row.kind) for row in seen)
    assert set(kinds.values()) == {1}
    opened = {row.req for row in seen if row.kind == "open"}
    settled = {row.req for row in seen if row.kind == "settle"}
    assert opened == settled
    exact = Counter(row.tokens.output for row in seen if row.kind == "settle" and not row.partial)
    estimated = sum(row.estimated for row in seen if row.kind == "settle")
    assert sum((Counter(whole) - exact).values()) <= estimated
    assert sum((row.tokens for row in seen if row.kind == "settle"), Tokens()).total >= served.total
