from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from orch_tui.meter.client import MeterClient
from orch_tui.meter.standin import Standin
from orch_tui.model.errors import ConfigError, EnvironmentProblem
from orch_tui.model.usage import LedgerRow, Tokens

from .conftest import KEY, body, serving, until

COMMAND = (sys.executable, "-P", "-m", "orch_tui.wiring.meter")


def client_of(state: Path, upstream: str = "simulated", key: str = "", linger: float = 60, **more: Any) -> MeterClient:
    return MeterClient(state, upstream, key, linger, command=COMMAND, **more)


@contextmanager
def short_state() -> Iterator[Path]:
    """A state directory whose control socket has a short path."""
    with tempfile.TemporaryDirectory() as short:
        yield Path(short) / "state"


@pytest.fixture
def state() -> Iterator[Path]:
    with short_state() as path:
        yield path


@asynccontextmanager
async def running(state: Path, upstream: str = "simulated", **more: Any) -> AsyncIterator[MeterClient]:
    client = client_of(state, upstream, **more)
    try:
        yield client
    finally:
        await client.stop()


def gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return Path(f"/proc/{pid}/stat").exists() and " Z " in Path(f"/proc/{pid}/stat").read_text()


async def post(http: aiohttp.ClientSession, url: str, *steps: dict[str, Any], **more: Any) -> bytes:
    async with http.post(f"{url}/v1/messages", json=body(*steps, **more)) as answer:
        assert answer.status == 200
        return await answer.read()


async def test_a_run_sends_requests_and_its_rows_are_followed(state: Path) -> None:
    async with running(state) as client, aiohttp.ClientSession() as http:
        info = await client.ensure()
        assert info.simulated
        url = await client.grant("run1.1", "api-1", "api", "Endpoints")
        assert url.startswith(f"{info.url}/r/")
        await post(http, url, {"say": "hi"})
        seen: list[LedgerRow] = []
        async for rows in client.follow(0):
            seen += rows
            if seen[-1].kind == "settle":
                break
        assert [row.kind for row in seen] == ["open", "start", "settle"]
        assert seen[-1].simulated
        assert list(await client.rows(0)) == seen
        assert await client.ensure() == info
        await client.revoke("run1.1")
        async with http.post(f"{url}/v1/messages", json=body()) as answer:
            assert answer.status == 401


async def test_two_clients_share_one_meter(state: Path) -> None:
    async with running(state) as first:
        second = client_of(state)
        infos = await asyncio.gather(first.ensure(), second.ensure())
        assert infos[0] == infos[1]
        await second.close()


def _seen_of(pid: int, name: str) -> bytes:
    try:
        return Path(f"/proc/{pid}/{name}").read_bytes()
    except OSError:  # refused to this user, or no such thing on this system
        return b""


