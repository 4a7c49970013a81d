"""Messages, requests for changes, and stopping."""

from __future__ import annotations

import json
import shutil

from orch_tui.model import verbs as v
from orch_tui.model.states import AgentState
from tests.core.world import World


async def test_a_message_to_an_agent_at_work_lies_in_its_inbox(world: World):
    await world.open()
    (hand,) = await world.launched("infra-1")
    hand.report("blocked", "which colour?")
    await world.until(lambda _: hand.now.state == AgentState.BLOCKED)
    outcome = await world.mission.do(v.Say("infra-1", "blue\nlike the sea"))
    assert "inbox" in outcome.message
    message = json.loads((hand.tree.path / ".orch" / "inbox" / "0001.json").read_text())
    assert message["text"] == "blue\nlike the sea"
    assert (hand.now.messages[0].head, hand.now.messages[0].state) == ("blue", "queued")
    hand.report("working", "painting")
    await world.until(lambda _: hand.now.messages[0].state == "delivered")
    assert len(world.runner.orders) == 1


async def test_a_message_to_an_agent_that_ended_starts_it_again_with_the_words(world: World):
    await world.open()
    (hand,) = await world.launched("infra-1")
    hand.report("blocked", "which colour?")
    world.runner.end("infra-1")
    await world.until(lambda _: hand.now.state == AgentState.BLOCKED and not hand.now.pid)
    await world.mission.do(v.Say("infra-1", "blue"))
    await world.until(lambda _: hand.now.attempt == 2 and bool(hand.now.pid))
    assert "blue" in (hand.tree.path / "TASK.md").read_text()
    assert hand.now.messages[0].state == "delivered"
    assert "blue" in world.runner.order("infra-1").prompt


async def test_a_message_to_an_agent_that_reported_done_and_lives_starts_it_again(world: World):
    await world.open()
    (hand,) = await world.launched("infra-1")
    hand.report("done")
    await world.until(lambda _: hand.now.claim == "done")
    await world.mission.do(v.Say("infra-1", "one more thing"))
    await world.until(lambda _: hand.now.attempt == 2 and bool(hand.now.pid))
    assert [word for _, word in world.runner.stops] == ["restart"]


async def test_requested_changes_reach_task_and_inbox_and_set_it_to_work(world: World):
    await world.open()
    (hand,) = await world.launched("infra-1")
    first = await hand.delivers("network.txt")
    await world.mission.do(v.Review("changes", agent="infra-1", note="use tabs\nplease"))
    await world.until(lambda _: hand.now.attempt == 2 and bool(hand.now.pid))
    assert "use tabs\nplease" in (hand.tree.path / "TASK.md").read_text()
    assert json.loads((hand.tree.path / ".orch" / "inbox" / "0001.json").read_text())["text"] == "use tabs\nplease"
    assert (hand.now.verdict, hand.now.head) == ("", first)
    await hand.approved("network.txt", "\ttabs\n")
    assert hand.now.state == AgentState.APPROVED


async def test_a_message_where_the_worktree_is_gone_is_refused_and_says_what_to_do(world: World):
    await world.open()
    (hand,) = await world.launched("infra-1")
    world.runner.end("infra-1", 1)
    await world.until(lambda _: hand.now.state == AgentState.FAILED)
    shutil.rmtree(hand.tree.path)
    await world.refused(v.Say("infra-1", "hello"), "no worktree", "Launch")
    assert hand.now.messages == ()


async def test_changes_where_the_worktree_is_gone_leave_no_half_verdict(world: World):
    await world.open()
    (hand,) = await world.launched("infra-1")
    await hand.delivers("network.txt")
    shutil.rmtree(hand.tree.path)
    await world.refused(v.Review("changes", agent="infra-1", note="use tabs"), "no worktree")
    assert hand.now.verdict == ""


async def test_a_link_planted_in_the_inbox_is_not_followed(world: World):
    await world.open()
    (hand,) = await world.launched("infra-1")
    inbox = hand.tree.path / ".orch" / "inbox"
    inbox.rmdir()
    inbox.symlink_to(world.home)
    before = sorted(world.home.iterdir())
    await world.refused(v.Say("infra-1", "hello"))
    assert sorted(world.home.iterdir()) == before


async def test_stop_takes_the_queue_and_the_processes(world: World):
    world.plan((world.repo.path / "tasks.md").read_text(), agents={"backend": "command", "max_running": 1})
    await world.open()
    await world.mission.do(v.Launch())
    await world.until(lambda fleet: bool(fleet.agent("infra-1").pid))
    outcome = await world.mission.do(v.Stop(reason="lunch"))
    assert "stopping 1 agent, 2 left the queue" in outcome.message
    await world.until(lambda fleet: fleet.agent("infra-1").state == AgentState.STOPPED)
    assert [world.fleet.agent(n).state for n in ("infra-2", "backend-1")] == [AgentState.PLANNED] * 2
    await world.refused(v.Stop(), "process")
    await world.launched("infra-1")


async def test_a_stop_takes_back_a_restart_that_waits(world: World):
    await world.open()
    (hand,) = await world.launched("infra-1")
    world.runner.obedient = False
    await world.mission.do(v.Restart("infra-1"))
    await world.mission.do(v.Stop(agent="infra-1"))
    world.runner.end("infra-1", None, 15)
    await world.until(lambda _: not hand.now.pid and hand.now.state == AgentState.STOPPED)
    assert len(world.runner.orders) == 1
