"""The mission as a whole: what it refuses, what must be agreed to, what it keeps going."""

from __future__ import annotations

import asyncio

import pytest

from orch_tui.model import verbs as v
from orch_tui.model.errors import Refused
from orch_tui.model.facts import EngineStarted, EngineStopped, VerbRefused
from orch_tui.model.states import AgentState
from tests.core.world import World


async def test_a_refusal_is_in_the_journal_with_who_asked(world: World):
    await world.open()
    with pytest.raises(Refused):
        await world.mission.do(v.Merge("infra"), actor="olga")
    with pytest.raises(Refused):
        await world.mission.do(v.ReadPage("infra-1", "notes"), actor="olga")
    (refused,) = world.facts(VerbRefused)
    assert "infra" in refused.verb
    assert "not approved" in refused.reason


async def test_what_was_agreed_to_must_still_hold(world: World):
    await world.open()
    network, disks = await world.launched("infra-1", "infra-2")
    await network.approved("network.txt")
    await disks.approved("disks.txt")
    seen = await world.mission.preview(v.Merge("infra"))
    world.repo.file("other", "x\n").commit("in between")
    with pytest.raises(Refused, match="since you looked"):
        await world.mission.do(v.Merge("infra"), agreed=seen.digest)
    now = await world.mission.preview(v.Merge("infra"))
    await world.mission.do(v.Merge("infra"), agreed=now.digest)
    undo = await world.mission.preview(v.Rollback())
    assert any("reset main" in step for step in undo.steps)
    await world.mission.do(v.Rollback(), agreed=undo.digest)


async def test_a_preview_of_what_cannot_be_done_says_why(world: World):
    await world.open()
    for verb in (v.Merge("nowhere"), v.Merge("infra"), v.Rollback(), v.Stop(), v.Stop(agent="nobody-1")):
        shown = await world.mission.preview(verb)
        assert shown.refused


async def test_a_preview_of_a_stop_names_who_is_hit(world: World):
    await world.open()
    await world.launched("infra-1")
    shown = await world.mission.preview(v.Stop())
    assert "1 agent: infra-1" in shown.steps[0]
    await world.mission.do(v.Stop(), agreed=shown.digest)


async def test_a_page_waits_until_there_is_more(world: World):
    await world.open()
    (hand,) = await world.launched("infra-1")
    waiting = asyncio.create_task(world.mission.do(v.ReadPage("infra-1", "notes", wait_s=20)))
    await asyncio.sleep(0)
    (hand.tree.path / "AGENT_NOTES.md").write_text("at last\n")
    assert (await asyncio.wait_for(waiting, 10)).text == "at last\n"
    empty = await world.mission.do(v.ReadPage("infra-1", "notes", offset=8, wait_s=0.05))
    assert (empty.text, empty.offset) == ("", 8)


async def test_every_file_of_an_agent_can_be_read_and_no_other(world: World):
    await world.open()
    await world.refused(v.ReadPage("infra-1", "notes"), "never launched")
    await world.launched("infra-1")
    for name in ("notes", "task", "blueprint", "output", "errors"):
        await world.mission.do(v.ReadPage("infra-1", name))
    for name in ("../README", "/etc/passwd", ""):
        await world.refused(v.ReadPage("infra-1", name), "no file")


async def test_notes_of_what_landed_are_kept(world: World):
    await world.open()
    network, disks = await world.launched("infra-1", "infra-2")
    (network.tree.path / "AGENT_NOTES.md").write_text("what I learned\n")
    await network.approved("network.txt")
    await disks.approved("disks.txt")
    await world.mission.do(v.Merge("infra"))
    kept = world.paths.archive / "infra-1" / "AGENT_NOTES.md"
    for _ in range(200):
        if kept.exists():
            break
        await asyncio.sleep(0.02)
    assert kept.read_text() == "what I learned\n"


async def test_an_engine_is_needed_only_while_something_runs(world: World):
    await world.open()
    assert world.mission.idle
    (hand,) = await world.launched("infra-1")
    assert not world.mission.idle
    hand.report("blocked", "?")
    await world.until(lambda _: hand.now.state == AgentState.BLOCKED)
    world.runner.end("infra-1")
    await world.until(lambda _: not hand.now.pid)
    assert world.mission.idle


async def test_coming_and_going_are_recorded_and_followers_are_let_go(world: World):
    mission = await world.open()
    news = mission.follow()
    await world.close()
    assert [type(r.fact) for batch in [b async for b in news] for r in batch][-1] is EngineStopped
    assert len(world.facts(EngineStarted)) == 1


async def test_a_task_that_breaks_is_begun_again(world: World):
    broken = [True]
    events = world.runner.events

    async def once():
        if broken:
            broken.clear()
            raise ValueError("the runner is out of its mind")
        async for batch in events():
            yield batch

    world.runner.events = once
    await world.open()
    (hand,) = await world.launched("infra-1")
    world.runner.end("infra-1", 3)
    await world.until(lambda _: hand.now.state == AgentState.FAILED)
    assert any("out of its mind" in problem for problem in world.problems)
