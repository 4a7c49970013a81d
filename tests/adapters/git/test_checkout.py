from __future__ import annotations

from pathlib import Path

import pytest

from orch_tui.adapters.git.repository import GitRepository
from orch_tui.model.errors import GitError
from orch_tui.model.ids import Oid
from orch_tui.testing.repo import RepoBuilder

from .killing import KillingGit

MAIN = "refs/heads/main"


def landed(repo: RepoBuilder) -> tuple[Oid, Oid]:
    """Moves main to a commit with an edit, an addition, a removal, a link and CRLF; the checkout stays behind."""
    old = repo.file(".gitattributes", "*.bat text eol=crlf\n").file("run.bat", "one\r\n").commit()
    repo.branch("feature").file("README", "one\n2\nthree\n").file("new/deep/file", "n\n" * 5000).remove("LICENSE")
    new = repo.file("run.bat", "one\r\ntwo\r\n" * 500).link("link", "README").commit()
    repo.switch("main").git("update-ref", MAIN, new, old)
    return old, new


async def test_a_clean_checkout_follows(repo: RepoBuilder, git: GitRepository) -> None:
    old, new = landed(repo)
    assert await git.checkouts_of(MAIN) == (repo.path,)
    assert await git.can_follow(repo.path, old, new) == ()
    assert repo.status() != ""
    assert await git.sync(repo.path, old, new) == ()
    assert repo.status() == ""
    assert (repo.path / "run.bat").read_bytes() == b"one\r\ntwo\r\n" * 500
    assert await git.sync(repo.path, old, new) == ()
    assert await git.sync(repo.path, new, old) == ()


async def test_a_lock_that_a_git_left_is_named_before_anything_moves(repo: RepoBuilder, git: GitRepository) -> None:
    old, new = landed(repo)
    lock = repo.path / ".git" / "index.lock"
    lock.touch()
    before = repo.git("ls-files", "--stage")
    for attempt in (git.can_follow, git.sync):
        with pytest.raises(GitError, match="index is locked") as caught:
            await attempt(repo.path, old, new)
        assert caught.value.detail == str(lock)
        assert "remove that file" in caught.value.hint
    assert repo.git("ls-files", "--stage") == before
    lock.unlink()
    assert await git.sync(repo.path, old, new) == ()


async def test_edits_elsewhere_stay_and_do_not_disturb(repo: RepoBuilder, git: GitRepository) -> None:
    old, new = landed(repo)
    repo.file("src/app.py", "mine\n").file("diary", "mine\n")
    assert await git.can_follow(repo.path, old, new) == ()
    assert await git.sync(repo.path, old, new) == ()
    assert repo.status() == " M src/app.py\n?? diary"
    assert (repo.path / "src/app.py").read_text() == "mine\n"


async def test_a_dirty_file_in_the_way_is_named_and_kept(repo: RepoBuilder, git: GitRepository) -> None:
    old, new = landed(repo)
    repo.file("README", "my edit\n")
    before = repo.git("ls-files", "--stage")
    assert await git.can_follow(repo.path, old, new) == ("README",)
    assert await git.sync(repo.path, old, new) == ("README",)
    assert (repo.path / "README").read_text() == "my edit\n"
    assert repo.git("ls-files", "--stage") == before
    assert not (repo.path / "new").exists()


async def test_an_untracked_file_in_the_way_is_named_and_kept(repo: RepoBuilder, git: GitRepository) -> None:
    old, new = landed(repo)
    repo.file("new/deep/file", "")
    assert await git.can_follow(repo.path, old, new) == ("new/deep/file",)
    assert await git.sync(repo.path, old, new) == ("new/deep/file",)
    assert (repo.path / "new/deep/file").read_text() == ""


async def test_a_file_where_a_directory_must_be_is_named(repo: RepoBuilder, git: GitRepository) -> None:
    old, new = landed(repo)
    repo.file("new", "a person's file\n")
    assert "new" in await git.can_follow(repo.path, old, new)
    assert (repo.path / "new").read_text() == "a person's file\n"


async def test_an_ignored_file_in_the_way_is_not_overwritten(repo: RepoBuilder, git: GitRepository) -> None:
    old, new = landed(repo)
    (repo.path / ".git" / "info" / "exclude").write_text("new/\n")
    repo.file("new/deep/file", "ignored, but mine\n")
    assert await git.can_follow(repo.path, old, new) == ("new/deep/file",)


async def test_staged_work_in_the_way_is_named(repo: RepoBuilder, git: GitRepository) -> None:
    old, new = landed(repo)
    repo.file("README", "staged\n").git("add", "README")
    assert await git.can_follow(repo.path, old, new) == ("README",)
    assert repo.git("show", ":README") == "staged"


async def test_several_obstacles_are_all_named(repo: RepoBuilder, git: GitRepository) -> None:
    old, new = landed(repo)
    repo.file("README", "x\n").file("LICENSE", "y\n").file("link", "z\n")
    assert set(await git.can_follow(repo.path, old, new)) == {"README", "LICENSE", "link"}


