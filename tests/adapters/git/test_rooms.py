from __future__ import annotations

from pathlib import Path

from orch_tui.adapters.git.repository import GitRepository
from orch_tui.testing.repo import RepoBuilder


async def test_a_room_shows_exactly_one_commit(repo: RepoBuilder, git: GitRepository, tmp_path: Path) -> None:
    head = repo.branch("a").file("README", "new\n").file("x", "x").commit()
    repo.switch("main")
    before = repo.git("for-each-ref"), repo.git("worktree", "list", "--porcelain")
    room = tmp_path / "room"
    room.mkdir()
    assert await git.export(head, room) == repo.tree(head)
    assert sorted(path.name for path in room.iterdir()) == ["LICENSE", "README", "src", "x"]
    assert (room / "README").read_text() == "new\n"
    assert (repo.git("for-each-ref"), repo.git("worktree", "list", "--porcelain")) == before
    assert repo.status() == ""


async def test_a_changed_room_is_noticed(repo: RepoBuilder, git: GitRepository, tmp_path: Path) -> None:
    room = tmp_path / "room"
    room.mkdir()
    await git.export(repo.head(), room)
    (room / "report.xml").write_text("a gate's output")
    assert await git.unchanged(repo.head(), room)
    (room / "README").write_text("one\ntwo\n3\n")
    assert not await git.unchanged(repo.head(), room)
