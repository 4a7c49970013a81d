"""Starting agents: slots, what can be in the way, and never two processes of one agent."""

from __future__ import annotations

import asyncio
import json
import shutil
from pathlib import Path

import pytest

from orch_tui.builtins.runners.local import LocalRunner
from orch_tui.core.launch import AT_ONCE
from orch_tui.model import verbs as v
from orch_tui.model.errors import ConfigError, Refused, RunnerError
from orch_tui.model.facts import AgentExited, LaunchIntended
from orch_tui.model.states import AgentState
from tests.core.world import World

ONE_STREAM = "# Epic: Shop\n\n## Stream 1: Infra ({n} agents)\n- [ ] Network ({n} agents)\n"


async def test_a_launched_agent_has_branch_worktree_task_and_blueprint(world: World):
    base = world.repo.head()
    await world.open()
    (network,) = await world.launched("infra-1")
    assert world.repo.head("refs/heads/orch/infra/infra-1") == base
    order = world.runner.order("infra-1")
    assert Path(order.worktree) == world.paths.worktree("infra", "infra-1")
    assert "Network" in Path(order.task_file).read_text()
    assert (network.tree.path / ".orch" / "BLUEPRINT.md").read_text()
    assert (network.tree.path / "README").read_text() == "shop\n"
    assert network.tree.status() == world.repo.status() == ""
    assert order.env["GIT_AUTHOR_NAME"] == "infra-1"
    assert (network.now.attempt, network.now.run) == (1, order.run)


async def test_no_more_run_than_there_are_slots_and_the_rest_follow(world: World):
    world.plan(ONE_STREAM.format(n=7), agents={"backend": "command", "max_running": 3})
    await world.open()
    launched = await world.mission.do(v.Launch())
    assert (len(launched.started), len(launched.waiting)) == (3, 4)
    assert "3 slots" in launched.waiting[0].why
    for ended in range(7):
        await world.until(lambda fleet, n=ended: sum(bool(a.run) for a in fleet.agents()) == min(7, n + 3))
        await world.until(lambda fleet, n=ended: sum(bool(a.pid) for a in fleet.agents()) == min(3, 7 - n))
        world.runner.end(next(a.id for a in world.fleet.agents() if world.runner.living(a.id)))
    await world.until(lambda fleet: all(a.state == AgentState.ENDED for a in fleet.agents()))


async def test_who_is_launched_later_does_not_count_on_slots_that_others_wait_for(world: World):
    world.plan(ONE_STREAM.format(n=6), agents={"backend": "command", "max_running": AT_ONCE + 1})
    await world.open()
    first = [await world.mission.do(v.Launch(agent=f"infra-{n}")) for n in range(1, 7)]
    assert [len(one.started) for one in first] == [1] * (AT_ONCE + 1) + [0]


async def test_a_question_without_a_process_holds_no_slot(world: World):
    world.plan(ONE_STREAM.format(n=2), agents={"backend": "command", "max_running": 1})
    await world.open()
    await world.mission.do(v.Launch())
    await world.until(lambda fleet: bool(fleet.agent("infra-1").pid))
    one = world.hand("infra-1")
    one.report("blocked", "which colour?")
    await world.until(lambda _: one.now.state == AgentState.BLOCKED)
    world.runner.end("infra-1")
    await world.until(lambda fleet: bool(fleet.agent("infra-2").pid))
    assert one.now.state == AgentState.BLOCKED


async def test_a_branch_that_exists_with_other_work_is_left_alone(world: World):
    world.repo.branch("orch/infra/infra-1").file("theirs", "x").commit()
    theirs = world.repo.head()
    world.repo.switch("main").file("later", "x").commit()
    await world.open()
    await world.mission.do(v.Launch(agent="infra-1"))
    failed = await world.until(lambda fleet: fleet.agent("infra-1").state == AgentState.FAILED)
    assert "other work" in failed.agent("infra-1").reason
    assert world.repo.head("refs/heads/orch/infra/infra-1") == theirs


async def test_a_worktree_deleted_by_hand_comes_back_with_its_work(world: World):
    await world.open()
    (network,) = await world.launched("infra-1")
    made = network.commit("network.txt", "half\n")
    world.runner.end("infra-1", 1)
    await world.until(lambda _: network.now.state == AgentState.FAILED and network.now.head == made)
    shutil.rmtree(network.tree.path)
    await world.launched("infra-1")
    assert (network.tree.path / "network.txt").read_text() == "half\n"
    assert network.now.attempt == 2
    (network.tree.path / "AGENT_NOTES.md").write_text("back again\n")
    await world.until(lambda _: network.now.notes == 11)
    network.commit("network.txt", "whole\n")
    network.report("done")
    await world.until(lambda _: network.now.state == AgentState.REVIEW)


