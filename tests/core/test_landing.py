"""Landing and taking back on a real repository."""

from __future__ import annotations

import pytest

from orch_tui.model import verbs as v
from orch_tui.model.facts import CheckoutSynced, TargetMoved
from orch_tui.model.states import AgentState, BatchState
from tests.core.world import World


async def infra_approved(world: World) -> None:
    """Both agents of the first stream have delivered, and the operator likes it."""
    await world.open()
    network, disks = await world.launched("infra-1", "infra-2")
    await network.approved("network.txt")
    await disks.approved("disks.txt")


async def test_a_stream_lands_as_one_commit_with_a_tag_before_it(world: World):
    base = world.repo.head()
    await infra_approved(world)
    landing = await world.mission.do(v.Merge("infra"))
    assert world.repo.head("main") == landing.commit
    assert world.repo.head("main^1") == base
    assert world.repo.git("rev-list", "--first-parent", f"{base}..main") == landing.commit
    assert landing.tag.startswith("pre-feature-batch-2")
    assert landing.tag.endswith("-infra-1")
    assert world.repo.head(f"refs/tags/{landing.tag}") == base
    assert world.repo.git("cat-file", "-t", f"refs/tags/{landing.tag}") == "tag"
    assert (world.repo.path / "network.txt").read_text() == "work\n"
    assert world.repo.status() == ""
    assert [a.state for a in world.fleet.streams[0].agents] == [AgentState.LANDED] * 2


async def test_the_order_of_streams_is_enforced(world: World):
    await world.open()
    (accounts,) = await world.launched("backend-1")
    await accounts.approved("accounts.txt")
    await world.refused(v.Merge("backend"), "backend waits for infra")
    assert world.repo.git("tag") == ""


async def test_work_that_was_rolled_back_by_reset_lands_again(world: World):
    await infra_approved(world)
    base = world.repo.head()
    first = await world.mission.do(v.Merge("infra"))
    undone = await world.mission.do(v.Rollback())
    assert (undone.how, world.repo.head(), world.repo.status()) == ("reset", base, "")
    assert not (world.repo.path / "network.txt").exists()
    again = await world.mission.do(v.Merge("infra"))
    assert again.batch != first.batch
    assert world.repo.tree() == world.repo.tree(first.commit)
    assert world.repo.head(f"refs/tags/{first.tag}") == base


async def test_a_rollback_under_newer_work_is_a_revert_and_lands_again(world: World):
    await infra_approved(world)
    landing = await world.mission.do(v.Merge("infra"))
    mine = world.repo.file("mine.txt", "mine\n").commit("a person's own")
    undone = await world.mission.do(v.Rollback())
    assert (undone.how, world.repo.head("main^1"), world.repo.status()) == ("revert", mine, "")
    world.repo.git("checkout", "-q", "--detach", mine)
    world.repo.git("revert", "--no-edit", "-m", "1", landing.commit)
    assert world.repo.tree() == world.repo.tree("main")
    world.repo.switch("main")
    again = await world.mission.do(v.Merge("infra"))
    assert world.repo.tree() == world.repo.tree(mine)
    assert world.fleet.batch(again.batch).state == BatchState.LANDED
    assert TargetMoved(landing.commit, mine, True) in world.facts(TargetMoved)


async def test_a_conflict_names_the_files_and_both_branches_and_nothing_moves(world: World):
    await world.open()
    network, disks = await world.launched("infra-1", "infra-2")
    await network.approved("shared file.txt", "one\n")
    await disks.approved("shared file.txt", "two\n")
    base = world.repo.head()
    await world.refused(v.Merge("infra"), "orch/infra/infra-1", "orch/infra/infra-2", "shared file.txt")
    assert (world.repo.head(), world.repo.git("tag"), world.repo.status()) == (base, "", "")
    assert world.fleet.streams[0].conflict.agent == "infra-2"


