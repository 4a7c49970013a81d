from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from orch_tui.adapters.git.repository import GitRepository
from orch_tui.model.errors import GitError
from orch_tui.model.ids import Oid
from orch_tui.testing.repo import RepoBuilder

from .conftest import STAMP
from .killing import KillingGit

MAIN = "refs/heads/main"


async def test_one_compare_and_swap_moves_the_target(repo: RepoBuilder, git: GitRepository) -> None:
    old = repo.head()
    new = repo.branch("a").file("a", "a").commit()
    assert await git.move(MAIN, new, old, "land\nbatch 1")
    assert await git.resolve(MAIN) == new
    assert repo.git("reflog", "-1", "--format=%gs", "main") == "land batch 1"


async def test_a_ref_that_is_elsewhere_is_not_moved(repo: RepoBuilder, git: GitRepository) -> None:
    old = repo.head()
    new = repo.branch("a").file("a", "a").commit()
    foreign = repo.switch("main").file("b", "b").commit()
    assert not await git.move(MAIN, new, old, "land")
    assert await git.resolve(MAIN) == foreign


async def test_of_twenty_contenders_one_wins(repo: RepoBuilder, git: GitRepository, tmp_path: Path) -> None:
    old = repo.head()
    repo.branch("contenders")
    rivals = [repo.file("n", str(number)).commit() for number in range(20)]
    states = [await GitRepository.open(repo.path, tmp_path / f"s{number}") for number in range(4)]
    moves = [states[place % 4].move(MAIN, rival, old, "race") for place, rival in enumerate(rivals)]
    won = await asyncio.gather(*moves)
    assert won.count(True) == 1
    assert await git.resolve(MAIN) == rivals[won.index(True)]
    for opened in states:
        await opened.close()


async def test_a_ref_is_made_only_where_none_is(repo: RepoBuilder, git: GitRepository) -> None:
    head = repo.head()
    assert await git.move("refs/heads/new", head, Oid(""), "make")
    assert not await git.move("refs/heads/new", head, Oid(""), "make")


async def test_a_foreign_lock_is_waited_for_and_then_told(repo: RepoBuilder, git: GitRepository) -> None:
    old = repo.head()
    new = repo.branch("a").file("a", "a").commit()
    lock = repo.path / ".git" / "refs" / "heads" / "main.lock"
    lock.touch()
    asyncio.get_running_loop().call_later(0.3, lock.unlink)
    assert await git.move(MAIN, new, old, "land")
    lock.touch()
    with pytest.raises(GitError, match=r"main\.lock"):
        await git.move(MAIN, old, new, "back")
    lock.unlink()
    assert await git.resolve(MAIN) == new


async def test_a_pin_keeps_a_commit_from_a_prune(repo: RepoBuilder, git: GitRepository) -> None:
    lost = repo.branch("a").file("a", "a").commit()
    await git.pin("refs/orch/batch/b1/1", lost)
    await git.pin("refs/orch/batch/b1/1", lost)
    repo.switch("main").git("branch", "-D", "a")
    repo.git("reflog", "expire", "--expire=now", "--all")
    repo.git("gc", "--prune=now", "--quiet")
    assert await git.resolve("refs/orch/batch/b1/1") == lost
    await git.unpin("refs/orch/batch/b1/1")
    await git.unpin("refs/orch/batch/b1/1")
    repo.git("gc", "--prune=now", "--quiet")
    assert await git.resolve(lost) == ""


@pytest.mark.parametrize("ref", [MAIN, "refs/tags/v1", "refs/orch/../heads/main", "-d"])
async def test_only_refs_of_ours_are_pins(repo: RepoBuilder, git: GitRepository, ref: str) -> None:
    with pytest.raises(GitError, match="no ref of ours"):
        await git.pin(ref, repo.head())
    with pytest.raises(GitError, match="no ref of ours"):
        await git.unpin(ref)


async def test_a_tag_is_annotated_and_made_once(repo: RepoBuilder, git: GitRepository) -> None:
    name = "pre-feature-batch-20260101-api-1"
    await git.tag(name, repo.head(), "Before api", STAMP)
    await git.tag(name, repo.head(), "Before api", STAMP)
    assert repo.git("cat-file", "-t", name) == "tag"
    assert repo.git("tag", "-l", "--format=%(taggername) %(contents:subject)", name) == "Train Before api"
    assert repo.head(name) == repo.head()


async def test_a_tag_that_is_elsewhere_stays_there(repo: RepoBuilder, git: GitRepository) -> None:
    old = repo.head()
    repo.git("tag", "taken")
    new = repo.file("x", "x").commit()
    with pytest.raises(GitError, match="points elsewhere"):
        await git.tag("taken", new, "no", STAMP)
    assert repo.head("taken") == old


async def test_a_plain_tag_on_the_same_commit_will_do(repo: RepoBuilder, git: GitRepository) -> None:
    repo.git("tag", "there")
    await git.tag("there", repo.head(), "fine", STAMP)
    with pytest.raises(GitError, match="name of a tag"):
        await git.tag("-x ..", repo.head(), "no", STAMP)


async def test_only_what_a_remote_has_is_pushed(repo: RepoBuilder, git: GitRepository) -> None:
    first = repo.head()
    second = repo.file("x", "x").commit()
    assert not await git.pushed(first)
    repo.git("update-ref", "refs/remotes/origin/main", first)
    assert await git.pushed(first)
    assert not await git.pushed(second)


async def test_broken_refs_are_not_a_failure(repo: RepoBuilder, git: GitRepository) -> None:
    (repo.path / ".git" / "refs" / "heads" / "broken").write_text("rubbish\n")
    assert MAIN in await git.branch_heads("refs/heads")
    assert await git.resolve("refs/heads/broken") == ""


KILLED = """
import asyncio, pathlib, sys
from orch_tui.adapters.git.repository import GitRepository
async def main():
    git = await GitRepository.open(pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]))
    await git.move("refs/heads/main", sys.argv[3], sys.argv[4], "land")
asyncio.run(main())
"""


@pytest.mark.parametrize(("syscall", "step"), [("openat", 4), ("rename", 1), ("fsync", 1), ("unlink", 1)])
async def test_a_killed_move_happened_or_did_not_and_leaves_no_lock(
    tmp_path: Path, state: Path, syscall: str, step: int, killing_git: KillingGit
) -> None:
    point = 1
    for point in range(1, 200, step):
        repo = RepoBuilder(tmp_path / f"r{point}")
        old = repo.file("a", "1").commit()
        new = repo.branch("f").file("a", "2").commit()
        repo.switch("main")
        if not killing_git.run(KILLED, "update-ref", syscall, point, repo.path, state / str(point), new, old):
            break
        git = await GitRepository.open(repo.path, state / str(point))
        there = await git.resolve(MAIN)
        assert there in (old, new)
        assert await git.move(MAIN, new, old, "again") == (there == old), f"{syscall} {point}"
        assert await git.resolve(MAIN) == new
        assert not list((repo.path / ".git").rglob("*.lock"))
        await git.close()
    assert point > 1 or syscall == "unlink"


async def test_a_lock_that_is_not_ours_is_left_alone(repo: RepoBuilder, git: GitRepository) -> None:
    foreign = repo.path / ".git" / "packed-refs.lock"
    foreign.touch()
    await git.pin("refs/orch/batch/b/1", repo.head())
    assert foreign.exists()
