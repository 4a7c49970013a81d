from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import sys
import threading

import pytest
from hypothesis import HealthCheck, given, settings

from orch_tui.adapters.state.journal import read_records
from orch_tui.engine.client import TRIES, MissionClient
from orch_tui.engine.protocol import Snapshot, encode
from orch_tui.engine.starter import Starter
from orch_tui.model import facts as f
from orch_tui.model import verbs as v
from orch_tui.model.errors import EngineAway, OrchError, Refused
from orch_tui.model.fleet import Fleet
from orch_tui.model.reduce import fold
from tests.engine.conftest import eventually
from tests.records import AGENTS, histories


def same(*fleets: Fleet) -> bool:
    return len({encode(Snapshot(fleet)) for fleet in fleets}) == 1


async def test_a_client_has_the_fleet_at_once(hosted):
    client = await hosted.client()
    assert client.connected
    assert same(client.fleet, hosted.mission.fleet)


async def test_what_a_verb_did_is_in_the_fleet_when_it_returns(hosted):
    client = await hosted.client()
    for n in range(50):
        assert await client.do(v.Say(AGENTS[0], f"hello {n}"), actor="me") == v.Outcome(f"said to {AGENTS[0]}")
        assert client.fleet.problems[-1].message == f"hello {n}"
        assert same(client.fleet, hosted.mission.fleet)


async def test_facts_arrive_after_the_fleet_took_them_in(hosted):
    client, other = await hosted.client(), await hosted.client()
    facts = client.follow()
    await other.do(v.Say(AGENTS[0], "one\ntwo"), actor="somebody")
    batch = await anext(facts)
    assert [(record.actor, record.fact.message) for record in batch] == [("somebody", "one"), ("somebody", "two")]
    assert client.fleet.seq >= batch[-1].seq


async def test_errors_come_back_as_they_were(hosted):
    client = await hosted.client()
    with pytest.raises(Refused) as refused:
        await client.do(v.Restart("nobody-1"))
    assert (refused.value.title, refused.value.detail) == ("there is no agent 'nobody-1'", "Restart")
    assert refused.value.hint == "do something else"
    assert hosted.mission.fleet.seq == client.fleet.seq
    with pytest.raises(OrchError, match="ZeroDivisionError: a bug"):
        await client.do(v.Say(AGENTS[0], "crash"))
    with pytest.raises(OrchError, match="The engine made a mistake"):
        await client.do(v.ReadDiff("an answer that cannot cross"))
    assert (await client.do(v.Say(AGENTS[0], "still here"))).message


async def test_answers_come_in_any_order(hosted):
    client = await hosted.client()
    slow = asyncio.create_task(client.do(v.ReadPage(AGENTS[0], "notes", wait_s=30)))
    launch = asyncio.create_task(client.do(v.Launch()))
    await client.do(v.Say(AGENTS[0], "quick"))
    page = await client.do(v.ReadPage(AGENTS[0], "out\udcffput"))
    assert page.text == f"{AGENTS[0]} out\udcffput \udc80"
    assert not launch.done()
    hosted.mission.gate.set()
    assert await launch == v.Launched((AGENTS[0],))
    assert not slow.done()
    slow.cancel()


async def test_a_preview_changes_nothing(hosted):
    client = await hosted.client()
    before = client.fleet.seq
    assert (await client.preview(v.Stop())).refused
    shown = await client.preview(v.Launch())
    assert shown == await hosted.mission.preview(v.Launch())
    assert client.fleet.seq == before


async def test_a_client_that_goes_does_not_take_its_verb_back(hosted):
    client = await MissionClient.connect(hosted.socket)
    launch = asyncio.create_task(client.do(v.Launch()))
    await eventually(lambda: hosted.mission.launches)
    await client.close()
    with pytest.raises(EngineAway):
        await launch
    hosted.mission.gate.set()
    await hosted.mission.store.changed(lambda fleet: fleet.agent(AGENTS[0]).state == "queued")


async def test_the_engine_says_who_it_is(hosted):
    one, _ = await hosted.client(), await hosted.client()
    info = await one.do(v.AskEngine())
    assert (info.pid, info.socket, info.clients) == (os.getpid(), str(hosted.socket), 2)


async def test_closing_ends_those_who_follow(hosted):
    client = await MissionClient.connect(hosted.socket)
    facts = client.follow()
    await client.close()
    assert [batch async for batch in facts] == [()]
    with pytest.raises(EngineAway, match="closed"):
        await client.do(v.AskEngine())


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(histories)
async def test_two_clients_and_the_engine_agree_after_any_history(hosted, records):
    one, two = await hosted.client(), await hosted.client()
    for record in records:
        await hosted.mission.store.put(record.fact, actor=record.actor)
    target = hosted.mission.fleet.seq
    await eventually(lambda: one.fleet.seq == two.fleet.seq == target)
    assert same(one.fleet, two.fleet, hosted.mission.fleet)
    await one.close()
    await two.close()


async def test_a_client_that_does_not_read_costs_the_engine_no_memory_and_catches_up(hosted):
    client = await hosted.client()
    reader, writer = await asyncio.open_unix_connection(hosted.socket)
    writer.write(b'{"type":"hello","v":1}\n{"type":"follow"}\n')
    for _ in range(40):
        await hosted.mission.store.put(*(f.ProblemSeen("x", "y" * 200) for _ in range(500)))
    target = hosted.mission.fleet.seq
    await eventually(lambda: client.fleet.seq == target)
    received = b""
    while b'"seq":%d,' % target not in received:
        received += await reader.read(2**16)
    assert received.count(b'{"type":"snapshot"') >= 2
    assert received.count(b'"type":"problem.seen"') < target / 2
    assert same(client.fleet, hosted.mission.fleet)
    writer.close()