async def test_a_conflict_is_over_when_one_of_the_two_is_rejected(world: World):
    await world.open()
    network, disks = await world.launched("infra-1", "infra-2")
    await network.approved("shared.txt", "one\n")
    await disks.approved("shared.txt", "two\n")
    await world.refused(v.Merge("infra"), "conflicts")
    await world.mission.do(v.Review("reject", agent="infra-2"))
    landing = await world.mission.do(v.Merge("infra"))
    assert landing.agents == ("infra-1",)
    assert (world.repo.path / "shared.txt").read_text() == "one\n"


async def test_a_conflict_with_the_target_is_looked_at_again_when_the_target_moves(world: World):
    await infra_approved(world)
    world.repo.file("network.txt", "another\n").commit("in the way")
    await world.refused(v.Merge("infra"), "orch/infra/infra-1", "main", "network.txt")
    world.repo.git("revert", "--no-edit", "HEAD")
    await world.until(lambda fleet: fleet.streams[0].conflict is None)
    assert (await world.mission.do(v.Merge("infra"))).agents == ("infra-1", "infra-2")


async def test_edits_elsewhere_stay_and_an_edit_in_the_way_is_named_before_anything_moves(world: World):
    await infra_approved(world)
    base = world.repo.head()
    world.repo.file("network.txt", "mine\n").file("README", "edited\n")
    await world.refused(v.Merge("infra"), "network.txt")
    assert (world.repo.head(), (world.repo.path / "network.txt").read_text()) == (base, "mine\n")
    world.repo.remove("network.txt")
    await world.mission.do(v.Merge("infra"))
    assert (world.repo.path / "README").read_text() == "edited\n"
    assert world.repo.status() == " M README"


async def test_a_target_that_moves_while_a_gate_runs_is_not_overwritten(world: World):
    script = world.home / "gate.sh"
    move = f"git -C {world.repo.path} -c user.name=a -c user.email=a@b commit -q --allow-empty -m foreign"
    script.write_text(f"unset GIT_DIR; {move}\n")
    gated(world, script)
    await infra_approved(world)
    base = world.repo.head()
    await world.refused(v.Merge("infra"), "main moved while infra was landing")
    foreign = world.repo.head()
    assert foreign != base
    assert [b.state for b in world.fleet.batches] == [BatchState.ABANDONED]
    script.write_text("true\n")
    landing = await world.mission.do(v.Merge("infra"))
    assert world.repo.head(f"{landing.commit}^1") == foreign
    assert TargetMoved(base, foreign, True) in world.facts(TargetMoved)


async def test_a_gate_that_fails_refuses_and_a_tree_that_passed_is_not_checked_again(world: World):
    log = world.home / "gate.log"
    script = world.home / "gate.sh"
    script.write_text(f"echo run >>{log}; test -f network.txt && test -f disks.txt && cat disks.txt | grep -q good\n")
    gated(world, script)
    await infra_approved(world)
    base = world.repo.head()
    await world.refused(v.Merge("infra"), "gate tests failed")
    assert (world.repo.head(), world.repo.git("tag")) == (base, "")
    disks = world.hand("infra-2")
    disks.commit("disks.txt", "good\n")
    disks.report("done", "better")
    await world.until(lambda _: disks.now.state == AgentState.REVIEW)
    await world.mission.do(v.Review("approve", agent="infra-2"))
    landing = await world.mission.do(v.Merge("infra"))
    check = world.fleet.streams[0].checks[0]
    assert (check.status, check.tree) == ("passed", world.repo.tree(landing.commit))
    await world.mission.do(v.Rollback())
    await world.mission.do(v.Merge("infra"))
    assert log.read_text().split() == ["run", "run"]


async def test_work_that_changes_while_its_gates_run_does_not_land(world: World):
    script = world.home / "gate.sh"
    gated(world, script)
    await infra_approved(world)
    worktree = world.hand("infra-2").now.worktree
    script.write_text(
        f"unset GIT_DIR; git -C {worktree} -c user.name=a -c user.email=a@b commit -q --allow-empty -m more\n"
    )
    base = world.repo.head()
    await world.refused(v.Merge("infra"), "infra")
    assert world.repo.head() == base


