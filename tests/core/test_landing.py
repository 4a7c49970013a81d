"""Landing and taking back on a real repository."""

from __future__ import annotations

import pytest

from orch_tui.model import verbs as v
from orch_tui.model.facts import TargetMoved
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
