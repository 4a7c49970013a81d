"""The meter's process as its composition root makes it."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from orch_tui.meter.client import MeterClient
from orch_tui.meter.spawn import clean_environment

from .conftest import body, until
from .test_client import COMMAND, client_of, gone


@pytest.fixture
def state() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as short:
        yield Path(short)


def said_by(*arguments: str) -> tuple[int, dict[str, Any]]:
    ended = subprocess.run([*COMMAND, *arguments], input=b"\n", capture_output=True, timeout=60, check=False)
    return ended.returncode, json.loads(ended.stdout)


def test_the_process_loads_no_more_than_it_needs() -> None:
    forbidden = {"textual", "rich", "git", "watchfiles", "anthropic", "orch_tui.engine", "orch_tui.core", "unidiff"}
    code = f"import sys, orch_tui.wiring.meter; print(*sorted({forbidden!r} & set(sys.modules)))"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert found.stdout.split() == []


async def test_a_second_meter_is_refused(state: Path) -> None:
    client = client_of(state)
    await client.ensure()
    code, answer = await asyncio.to_thread(said_by, "--state", str(state), "--upstream", "simulated")
    assert (code, answer["kind"]) == (4, "busy")
    await client.stop()


def test_a_bad_ledger_is_said_on_the_pipe(state: Path) -> None:
    (state / "ledger.db").write_bytes(b"no database " * 100)
    code, answer = said_by("--state", str(state), "--upstream", "simulated")
    assert (code, answer["kind"]) == (3, "storage")
    assert "ledger.db" in answer["detail"]


def taken(thief: socket.socket, port: int) -> bool:
    """Takes a port as soon as the last thread of its killed holder is gone."""
    try:
        thief.bind(("127.0.0.1", port))
    except OSError:
        return False
    thief.listen()
    return True


async def test_a_port_that_somebody_took_is_given_up_after_a_while(state: Path) -> None:
    client = MeterClient(state, "simulated", "", 60, command=(*COMMAND, "--port-seconds", "0.3"))
    before = await client.ensure()
    os.kill(before.pid, signal.SIGKILL)
    await until(lambda: gone(before.pid))
    port = int(before.url.rpartition(":")[2])
    with socket.socket() as thief:
        thief.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        await until(lambda: taken(thief, port))
        after = await client.ensure()
    assert after.url != before.url
    assert after.ledger_id == before.ledger_id
    await client.stop()


@pytest.mark.parametrize("way", ["signal", "stop"])
async def test_an_end_in_mid_stream_settles_what_came(state: Path, way: str) -> None:
    client = client_of(state)
    info = await client.ensure()
    url = await client.grant("r", "a", "s", "t")
    async with aiohttp.ClientSession() as http:
        slow = body({"say": "x" * 4000, "chunk_delay": 0.05})
        async with http.post(f"{url}/v1/messages", json=slow) as answer:
            await answer.content.readuntil(b"text_delta")
            if way == "stop":
                await client.stop()
            else:
                os.kill(info.pid, signal.SIGTERM)
            with pytest.raises(aiohttp.ClientError):
                await answer.read()
    await until(lambda: gone(info.pid))
    again = client_of(state)
    rows = await again.rows(0)
    assert [row.kind for row in rows] == ["open", "start", "settle"]
    assert (rows[-1].partial, rows[-1].estimated, rows[-1].simulated) == (True, False, True)
    await again.stop()
    await client.close()


def test_the_stand_in_runs_alone() -> None:
    code = "import sys; from orch_tui.wiring.meter import run_standin; sys.exit(run_standin(0))"
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    with process:
        assert process.stdout is not None
        assert process.stdout.readline().startswith("http://127.0.0.1:")
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0


def test_an_environment_is_cleaned_of_the_key() -> None:
    env = {"PATH": "/bin", "ANTHROPIC_API_KEY": "k1", "CLAUDE_X": "1", "OTHER": "a k1 b", "HOME": "/h"}
    assert clean_environment(env, "k1") == {"PATH": "/bin", "HOME": "/h"}
    assert "OTHER" in clean_environment(env, "")