async def test_checkouts_that_are_gone_or_elsewhere_are_not_listed(
    repo: RepoBuilder, git: GitRepository, tmp_path: Path
) -> None:
    repo.worktree(tmp_path / "gone", "gone")
    (tmp_path / "gone").rename(tmp_path / "moved")
    assert await git.checkouts_of("refs/heads/gone") == ()
    assert await git.checkouts_of("refs/heads/nobody") == ()


async def test_a_linked_worktree_follows_too(repo: RepoBuilder, git: GitRepository, tmp_path: Path) -> None:
    other = repo.worktree(tmp_path / "second line\n", "release")
    old = repo.head()
    new = repo.branch("f").file("README", "new\n").commit()
    assert await git.move("refs/heads/release", new, old, "land")
    (place,) = await git.checkouts_of("refs/heads/release")
    assert await git.sync(place, old, new) == ()
    assert other.status() == ""


KILLED = """
import asyncio, pathlib, sys
from orch_tui.adapters.git.repository import GitRepository
async def main():
    git = await GitRepository.open(pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]))
    await git.sync(git.root, sys.argv[3], sys.argv[4])
asyncio.run(main())
"""


@pytest.mark.parametrize(
    ("syscall", "first", "step"),
    [
        ("openat", 20, 3),
        ("write", 1, 1),
        ("unlink,unlinkat", 1, 1),
        ("rename", 1, 1),
        ("symlink", 1, 1),
        ("mkdir", 1, 1),
    ],
)
async def test_a_killed_sync_is_repaired(
    tmp_path: Path, state: Path, syscall: str, first: int, step: int, killing_git: KillingGit
) -> None:
    point = first
    for point in range(first, 200, step):
        repo = RepoBuilder(tmp_path / f"r{point}")
        repo.file("README", "one\ntwo\nthree\n").file("LICENSE", "MIT\n").file("src/app.py", "print()\n").commit()
        old, new = landed(repo)
        repo.file("src/app.py", "a person's edit\n").file("empty", "")
        if not killing_git.run(KILLED, "read-tree", syscall, point, repo.path, state / str(point), old, new):
            break
        git = await GitRepository.open(repo.path, state / str(point))
        assert await git.sync(repo.path, old, new) == (), f"{syscall} {point}"
        assert repo.status() == " M src/app.py\n?? empty", f"{syscall} {point}"
        assert list((state / str(point) / "git" / "unfinished").iterdir()) == []
        await git.close()
    assert point > first


async def test_a_persons_edit_after_the_kill_is_kept(repo: RepoBuilder, state: Path, killing_git: KillingGit) -> None:
    old, new = landed(repo)
    assert killing_git.run(KILLED, "read-tree", "symlink", 1, repo.path, state, old, new)
    repo.file("README", "an edit after the kill\n")
    git = await GitRepository.open(repo.path, state)
    assert await git.sync(repo.path, old, new) == ("README",)
    assert (repo.path / "README").read_text() == "an edit after the kill\n"
    repo.file("README", "one\ntwo\nthree\n")
    assert await git.sync(repo.path, old, new) == ()
    assert repo.status() == ""
    await git.close()


async def test_a_half_written_file_is_taken_back_and_a_copy_kept(
    repo: RepoBuilder, state: Path, killing_git: KillingGit
) -> None:
    old, new = landed(repo)
    assert killing_git.run(KILLED, "read-tree", "rename", 1, repo.path, state, old, new)
    half = repo.git("show", f"{new}:new/deep/file")[:4321]
    (repo.path / "new/deep/file").write_text(half)
    (repo.path / "run.bat").write_bytes(b"one\r\ntwo\r\n" * 20)
    git = await GitRepository.open(repo.path, state)
    assert await git.sync(repo.path, old, new) == ()
    assert repo.status() == ""
    assert (state / "git" / "aside" / new / "new/deep/file").read_text() == half
    await git.close()


async def test_a_persons_empty_file_is_never_taken_for_ours(repo: RepoBuilder, git: GitRepository) -> None:
    old, new = landed(repo)
    repo.file("README", "one\n")
    assert await git.sync(repo.path, old, new) == ("README",)
    assert await git.sync(repo.path, old, new) == ("README",)
    assert (repo.path / "README").read_text() == "one\n"


async def test_a_split_index_is_read_and_written_whole(repo: RepoBuilder, git: GitRepository) -> None:
    old, new = landed(repo)
    repo.git("update-index", "--split-index")
    repo.file("src/app.py", "mine\n").git("add", "src/app.py")
    assert await git.sync(repo.path, old, new) == ()
    assert repo.status() == "M  src/app.py"


async def test_a_sparse_checkout_stays_usable(repo: RepoBuilder, git: GitRepository) -> None:
    old, new = landed(repo)
    repo.git("read-tree", old)
    repo.git("sparse-checkout", "set", "src")
    assert await git.sync(repo.path, old, new) == ()
    assert repo.git("diff", "--cached", "--name-only") == ""
