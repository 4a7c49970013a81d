"""Diffs and verdicts."""

from __future__ import annotations

from pathlib import Path

from orch_tui.model import verbs as v
from orch_tui.model.states import AgentState
from tests.core.world import World


async def test_a_verdict_names_the_commit_and_falls_with_the_next(world: World):
    await world.open()
    (hand,) = await world.launched("infra-1")
    made = await hand.approved("network.txt")
    assert (hand.now.verdict_oid, hand.now.verdict_by, hand.now.state) == (made, "operator", AgentState.APPROVED)
    hand.commit("network.txt", "sneaked in\n")
    await world.until(lambda _: hand.now.state != AgentState.APPROVED)
    await world.refused(v.Merge("infra"), "infra-1")


async def test_a_branch_that_moved_since_the_operator_looked_is_refused(world: World):
    await world.open()
    (hand,) = await world.launched("infra-1")
    seen = await hand.delivers("network.txt")
    hand.commit("network.txt", "another\n")
    hand.report("done")
    await world.refused(v.Review("approve", agent="infra-1", expect=seen), "moved on", seen[:10])
    assert hand.now.verdict == ""


async def test_the_newest_commit_counts_even_if_nobody_has_seen_it_yet(world: World):
    await world.open()
    (hand,) = await world.launched("infra-1")
    await hand.delivers("network.txt")
    newest = hand.commit("network.txt", "another\n")
    await world.refused(v.Review("approve", agent="infra-1"), "infra-1")
    hand.report("done", "again")
    await world.mission.do(v.Review("approve", agent="infra-1"))
    assert hand.now.verdict_oid == newest


async def test_unfinished_work_is_not_approved(world: World):
    await world.open()
    (hand,) = await world.launched("infra-1")
    await world.refused(v.Review("approve", agent="infra-1"), "no commits")
    hand.commit("network.txt", "half\n")
    hand.report("working")
    await world.refused(v.Review("approve", agent="infra-1"), "only finished work")


async def test_a_stream_is_approved_as_far_as_it_is_finished(world: World):
    await world.open()
    network, disks = await world.launched("infra-1", "infra-2")
    await network.delivers("network.txt")
    outcome = await world.mission.do(v.Review("approve", stream="infra"))
    assert "infra-1" in outcome.message
    assert "infra-2" in outcome.lines[0]
    assert disks.now.verdict == ""


async def test_a_rejected_agent_stays_out_of_the_batch(world: World):
    await world.open()
    network, disks = await world.launched("infra-1", "infra-2")
    await network.approved("network.txt")
    await disks.delivers("disks.txt")
    await world.mission.do(v.Review("reject", agent="infra-2", note="not wanted"))
    assert "not wanted" in disks.now.reason
    landing = await world.mission.do(v.Merge("infra"))
    assert landing.agents == ("infra-1",)
    assert world.fleet.streams[0].landed
    assert not (world.repo.path / "disks.txt").exists()


async def test_the_diff_of_an_agent_is_its_own_work_also_when_the_target_moves(world: World):
    await world.open()
    (hand,) = await world.launched("infra-1")
    await hand.delivers("network.txt", "mine\n")
    world.repo.file("elsewhere", "theirs\n").commit()
    diff = await world.mission.do(v.ReadDiff(agent="infra-1"))
    assert [f.path for f in diff.files] == ["network.txt"]
    text = Path(diff.path).read_text()
    assert "+mine" in text
    assert diff.size == len(text.encode())


async def test_the_diff_of_a_stream_is_what_would_land_and_then_what_landed(world: World):
    await world.open()
    network, disks = await world.launched("infra-1", "infra-2")
    await network.approved("network.txt")
    await disks.approved("disks.txt")
    before = await world.mission.do(v.ReadDiff(stream="infra"))
    await world.mission.do(v.Merge("infra"))
    after = await world.mission.do(v.ReadDiff(stream="infra"))
    assert [f.path for f in before.files] == [f.path for f in after.files] == ["disks.txt", "network.txt"]
    one = await world.mission.do(v.ReadDiff(agent="infra-1"))
    assert [f.path for f in one.files] == ["network.txt"]
    await world.refused(v.ReadDiff(stream="backend"), "no commits")
    await world.refused(v.ReadDiff(agent="nobody-1"), "nobody-1")


async def test_nothing_planted_in_the_shared_configuration_runs_for_a_diff(world: World):
    canary = world.home / "canary"
    world.repo.config("diff.external", f"touch {canary}").config("core.fsmonitor", f"touch {canary}; false")
    await world.open()
    (hand,) = await world.launched("infra-1")
    canary.unlink(missing_ok=True)
    (hand.tree.path / "network.txt").write_text("mine\n")
    (hand.tree.path / ".gitattributes").write_text("* diff=evil\n")
    await world.mission.do(v.ReadDiff(agent="infra-1"))
    assert not canary.exists()


async def test_a_verdict_on_the_stream_does_not_undo_a_rejection(world: World):
    await world.open()
    network, disks = await world.launched("infra-1", "infra-2")
    await network.delivers("network.txt")
    await disks.delivers("disks.txt")
    await world.mission.do(v.Review("reject", agent="infra-2"))
    outcome = await world.mission.do(v.Review("approve", stream="infra"))
    assert (outcome.message, outcome.lines) == ("approved infra-1", ())
    assert disks.now.state == AgentState.REJECTED


async def test_a_rejection_makes_unfinished_work_no_better(world: World):
    await world.open()
    (hand,) = await world.launched("infra-1")
    hand.commit("network.txt", "half\n")
    await world.mission.do(v.Review("reject", agent="infra-1"))
    await world.refused(v.Review("approve", agent="infra-1"), "only finished work")


async def test_a_branch_with_the_files_of_the_protocol_is_no_finished_work(world: World):
    await world.open()
    (hand,) = await world.launched("infra-1")
    hand.tree.git("add", "-f", "TASK.md")
    hand.commit("network.txt", "work\n")
    hand.report("done")
    await world.until(lambda _: hand.now.state == AgentState.DIRTY)
    assert "TASK.md" in hand.now.reason
    await world.refused(v.Review("approve", agent="infra-1"), "TASK.md")


async def test_done_without_a_commit_says_what_to_do(world: World):
    await world.open()
    (hand,) = await world.launched("infra-1")
    hand.report("done")
    await world.until(lambda _: hand.now.state == AgentState.DIRTY)
    assert "no commit" in hand.now.reason
    await world.mission.do(v.Review("reject", agent="infra-1"))
    assert hand.now.state == AgentState.REJECTED
