"""What must hold after any crash and recovery; the numbers are those of the merge train's invariants."""

from __future__ import annotations

import hashlib
from pathlib import Path

from orch_tui.model.facts import TargetMoved
from orch_tui.model.states import AgentState, BatchState
from tests.core.world import World


def check(world: World, before: dict[str, str]) -> None:
    """Checks an open mission that has recovered; `before` is what `worktrees` said before the crash."""
    repo, fleet = world.repo, world.fleet
    assert fleet.target_head == repo.head("main")
    assert [m for m in world.facts(TargetMoved) if m.foreign] == [], "I1: a move of ours is called foreign"
    for batch in fleet.batches:
        assert batch.state in (BatchState.LANDED, BatchState.ROLLED_BACK, BatchState.ABANDONED), "I7"
        if batch.state == BatchState.ABANDONED:
            continue
        assert repo.tree(batch.new) == batch.tree, "I2"
        assert repo.head(f"{batch.new}^1") == batch.base, "I3"
        assert repo.head(f"refs/tags/{batch.tag}") == batch.base, "I4"
    landed = [b for b in fleet.batches if b.state == BatchState.LANDED]
    members = [m.agent for b in landed for m in b.members]
    assert len(members) == len(set(members)), "I6"
    for batch in landed:
        assert repo.git("merge-base", "--is-ancestor", batch.new, "main") == ""
        for member in batch.members:
            assert repo.git("diff-tree", "-r", "--diff-filter=A", f"{batch.base}", member.oid), "I8: it brought a file"
            assert fleet.agent(member.agent).state == AgentState.LANDED
    for batch in fleet.batches:
        if batch.state == BatchState.ROLLED_BACK and batch.how == "reset":
            assert batch.undone_by == batch.base, "I9"
    assert [str(p) for p in (repo.path / ".git").rglob("*.lock")] == [], "I11"
    listed = [line[9:] for line in repo.git("worktree", "list", "--porcelain").split("\n") if line[:9] == "worktree "]
    assert all(Path(path).is_dir() for path in listed), "I11"
    repo.git("fsck", "--connectivity-only")  # I12
    assert repo.status() == "", "the operator's tree is dirty"
    assert worktrees(world) == before, "I16"


def worktrees(world: World) -> dict[str, str]:
    """Returns a digest of each file in agents' worktrees."""
    files = sorted(p for p in world.paths.worktrees.rglob("*") if p.is_file())
    return {str(p): hashlib.sha256(p.read_bytes()).hexdigest() for p in files}