async def test_a_tag_of_that_name_that_somebody_else_made_is_left_alone(world: World):
    await infra_approved(world)
    name = (await world.mission.preview(v.Merge("infra"))).steps[2].rpartition(" ")[2]
    world.repo.git("tag", name)
    world.repo.file("later", "\n").commit()
    theirs = world.repo.head(f"refs/tags/{name}")
    landing = await world.mission.do(v.Merge("infra"))
    assert landing.tag != name
    assert world.repo.head(f"refs/tags/{name}") == theirs


async def test_a_batch_lands_only_what_has_not_landed(world: World):
    await infra_approved(world)
    first = await world.mission.do(v.Merge("infra"))
    assert first.agents == ("infra-1", "infra-2")
    world.plan("# Epic: Shop\n\n## Stream 1: Infra (2 agents)\n- [ ] Network (1 agent)\n- [ ] Racks (1 agent)\n")
    await world.mission.do(v.LoadPlan())
    (racks,) = await world.launched("infra-3")
    await racks.approved("racks.txt")
    second = await world.mission.do(v.Merge("infra"))
    assert second.agents == ("infra-3",)
    assert (world.repo.path / "disks.txt").exists()


async def test_work_that_a_revert_took_off_comes_back_whole_or_not_at_all(world: World):
    await infra_approved(world)
    await world.mission.do(v.Merge("infra"))
    world.repo.file("mine.txt", "mine\n").commit("a person's own")
    await world.mission.do(v.Rollback())
    await world.mission.do(v.Review("reject", agent="infra-2"))
    await world.refused(v.Merge("infra"), "can only come back whole", "infra-2")
    assert not (world.repo.path / "network.txt").exists()


async def test_a_rollback_that_conflicts_with_newer_work_is_refused_and_named(world: World):
    await infra_approved(world)
    landing = await world.mission.do(v.Merge("infra"))
    mine = world.repo.file("network.txt", "rewritten\n").commit("on top")
    await world.refused(v.Rollback(landing.batch), "network.txt", "later work")
    assert world.repo.head() == mine
    assert world.fleet.batch(landing.batch).state == BatchState.LANDED


async def test_a_batch_that_was_pushed_comes_off_by_revert(world: World):
    await infra_approved(world)
    landing = await world.mission.do(v.Merge("infra"))
    world.repo.git("update-ref", "refs/remotes/origin/main", landing.commit)
    undone = await world.mission.do(v.Rollback())
    assert undone.how == "revert"
    assert world.repo.tree() == world.repo.tree(f"{landing.commit}^1")


async def test_a_stream_below_others_does_not_come_off_first(world: World):
    await infra_approved(world)
    first = await world.mission.do(v.Merge("1"))
    (accounts,) = await world.launched("backend-1")
    await accounts.approved("accounts.txt")
    await world.mission.do(v.Merge("backend"))
    await world.refused(v.Rollback(first.batch), "backend landed on top of infra")
    await world.mission.do(v.Rollback())
    await world.mission.do(v.Rollback())
    assert world.repo.head() == world.repo.head(f"{first.commit}^1")


@pytest.mark.parametrize("tracked", [True, False])
async def test_boxes_are_ticked_only_in_a_plan_that_git_does_not_track(world: World, tracked: bool):
    if tracked:
        world.repo.git("add", "-f", "tasks.md", "orch.toml")
        world.repo.git("commit", "-q", "-m", "plan")
    await infra_approved(world)
    await world.mission.do(v.Merge("infra"))
    assert ("- [x] Network" in (world.repo.path / "tasks.md").read_text()) is not tracked
    assert world.repo.status() == ""
    assert [t.done for t in world.fleet.streams[0].tasks] == [True, True]
    await world.mission.do(v.LoadPlan())
    assert [t.done for t in world.fleet.streams[0].tasks] == [True, True]


