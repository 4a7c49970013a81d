"""Following agents: real files, real processes, a clock that the test moves."""

from __future__ import annotations

import asyncio
from pathlib import Path

import psutil
import pytest

from orch_tui.builtins.runners.local import LocalRunner
from orch_tui.model import verbs as v
from orch_tui.model.facts import AgentJudged, ClaimSeen
from orch_tui.model.fleet import Agent
from orch_tui.model.states import AgentState
from orch_tui.testing.clock import VirtualClock
from tests.core.world import PATIENCE_S, Hand, World


async def one(world: World, script: str | None = None) -> Hand:
    """Launches one agent: a script in a real process, or one that the test plays."""
    if script is None:
        await world.open()
        return (await world.launched("infra-1"))[0]
    (world.home / "agent.sh").write_text(script)
    await world.open(runner=LocalRunner(world.paths.runs))
    await world.mission.do(v.Launch(agent="infra-1"))
    return world.hand("infra-1")


async def becomes(world: World, hand: Hand, state: AgentState, words: str = "") -> None:
    await world.until(lambda _: hand.now.state == state and words in hand.now.reason)


async def passes(clock: VirtualClock, hand: Hand, state: AgentState) -> Agent:
    """Lets time pass, a little at a time, until the agent is seen in that state."""
    for _ in range(300):
        if hand.now.state == state:
            break
        await clock.advance(5)
        await asyncio.sleep(0.02)
    return hand.now


async def test_notes_are_seen_as_they_grow_and_when_they_shrink(world: World):
    hand = await one(world)
    notes = hand.tree.path / "AGENT_NOTES.md"
    for text in ("one\n", "one\ntwo\n", "x"):
        notes.write_text(text)
        size = len(text)
        await world.until(lambda _, n=size: hand.now.notes == n)
    page = await world.mission.do(v.ReadPage("infra-1", "notes"))
    assert page.text == "x"
    assert hand.now.state == AgentState.WORKING


async def test_notes_that_are_a_link_are_not_read(world: World, tmp_path: Path):
    hand = await one(world)
    secret = tmp_path / "secret"
    secret.write_text("the operator's own")
    notes = hand.tree.path / "AGENT_NOTES.md"
    notes.unlink()
    notes.symlink_to(secret)
    hand.report("working", "reading")
    await world.until(lambda _: hand.now.claim == "working")
    page = await world.mission.do(v.ReadPage("infra-1", "notes"))
    assert "operator" not in page.text
    assert "not shown" in page.text
    assert hand.now.notes == 0


async def test_a_claim_of_an_older_run_does_not_count(world: World):
    hand = await one(world)
    hand.commit("network.txt", "x\n")
    old = hand.now.run
    await world.mission.do(v.Restart("infra-1"))
    await world.until(lambda _: hand.now.attempt == 2 and bool(hand.now.pid))
    hand.report("done", "late", run=old)
    (hand.tree.path / "AGENT_NOTES.md").write_text("still at it\n")
    await world.until(lambda _: hand.now.notes > 0 and hand.now.state == AgentState.WORKING)
    hand.report("done", "really")
    await becomes(world, hand, AgentState.REVIEW, "really")
    assert [claim.summary for claim in world.facts(ClaimSeen)] == ["really"]


async def test_done_with_a_dirty_tree_is_not_done_until_it_is_committed(world: World):
    hand = await one(world)
    hand.tree.file("network.txt", "x\n")
    hand.report("done")
    await becomes(world, hand, AgentState.DIRTY, "1 file is not committed")
    hand.tree.commit()
    hand.report("done")
    await becomes(world, hand, AgentState.REVIEW)


async def test_done_at_a_commit_that_the_branch_left_is_not_done(world: World):
    hand = await one(world)
    hand.report("done", commit="0" * 40)
    await becomes(world, hand, AgentState.DIRTY, "its branch is at")


async def test_work_beside_the_branch_is_not_done(world: World):
    hand = await one(world)
    hand.tree.git("checkout", "-q", "--detach")
    hand.commit("network.txt", "x\n")
    hand.report("done")
    await becomes(world, hand, AgentState.DIRTY, "its branch is at")
    hand.tree.git("checkout", "-q", "-B", "orch/infra/infra-1")
    hand.report("done", "on the branch now")
    await becomes(world, hand, AgentState.REVIEW)


async def test_a_worktree_without_its_git_file_keeps_the_commit(world: World):
    hand = await one(world)
    made = hand.commit("network.txt", "x\n")
    await world.until(lambda _: hand.now.head == made)
    (hand.tree.path / ".git").unlink()
    (hand.tree.path / "AGENT_NOTES.md").write_text("oops\n")
    world.runner.end("infra-1", 1)
    await becomes(world, hand, AgentState.FAILED, "worktree is missing")
    assert hand.now.head == made


async def test_a_torn_or_hostile_claim_leaves_the_last_good_one(world: World):
    hand = await one(world)
    hand.report("working", "\x1b[31mred\u202e")
    await world.until(lambda _: hand.now.claim == "working")
    status = hand.tree.path / ".orch" / "status.json"
    for text in ("{", "[]", '{"v":1,"run":[]}', "x" * 200_000):
        status.write_text(text)
    (hand.tree.path / "AGENT_NOTES.md").write_text("go on\n")
    await world.until(lambda _: hand.now.notes > 0 and hand.now.state == AgentState.WORKING)
    assert "\x1b" not in hand.now.reason
    assert world.problems == []