def starter(state, linger: float = 30.0) -> Starter:
    argv = (sys.executable, "-m", "tests.engine.tiny", str(state), str(linger))
    return Starter(lambda: state / "engine.sock", argv, state / "engine.log", timeout_s=30.0)


async def test_a_killed_engine_is_started_again_and_nothing_acknowledged_is_lost(state):
    start = starter(state)
    client = await MissionClient.connect(await start(), restart=start)
    facts = client.follow()
    said = 0
    for _ in range(3):
        for _ in range(20):
            await client.do(v.Say(AGENTS[0], f"number {said}"))
            said += 1
        before = client.fleet
        os.kill(client.fleet.engine.pid, signal.SIGKILL)
        await eventually(lambda: not client.connected)
        assert same(client.fleet, before)
        page = await client.do(v.ReadPage(AGENTS[0], "notes"))
        assert page.text.startswith(AGENTS[0])
        assert client.fleet.engine.pid != before.engine.pid
        assert client.fleet.problems[-1].message == f"number {said - 1}"
    assert await anext(facts) == ()
    messages = [r.fact.message for r in read_records(state / "state.db") if isinstance(r.fact, f.ProblemSeen)]
    assert messages == [f"number {n}" for n in range(said)]
    assert same(client.fleet, fold(Fleet(), read_records(state / "state.db")))
    await client.do(v.StopEngine())
    await client.close()


async def test_a_verb_under_way_in_a_killed_engine_is_not_done_twice(state):
    start = starter(state)
    client = await MissionClient.connect(await start(), restart=start)
    pid = client.fleet.engine.pid
    launch = asyncio.create_task(client.do(v.Launch()))
    reading = asyncio.create_task(client.do(v.ReadPage(AGENTS[0], "notes", wait_s=0.3)))
    await client.do(v.AskEngine())
    os.kill(pid, signal.SIGKILL)
    with pytest.raises(EngineAway, match="lost while it did this"):
        await launch
    assert (await reading).text
    await client.do(v.StopEngine())
    await client.close()


async def test_a_stopped_engine_stays_stopped_until_a_verb_needs_it(state):
    start = starter(state)
    client = await MissionClient.connect(await start(), restart=start)
    other = await MissionClient.connect(await start())
    assert "agents go on" in (await other.do(v.StopEngine(), actor="cli")).message
    await other.close()
    await eventually(lambda: not client.connected)
    with pytest.raises(EngineAway, match="was stopped"):
        await client.do(v.AskEngine())
    await eventually(lambda: not (state / "engine.sock").exists())
    assert client.fleet.streams
    await client.do(v.Say(AGENTS[0], "wake up"))
    assert client.connected
    assert client.fleet.problems[-1].message == "wake up"
    assert [r.fact.reason for r in read_records(state / "state.db") if isinstance(r.fact, f.EngineStopped)] == [
        "stopped by cli"
    ]
    await client.do(v.StopEngine())
    await client.close()


async def test_without_a_way_to_start_one_a_client_waits_for_an_engine(state):
    start = starter(state)
    client = await MissionClient.connect(await start())
    os.kill(client.fleet.engine.pid, signal.SIGKILL)
    await eventually(lambda: not client.connected)
    with pytest.raises(EngineAway, match="away"):
        await client.do(v.AskEngine())
    await start()
    await eventually(lambda: client.connected)
    assert (await client.do(v.AskEngine())).clients == 1
    await client.do(v.StopEngine())
    await client.close()


async def test_nobody_there_is_a_plain_error(state):
    with pytest.raises(EngineAway, match="The engine is away"):
        await MissionClient.connect(state / "engine.sock")


class Impostor:
    """Something that listens where an engine should, and says what it was told to say; in a thread of its own."""

    def __init__(self, path, said: bytes) -> None:
        self.said = said
        self.visits = 0
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(path))
        self._listener.listen()
        self._thread = threading.Thread(target=self._talk)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._listener.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._listener.close()

    def _talk(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                visitor, _ = self._listener.accept()
                self.visits += 1
                with visitor, contextlib.suppress(OSError):
                    visitor.recv(1000)
                    visitor.sendall(self.said)


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        (b'{"type":"hello","v":99,"program":"9.9"}\n', "of another version"),
        (b'{"type":"failed","id":0,"seq":0,"kind":"engine_away","title":"too old"}\n', "too old"),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", "cannot be read"),
        (b"", "away"),
    ],
)
async def test_whoever_is_no_engine_of_ours_is_named(state, said, reason):
    path = state / "engine.sock"
    with Impostor(path, said), pytest.raises(EngineAway, match=reason):
        await MissionClient.connect(path, restart=starter_of(path))


def starter_of(path):
    async def find():
        return path

    return find


async def test_an_engine_that_hangs_up_each_time_is_given_up_and_tried_again(state):
    path = state / "engine.sock"
    with Impostor(path, b"") as impostor, pytest.raises(EngineAway, match="hangs up"):
        await MissionClient.connect(path, restart=starter_of(path))
    assert impostor.visits == TRIES
