from __future__ import annotations

import asyncio
import fcntl
import os
import signal
import stat
import sys

import psutil
import pytest

from orch_tui.adapters.state.journal import read_records
from orch_tui.engine.client import MissionClient
from orch_tui.engine.lifecycle import hold
from orch_tui.engine.starter import Starter, answers, ensure
from orch_tui.model import verbs as v
from orch_tui.model.errors import Busy, EngineAway, EnvironmentProblem
from orch_tui.model.facts import EngineStarted, EngineStopped
from tests.engine.conftest import eventually
from tests.engine.tiny import host


def argv(state, linger: float = 30.0):
    return (sys.executable, "-m", "tests.engine.tiny", str(state), str(linger))


def start(state, linger: float = 30.0):
    return ensure(lambda: state / "engine.sock", argv(state, linger), state / "engine.log")


def free(state) -> bool:
    with (state / "engine.lock").open("rb") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
    return True


def processes(state):
    """Returns the processes that were started for this state directory and have not ended."""
    found = psutil.process_iter(["cmdline", "status"])
    return [p for p in found if str(state) in (p.info["cmdline"] or ()) and p.info["status"] != psutil.STATUS_ZOMBIE]


def reasons(state):
    return [r.fact.reason for r in read_records(state / "state.db") if isinstance(r.fact, EngineStopped)]


async def test_many_at_once_start_one_engine(state):
    paths = await asyncio.gather(*(start(state) for _ in range(4)))
    assert set(paths) == {state / "engine.sock"}
    client = await MissionClient.connect(paths[0])
    pids = {r.fact.pid for r in read_records(state / "state.db") if isinstance(r.fact, EngineStarted)}
    assert pids == {client.fleet.engine.pid}
    assert os.getsid(client.fleet.engine.pid) != os.getsid(0)
    assert stat.S_IMODE((state / "engine.sock").stat().st_mode) == 0o600
    await client.do(v.StopEngine())
    await client.close()
    await eventually(lambda: free(state))


async def test_an_engine_that_lost_the_race_does_not_come_after_a_stop(state):
    socket = await start(state)
    found = iter((state / "nobody.sock",))
    late = Starter(lambda: next(found, socket), argv(state), state / "engine.log")
    assert await late() == socket
    client = await MissionClient.connect(socket)
    await client.do(v.StopEngine())
    await client.close()
    await eventually(lambda: not processes(state))
    assert free(state)
    assert len([r for r in read_records(state / "state.db") if isinstance(r.fact, EngineStarted)]) == 1


async def test_it_ends_by_itself_when_nobody_needs_it(state):
    client = await MissionClient.connect(await start(state, 0.3))
    await asyncio.sleep(0.6)
    assert (await client.do(v.AskEngine())).pid
    await client.close()
    await eventually(lambda: free(state))
    assert reasons(state) == ["idle"]
    assert not (state / "engine.sock").exists()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
async def test_a_signal_ends_it_in_good_order(state, number):
    client = await MissionClient.connect(await start(state))
    reading = asyncio.create_task(client.do(v.ReadPage("a-1", "notes", wait_s=60)))
    await client.do(v.AskEngine())
    os.kill(client.fleet.engine.pid, number)
    await eventually(lambda: free(state))
    assert reasons(state) == [number.name]
    with pytest.raises(EngineAway):
        await reading
    await client.close()


async def test_a_second_one_is_refused_at_once(state):
    path = await start(state)
    with pytest.raises(Busy, match="runs already"):
        await host(state, 1.0)
    assert answers(path)
    client = await MissionClient.connect(path)
    await client.do(v.StopEngine())
    await client.close()


async def test_what_a_killed_engine_left_is_no_obstacle(state):
    client = await MissionClient.connect(await start(state))
    os.kill(client.fleet.engine.pid, signal.SIGKILL)
    await client.close()
    await eventually(lambda: free(state))
    assert (state / "engine.sock").exists()
    assert not answers(state / "engine.sock")
    again = await MissionClient.connect(await start(state))
    await again.do(v.StopEngine())
    await again.close()


async def test_an_engine_that_is_just_ending_is_waited_for(state):
    with (state / "engine.lock").open("wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        starting = asyncio.create_task(start(state))
        await eventually(lambda: (state / "engine.log").exists())
        assert not starting.done()
    client = await MissionClient.connect(await starting)
    await client.do(v.StopEngine())
    await client.close()


async def test_an_engine_that_cannot_start_shows_the_end_of_its_log(state):
    (state / "engine.log").write_text("an old line\n")
    (state / "state.db").write_bytes(b"this is no database " * 500)
    with pytest.raises(EngineAway, match="ended while it was starting") as away:
        await start(state)
    assert "file is not a database" in away.value.detail
    assert "an old line" not in away.value.detail
    assert str(state / "engine.log") in away.value.hint


async def test_an_engine_that_says_nothing_is_given_up(state):
    sleeper = Starter(lambda: state / "engine.sock", ("/bin/sleep", "20"), state / "engine.log", timeout_s=0.2)
    with pytest.raises(EngineAway, match=r"did not answer within 0\.2 seconds"):
        await sleeper()


async def test_a_program_that_is_not_there(state):
    with pytest.raises(EngineAway, match="cannot be started"):
        await ensure(lambda: state / "engine.sock", ("/no/such/python",), state / "engine.log")


async def test_a_place_for_the_socket_that_cannot_be(state):
    async def never():
        raise AssertionError

    with pytest.raises(EnvironmentProblem, match="socket cannot be made"):
        await hold(lock=state / "engine.lock", socket=state / "no" / "sock", make=never, linger_s=1.0)
    (state / "file").write_text("")
    with pytest.raises(EnvironmentProblem, match="state directory cannot be written"):
        await hold(lock=state / "file" / "engine.lock", socket=state / "sock", make=never, linger_s=1.0)