async def test_a_plan_rewritten_meanwhile_is_not_ticked_and_the_landing_stands(world: World):
    await infra_approved(world)
    (world.repo.path / "tasks.md").write_text("# Epic: Something else\n")
    landing = await world.mission.do(v.Merge("infra"))
    assert world.repo.head() == landing.commit
    assert any("Network" in problem for problem in world.problems)


ODD = [
    "with space.txt",
    'quo"te.txt',
    "new\nline.txt",
    "-dash.txt",
    "tab\t.txt",
    "ümlaut.txt",
    "raw\udcff.txt",
    "ünder ünder/-x",
]


async def test_files_with_odd_names_land_and_come_off_again(world: World):
    await world.open()
    network, disks = await world.launched("infra-1", "infra-2")
    for name in ODD[:-1]:
        network.commit(name, f"{name!r}\n")
    await network.approved(ODD[-1])
    await disks.approved("disks.txt")
    landing = await world.mission.do(v.Merge("infra"))
    assert world.repo.status() == ""
    assert all((world.repo.path / name).is_file() for name in ODD)
    await world.mission.do(v.Rollback())
    assert (world.repo.status(), world.repo.head()) == ("", world.repo.head(f"{landing.commit}^1"))
    assert not any((world.repo.path / name).exists() for name in ODD)


async def test_an_odd_name_in_the_way_is_named_so_that_a_person_can_read_it(world: World):
    await world.open()
    network, disks = await world.launched("infra-1", "infra-2")
    await network.approved("new\nline.txt")
    await disks.approved("raw\udcff.txt")
    world.repo.file("new\nline.txt", "mine\n").file("raw\udcff.txt", "mine\n")
    error = await world.refused(v.Merge("infra"), "in the way")
    assert "\n" not in error.detail
    error.detail.encode()


async def test_conflicts_in_odd_names_reach_the_journal(world: World):
    await world.open()
    network, disks = await world.launched("infra-1", "infra-2")
    await network.approved("raw\udcff\x1b[31m.txt", "one\n")
    await disks.approved("raw\udcff\x1b[31m.txt", "two\n")
    error = await world.refused(v.Merge("infra"), "orch/infra/infra-1")
    error.detail.encode()
    assert "\x1b" not in error.detail


async def test_checkouts_that_cannot_follow_are_named_and_follow_at_the_next_start(world: World):
    script = world.home / "gate.sh"
    script.write_text(f"echo mine >{world.repo.path}/network.txt\n")
    gated(world, script)
    await infra_approved(world)
    landing = await world.mission.do(v.Merge("infra"))
    assert [name.endswith("network.txt") for name in landing.behind] == [True]
    assert (world.repo.path / "network.txt").read_text() == "mine\n"
    assert not (world.repo.path / "disks.txt").exists()
    await world.close()
    world.repo.remove("network.txt")
    await world.open()
    assert (world.repo.path / "network.txt").read_text() == "work\n"
    assert world.repo.status() == ""


async def test_a_start_touches_no_checkout_that_has_followed(world: World):
    await infra_approved(world)
    landing = await world.mission.do(v.Merge("infra"))
    world.repo.git("checkout", f"{landing.commit}^1", "--", ".")
    world.repo.git("rm", "-q", "network.txt")
    before = world.repo.status()
    synced = world.facts(CheckoutSynced)
    await world.close()
    await world.open()
    assert world.repo.status() == before
    assert world.facts(CheckoutSynced) == synced


def gated(world: World, script: object) -> None:
    """Puts a gate before both streams."""
    world.plan(
        (world.repo.path / "tasks.md").read_text(),
        gates={"tests": {"argv": ["sh", str(script)], "timeout": "30s"}},
        streams={"infra": {"gates": ["tests", "human"]}},
    )