async def test_a_worktree_deleted_while_its_agent_runs_is_said(world: World):
    await world.open()
    (network,) = await world.launched("infra-1")
    made = network.commit("network.txt", "half\n")
    await world.until(lambda _: network.now.head == made)
    shutil.rmtree(network.tree.path)
    world.runner.end("infra-1", 1)
    await world.until(lambda _: "worktree is missing" in network.now.reason)
    assert network.now.head == made


@pytest.mark.parametrize(
    ("table", "word"),
    [({"argv": "one string"}, "argv"), ({"argv": ["sh"], "nonsense": 1}, "nonsense"), ({}, "argv")],
)
async def test_options_that_do_not_fit_the_backend_are_named(world: World, table: dict[str, object], word: str):
    world.plan((world.repo.path / "tasks.md").read_text(), backends={"command": table})
    await world.open()
    with pytest.raises(ConfigError) as refused:
        await world.mission.do(v.Launch(agent="infra-1"))
    assert word in str(refused.value)


async def test_a_target_without_a_commit_is_said_and_nothing_is_made(world: World):
    world.plan((world.repo.path / "tasks.md").read_text(), mission={"target": "trunk"})
    await world.open()
    with pytest.raises(Refused, match="trunk"):
        await world.mission.do(v.Launch(agent="infra-1"))
    assert not world.paths.worktree("infra", "infra-1").exists()
    assert world.repo.git("branch", "--list", "orch/*") == ""


async def test_a_runner_that_cannot_start_leaves_a_failed_agent_and_a_free_slot(world: World):
    world.plan(ONE_STREAM.format(n=2), agents={"backend": "command", "max_running": 1})
    await world.open()
    world.runner.refusal = RunnerError("The machine is full", "infra-1", "Wait.")
    await world.mission.do(v.Launch(agent="infra-1"))
    await world.until(lambda fleet: fleet.agent("infra-1").state == AgentState.FAILED)
    world.runner.refusal = None
    await world.launched("infra-2")
    (world.hand("infra-1").tree.path / "AGENT_NOTES.md").write_text("a person looks around\n")
    await world.until(lambda fleet: bool(fleet.agent("infra-1").notes))
    agent = world.fleet.agent("infra-1")
    assert (agent.state, agent.reason) == (AgentState.FAILED, "could not start: The machine is full: infra-1")
    await world.close()
    await world.open()
    (world.hand("infra-1").tree.path / "AGENT_NOTES.md").write_text("a person looks around again\n")
    await world.until(lambda fleet: fleet.agent("infra-1").notes > 25)
    assert world.fleet.agent("infra-1").state == AgentState.FAILED


async def test_a_backend_that_breaks_is_its_agents_failure_alone(world: World):
    class Broken:
        name = "command"

        def __init__(self) -> None:
            raise KeyError("oops")

    await world.open(backend=lambda _: Broken())
    await world.mission.do(v.Launch())
    fleet = await world.until(lambda fleet: all(a.state == AgentState.FAILED for a in fleet.agents()))
    assert "KeyError" in fleet.agent("infra-1").reason


async def test_a_restart_waits_for_the_old_process(world: World):
    await world.open()
    (network,) = await world.launched("infra-1")
    world.runner.obedient = False
    old = network.now.run
    await world.mission.do(v.Restart("infra-1"))
    await world.mission.do(v.Restart("infra-1"))
    assert world.runner.stops
    assert (network.now.state, network.now.run) == (AgentState.QUEUED, old)
    world.runner.end("infra-1", None, 15)
    await world.until(lambda _: network.now.attempt == 2 and bool(network.now.pid))
    assert len(world.runner.orders) == 2


async def test_a_restart_during_the_start_is_a_restart(world: World):
    gate, reached = asyncio.Event(), asyncio.Event()
    start = world.runner.launch

    async def slow(order):
        reached.set()
        await gate.wait()
        return await start(order)

    world.runner.launch = slow
    await world.open()
    await world.mission.do(v.Launch(agent="infra-1"))
    await reached.wait()
    await world.mission.do(v.Restart("infra-1"))
    gate.set()
    network = world.hand("infra-1")
    await world.until(lambda _: network.now.attempt == 2 and bool(network.now.pid))
    assert network.now.state == AgentState.STARTING


