"""The fakes carry a whole story: launched, reviewed, landed, in conflict, rolled back."""

from __future__ import annotations

import asyncio

import pytest

from orch_tui.model import verbs as v
from orch_tui.model.errors import Refused
from orch_tui.model.money import micros
from orch_tui.model.states import AgentState
from orch_tui.testing.fakes import epic_of
from tests.contract_world import FakeWorld


@pytest.fixture
async def world():
    made = FakeWorld()
    made.mission = await made.open()
    yield made
    await made.mission.close("the test is over")


async def until(world, holds):
    facts = world.mission.follow()
    async with asyncio.timeout(10):
        while not holds(world.mission.fleet):
            await anext(facts)


async def delivered(world, name, changes):
    """Launches an agent and lets it do its work."""
    await world.mission.do(v.Launch(agent=name))
    await until(world, lambda fleet: fleet.agent(name).pid)
    agent = world.mission.fleet.agent(name)
    oid = world.git.commit(agent.branch, changes)
    files = world.desk.agent_files(next(path for path, branch in world.git.worktrees.items() if branch == agent.branch))
    files.claim(agent.run, "done", "made it", oid)
    world.watcher.ring(files.status_path)
    await until(world, lambda fleet: fleet.agent(name).state == AgentState.REVIEW)
    world.runner.end(name)
    await until(world, lambda fleet: not fleet.agent(name).pid)


async def test_a_stream_lands_and_comes_off_again(world):
    await delivered(world, "infra-1", {"a": "one\n"})
    await delivered(world, "infra-2", {"b": "two\n"})
    await world.mission.do(v.Review("approve", stream="infra"))
    shown = await world.mission.preview(v.Merge("infra"))
    landing = await world.mission.do(v.Merge("infra"), agreed=shown.digest)
    assert world.git.files() == {"README": "hello", "a": "one\n", "b": "two\n"}
    assert world.git.refs[f"refs/tags/{landing.tag}"] != landing.commit
    assert world.plan.ticked == ["Part 1 of infra", "Part 2 of infra"]
    back = await world.mission.do(v.Rollback())
    assert back.how == "reset"
    assert world.git.files() == {"README": "hello"}


async def test_two_agents_that_do_not_fit_together(world):
    await delivered(world, "infra-1", {"same": "one\n"})
    await delivered(world, "infra-2", {"same": "two\n"})
    await world.mission.do(v.Review("approve", stream="infra"))
    with pytest.raises(Refused, match="infra-2 conflicts with orch/infra/infra-1"):
        await world.mission.do(v.Merge("infra"))
    assert world.git.files() == {"README": "hello"}


async def test_money_reaches_the_fleet(world):
    world.meter.book("infra-1", 2_000_000)
    world.meter.book("infra-1", 3_000_000)
    await until(world, lambda fleet: fleet.ledger_seq == 2)
    assert micros(world.mission.fleet.agent("infra-1").spend.pico) == 5


async def test_an_engine_that_comes_back_finds_everything(world):
    await delivered(world, "infra-1", {"a": "one\n"})
    before = world.mission.fleet
    await world.mission.close("restart")
    world.mission = await world.open()
    assert world.mission.fleet.agent("infra-1").state == AgentState.REVIEW
    assert world.mission.fleet.agent("infra-1").head == before.agent("infra-1").head
    assert len(world.runner.orders) == 1


async def test_silence_is_noticed_by_the_clock(world):
    await world.mission.do(v.Launch(agent="infra-1"))
    await until(world, lambda fleet: fleet.agent("infra-1").pid)
    await world.clock.advance(3600)
    await until(world, lambda fleet: fleet.agent("infra-1").state in (AgentState.STALLED, AgentState.QUIET))


def test_an_epic_in_one_line():
    epic = epic_of(("infra", 2), ("api", 3))
    assert (epic.agents, [stream.after for stream in epic.streams]) == (5, [(), ("infra",)])