async def test_the_key_is_in_no_argument_environment_or_file(state: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", KEY)
    monkeypatch.setenv("MY_OWN_NAME", f"x {KEY}")
    async with serving(Standin().app()) as model, running(state, model, key=KEY) as client:
        info = await client.ensure()
        assert not info.simulated
        status = await client.status()
        assert status.key
        assert KEY not in str(status)
        for name in ("cmdline", "environ"):
            assert KEY.encode() not in _seen_of(info.pid, name)
        for path in state.iterdir():
            if path.is_file():
                assert KEY.encode() not in path.read_bytes()


async def test_a_killed_meter_comes_back_on_its_port_with_nothing_lost_or_twice(state: Path) -> None:
    standin = Standin()
    async with (
        serving(standin.app()) as model,
        running(state, model, key=KEY) as client,
        aiohttp.ClientSession() as http,
    ):
        before = await client.ensure()
        url = await client.grant("run1.1", "api-1", "api", "Endpoints")
        seen: list[LedgerRow] = []
        following = asyncio.create_task(_collect(client, seen))
        for _ in range(3):
            await post(http, url, {"say": "whole"})
        cut = [asyncio.create_task(post(http, url, {"say": "x" * 4000, "chunk_delay": 0.05})) for _ in range(4)]
        await until(lambda: sum(row.kind == "start" for row in seen) == 7)
        os.kill(before.pid, signal.SIGKILL)
        results = await asyncio.gather(*cut, return_exceptions=True)
        assert all(isinstance(result, aiohttp.ClientError) for result in results)
        await until(lambda: sum(row.kind == "settle" for row in seen) == 7)
        after = await client.ensure()
        assert after.pid != before.pid
        assert (after.url, after.ledger_id) == (before.url, before.ledger_id)
        await post(http, url, {"say": "again, with the token of before"})
        await until(lambda: sum(row.kind == "settle" for row in seen) == 8)
        following.cancel()
        assert [row.seq for row in seen] == list(range(1, len(seen) + 1))
        settled = [row for row in seen if row.kind == "settle"]
        assert len({row.req for row in settled}) == 8
        lost = [row for row in settled if row.estimated]
        assert len(lost) == 4
        assert all(row.pico > 0 for row in lost)
        kept = [row.tokens for row in settled if not row.estimated]
        assert sum(kept, Tokens()) == standin.served


async def _collect(client: MeterClient, seen: list[LedgerRow]) -> None:
    async for rows in client.follow(0):
        seen.extend(rows)


async def test_a_dead_meter_is_back_within_two_seconds_while_followed(state: Path) -> None:
    async with running(state) as client:
        before = await client.ensure()
        seen: list[LedgerRow] = []
        following = asyncio.create_task(_collect(client, seen))
        await client.grant("r", "a", "s", "t")
        os.kill(before.pid, signal.SIGKILL)
        await until(lambda: (state / "meter.log").read_text().count("serving at") == 2, 10)
        assert (await client.ensure()).url == before.url
        following.cancel()


async def test_a_meter_that_nobody_needs_ends_and_is_reaped(state: Path) -> None:
    client = client_of(state, linger=0.1)
    info = await client.ensure()
    await client.grant("r", "a", "s", "t")
    await client.revoke("r")
    await client.close()
    await until(lambda: gone(info.pid))
    assert not (state / "meter.sock").exists()


async def test_a_meter_with_a_live_run_stays(state: Path) -> None:
    client = client_of(state, linger=0.05)
    info = await client.ensure()
    await client.grant("r", "a", "s", "t")
    await client.close()
    await asyncio.sleep(0.4)
    again = client_of(state, linger=0.05)
    assert (await again.ensure()).pid == info.pid
    await again.stop()
    await until(lambda: gone(info.pid))


async def test_another_upstream_means_another_meter_on_the_same_port(state: Path) -> None:
    client = client_of(state)
    before = await client.ensure()
    await client.close()
    async with serving(Standin().app()) as model, running(state, model) as other:
        after = await other.ensure()
        assert after.pid != before.pid
        assert (after.url, after.simulated) == (before.url, False)


async def test_a_question_that_was_given_up_does_not_answer_the_next(state: Path) -> None:
    async with running(state) as client:
        await client.ensure()
        for _ in range(20):
            given_up = asyncio.create_task(client.status())
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            given_up.cancel()
            await asyncio.wait((given_up,))
            assert "/r/" in await client.grant("r", "a", "s", "t")


async def test_plays_come_from_a_file(state: Path, tmp_path: Path) -> None:
    plays = tmp_path / "plays.json"
    plays.write_text(json.dumps({"Ledger": [{"say": "a play of our own"}]}))
    async with running(state, f"simulated:{plays}") as client, aiohttp.ClientSession() as http:
        url = await client.grant("r", "a", "s", "t")
        prompt = [{"role": "user", "content": "Ledger, please"}]
        assert b"a play of our own" in await post(http, url, messages=prompt, stream=False)


async def test_a_state_directory_that_lies_too_deep_works(state: Path) -> None:
    deep = state / ("d" * 60) / ("e" * 60)
    async with running(deep) as client:
        assert (await client.ensure()).simulated
        assert (deep / "meter.sock").is_file()


@pytest.mark.parametrize("upstream", ["ftp://x", "simulated:/does/not/exist.json"])
async def test_a_bad_upstream_is_said(state: Path, upstream: str) -> None:
    client = client_of(state, upstream)
    with pytest.raises(ConfigError) as caught:
        await client.ensure()
    assert caught.value.hint
    await client.close()


async def test_a_bad_zone_is_said(state: Path) -> None:
    client = client_of(state, zone="Mars/Olympus")
    with pytest.raises(ConfigError):
        await client.ensure()
    await client.close()


async def test_a_command_that_cannot_run_is_said(state: Path) -> None:
    for command in (("/does/not/exist",), (sys.executable, "-c", "raise SystemExit(3)")):
        client = MeterClient(state, "simulated", "", 1, command=command)
        with pytest.raises(EnvironmentProblem):
            await client.ensure()
        await client.close()


async def test_stopping_what_does_not_run_starts_nothing(state: Path) -> None:
    await client_of(state).stop()
    assert not state.exists()