async def test_silence_is_quiet_then_stalled_and_a_word_ends_it(world: World):
    clock = VirtualClock(autojump=False)
    await world.open(clock=clock)
    (hand,) = await world.launched("infra-1")
    (hand.tree.path / "AGENT_NOTES.md").write_text("hello\n")
    await becomes(world, hand, AgentState.WORKING)
    await clock.advance(170)
    assert hand.now.state == AgentState.WORKING
    assert (await passes(clock, hand, AgentState.QUIET)).reason == "quiet for 3 min"
    assert (await passes(clock, hand, AgentState.STALLED)).reason == "quiet for 15 min"
    (hand.tree.path / "AGENT_NOTES.md").write_text("hello again\n")
    await becomes(world, hand, AgentState.WORKING)
    judged = [f.state for f in world.facts(AgentJudged) if f.state in (AgentState.QUIET, AgentState.STALLED)]
    assert judged == [AgentState.QUIET, AgentState.STALLED]


async def test_an_agent_that_works_on_is_at_work_after_a_restart_of_the_engine(world: World):
    hand = await one(world)
    hand.report("working", "digging")
    await becomes(world, hand, AgentState.WORKING, "digging")
    await world.close()
    await world.open()
    (hand.tree.path / "AGENT_NOTES.md").write_text("on and on\n")
    await world.until(lambda _: hand.now.notes > 0)
    assert {f.state for f in world.facts(AgentJudged)} <= {AgentState.STARTING, AgentState.WORKING}
    assert world.facts(AgentJudged)[-1].state == AgentState.WORKING


async def test_what_was_said_while_no_engine_looked_is_not_lost(world: World):
    hand = await one(world)
    await world.close()
    made = hand.commit("network.txt", "x\n")
    (hand.tree.path / "AGENT_NOTES.md").write_text("meanwhile\n")
    hand.report("done", "while you were away")
    world.runner.end("infra-1", seen=False)
    await world.open()
    await becomes(world, hand, AgentState.REVIEW, "while you were away")
    assert (hand.now.head, hand.now.notes, hand.now.pid) == (made, 10, 0)


async def test_an_agent_whose_end_nobody_recorded_is_lost(world: World):
    hand = await one(world)
    await world.close()
    world.runner.placements.clear()
    await world.open()
    await becomes(world, hand, AgentState.LOST)
    assert hand.now.pid == 0


@pytest.mark.parametrize(
    ("script", "state", "words"),
    [
        ("exit 0\n", AgentState.ENDED, "without a report"),
        ("exit 7\n", AgentState.FAILED, "status 7"),
        ("kill -KILL $$\n", AgentState.FAILED, "signal 9"),
        ("orch-report failed 'no luck'\n", AgentState.FAILED, "no luck"),
        ("orch-report blocked 'which way?'\n", AgentState.BLOCKED, "which way?"),
        ("echo x >x; orch-report done 'forgot to commit'\n", AgentState.DIRTY, "not committed"),
        ("echo x >x; git add x; git commit -qm x; orch-report done 'all in'\n", AgentState.REVIEW, "all in"),
    ],
)
async def test_how_a_real_process_ends_is_how_its_agent_stands(
    world: World, script: str, state: AgentState, words: str
):
    hand = await one(world, script)
    await world.until(lambda _: hand.now.state == state and words in hand.now.reason and not hand.now.pid)


async def test_a_process_that_never_ends_and_forks_is_stopped_with_all_its_children(world: World):
    script = "trap '' INT TERM\nsetsid sleep 1000 &\nsleep 1000 &\norch-report working 'for ever'\n"
    script += "while :; do sleep 1; done\n"
    hand = await one(world, script)
    await becomes(world, hand, AgentState.WORKING, "for ever")
    family = [p.pid for p in psutil.Process(hand.now.pid).children(recursive=True)]
    await world.mission.do(v.Stop(agent="infra-1"))
    await world.until(lambda _: hand.now.state == AgentState.STOPPED and not hand.now.pid)
    for _ in range(int(PATIENCE_S / 0.05)):
        if not any(psutil.pid_exists(pid) for pid in family):
            break
        await asyncio.sleep(0.05)
    assert not any(psutil.pid_exists(pid) and psutil.Process(pid).status() != "zombie" for pid in family)


async def test_agents_outlive_the_engine_and_are_found_again(world: World):
    hand = await one(world, 'orch-report working one\nsleep 1000; orch-report failed "$line"\n')
    await becomes(world, hand, AgentState.WORKING, "one")
    pid = hand.now.pid
    await world.close()
    await world.open(runner=LocalRunner(world.paths.runs))
    assert hand.now.pid == pid
    assert psutil.pid_exists(pid)
    await world.mission.do(v.Stop(agent="infra-1"))
    await world.until(lambda _: not hand.now.pid)


async def test_the_output_of_a_process_can_be_read(world: World):
    hand = await one(world, "printf 'out\\033[31m\\n'; echo err >&2\n")
    await becomes(world, hand, AgentState.ENDED)
    out = await world.mission.do(v.ReadPage("infra-1", "output"))
    assert out.text.startswith("out")
    assert "\x1b" not in out.text
    assert (await world.mission.do(v.ReadPage("infra-1", "errors"))).text == "err\n"