async def test_a_stop_during_the_start_is_a_stop(world: World):
    gate, reached = asyncio.Event(), asyncio.Event()
    start = world.runner.launch

    async def slow(order):
        reached.set()
        await gate.wait()
        return await start(order)

    world.runner.launch = slow
    await world.open()
    await world.mission.do(v.Launch(agent="infra-1"))
    await reached.wait()
    await world.mission.do(v.Stop(agent="infra-1"))
    gate.set()
    network = world.hand("infra-1")
    await world.until(lambda _: network.now.state == AgentState.STOPPED and not network.now.pid)
    assert world.runner.living("infra-1") is None


async def test_an_engine_that_ended_between_intent_and_start_starts_again(world: World):
    def die(point: str) -> None:
        if point == "launch.after_intent":
            raise asyncio.CancelledError  # the task ends without a further word, as with its engine

    await world.open(failpoint=die)
    await world.mission.do(v.Launch(agent="infra-1"))
    await world.until(lambda fleet: fleet.agent("infra-1").state == AgentState.STARTING)
    await world.close()
    await world.open()
    await world.until(lambda fleet: bool(fleet.agent("infra-1").pid))
    assert [fact.attempt for fact in world.facts(LaunchIntended)] == [1, 2]


async def test_a_run_that_began_and_ended_while_no_engine_looked_is_not_run_twice(world: World):
    def die(point: str) -> None:
        if point == "launch.after_start":
            raise asyncio.CancelledError

    await world.open(failpoint=die)
    await world.mission.do(v.Launch(agent="infra-1"))
    await world.until(lambda _: bool(world.runner.orders))
    await world.close()
    network = world.hand("infra-1")
    await world.open()
    await world.close()
    world.runner.end("infra-1", 3, seen=False)
    await world.open()
    await world.until(lambda _: network.now.state == AgentState.FAILED)
    assert "status 3" in network.now.reason
    assert len(world.runner.orders) == 1


async def test_a_run_that_ended_before_its_start_was_recorded_is_not_run_twice(world: World):
    def die(point: str) -> None:
        if point == "launch.after_start":
            world.runner.end("infra-1", 0, seen=False)
            raise asyncio.CancelledError

    await world.open(failpoint=die)
    await world.mission.do(v.Launch(agent="infra-1"))
    await world.until(lambda _: bool(world.runner.orders) and not world.runner.living("infra-1"))
    await world.close()
    network = world.hand("infra-1")
    await world.open()
    await world.until(lambda _: network.now.state == AgentState.ENDED)
    assert [fact.rc for fact in world.facts(AgentExited)] == [0]
    assert len(world.runner.orders) == 1


async def test_orders_to_stop_and_to_restart_outlive_the_engine(world: World):
    await world.open()
    network, disks = await world.launched("infra-1", "infra-2")
    world.runner.obedient = False
    await world.mission.do(v.Restart("infra-1"))
    await world.mission.do(v.Stop(agent="infra-2"))
    await world.close()
    world.runner.obedient = True
    await world.open()
    await world.until(lambda _: network.now.attempt == 2 and bool(network.now.pid))
    await world.until(lambda _: disks.now.state == AgentState.STOPPED)


async def test_a_program_that_is_missing_is_a_failed_agent(world: World):
    world.plan((world.repo.path / "tasks.md").read_text(), backends={"command": {"argv": ["no-such-program-here"]}})
    await world.open(runner=LocalRunner(world.paths.runs))
    await world.mission.do(v.Launch(agent="infra-1"))
    fleet = await world.until(lambda fleet: fleet.agent("infra-1").state == AgentState.FAILED)
    assert "127" in fleet.agent("infra-1").reason or "no-such-program-here" in fleet.agent("infra-1").reason


async def test_agents_that_exit_at_once_are_all_seen_to_end(world: World):
    (world.home / "agent.sh").write_text("exit 0\n")
    world.plan(ONE_STREAM.format(n=8))
    await world.open(runner=LocalRunner(world.paths.runs))
    await world.mission.do(v.Launch())
    await world.until(lambda fleet: all(a.state == AgentState.ENDED and not a.pid for a in fleet.agents()))


async def test_an_argument_is_one_argument_whatever_it_holds(world: World):
    seen = world.home / "seen.json"
    code = f"import json, sys; json.dump(sys.argv[1:], open({str(seen)!r}, 'w'))"
    argv = ["python3", "-c", code, "{agent}", "a b;'\"$(x)", "{prompt}"]
    world.plan((world.repo.path / "tasks.md").read_text(), backends={"command": {"argv": argv}})
    await world.open(runner=LocalRunner(world.paths.runs))
    await world.mission.do(v.Launch(agent="infra-1"))
    await world.until(lambda fleet: fleet.agent("infra-1").state == AgentState.ENDED)
    name, odd, prompt = json.loads(seen.read_text())
    assert (name, odd) == ("infra-1", "a b;'\"$(x)")
    assert prompt.startswith("# Task: Network\n")
