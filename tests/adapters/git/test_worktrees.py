from __future__ import annotations

import asyncio
import shutil
from pathlib import Path

import pytest

from orch_tui.adapters.git.repository import GitRepository
from orch_tui.model.errors import GitError
from orch_tui.model.landing import WorktreeState
from orch_tui.testing.repo import RepoBuilder

from .killing import KillingGit

ODD_NAMES = [
    "two words",
    'quo"te',
    "new\nline",
    "-dash",
    "uml\u00e4ut",
    "bad-\udcff-byte",
    "a" * 255,
    "\x1b[31mred",
    "*?[",
]


def files(place: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(place)): path.read_bytes()
        for path in sorted(place.rglob("*"))
        if path.is_file() and ".git" not in path.parts
    }


async def test_a_worktree_has_the_files_of_its_base(repo: RepoBuilder, git: GitRepository, tmp_path: Path) -> None:
    place = tmp_path / "w" / "api-1"
    await git.add_worktree(place, "orch/api/api-1", repo.head())
    assert files(place) == files(repo.path)
    assert RepoBuilder.at(place).git("status", "--porcelain", "--branch") == "## orch/api/api-1"
    assert "locked orch-tui" in repo.git("worktree", "list", "--porcelain")


async def test_making_it_again_changes_nothing(repo: RepoBuilder, git: GitRepository, tmp_path: Path) -> None:
    place = tmp_path / "w"
    base = repo.head()
    await git.add_worktree(place, "orch/api/api-1", base)
    agent = RepoBuilder.at(place)
    head = agent.file("work", "done\n").commit()
    agent.file("README", "in the middle of something\n")
    await git.add_worktree(place, "orch/api/api-1", base)
    assert agent.head() == head
    assert agent.status() == " M README"


async def test_twenty_at_once_all_succeed(repo: RepoBuilder, git: GitRepository, tmp_path: Path) -> None:
    base = repo.head()
    agents = [f"api-{number}" for number in range(20)]
    await asyncio.gather(*(git.add_worktree(tmp_path / "w" / name, f"orch/api/{name}", base) for name in agents))
    for name in agents:
        state = await git.worktree_state(tmp_path / "w" / name, base)
        assert (state.head, state.branch, state.clean) == (base, f"orch/api/{name}", True)
    assert len(await git.branch_heads("refs/heads/orch")) == 20


async def test_a_branch_that_holds_the_base_is_used_again(
    repo: RepoBuilder, git: GitRepository, tmp_path: Path
) -> None:
    base = repo.head()
    head = repo.branch("orch/api/api-1").file("work", "half\n").commit()
    repo.switch("main")
    await git.add_worktree(tmp_path / "w", "orch/api/api-1", base)
    state = await git.worktree_state(tmp_path / "w", base)
    assert (state.head, state.ahead, state.clean) == (head, 1, True)


async def test_a_branch_with_other_work_is_refused_by_name(
    repo: RepoBuilder, git: GitRepository, tmp_path: Path
) -> None:
    old = repo.head()
    repo.git("branch", "orch/api/api-1")
    newer = repo.file("more", "more\n").commit()
    with pytest.raises(GitError, match="orch/api/api-1"):
        await git.add_worktree(tmp_path / "w", "orch/api/api-1", newer)
    assert repo.head("orch/api/api-1") == old
    assert not (tmp_path / "w").exists()


async def test_a_branch_that_is_in_use_is_refused_with_its_place(
    repo: RepoBuilder, git: GitRepository, tmp_path: Path
) -> None:
    with pytest.raises(GitError, match=str(repo.path)):
        await git.add_worktree(tmp_path / "w", "main", repo.head())


async def test_something_in_the_way_is_left_alone(repo: RepoBuilder, git: GitRepository, tmp_path: Path) -> None:
    place = tmp_path / "w"
    place.mkdir()
    (place / "diary").write_text("mine")
    with pytest.raises(GitError, match="in the way"):
        await git.add_worktree(place, "orch/api/api-1", repo.head())
    assert (place / "diary").read_text() == "mine"
    assert await git.branch_heads("refs/heads/orch") == {}


async def test_a_failed_start_leaves_no_branch(repo: RepoBuilder, git: GitRepository, tmp_path: Path) -> None:
    blocked = tmp_path / "blocked"
    blocked.mkdir(mode=0o755)
    (blocked / "file").write_text("")
    with pytest.raises((GitError, OSError)):
        await git.add_worktree(blocked / "file" / "w", "orch/api/api-1", repo.head())
    assert await git.branch_heads("refs/heads/orch") == {}


async def test_a_worktree_that_was_deleted_by_hand_is_made_again(
    repo: RepoBuilder, git: GitRepository, tmp_path: Path
) -> None:
    base = repo.head()
    place = tmp_path / "w"
    await git.add_worktree(place, "orch/api/api-1", base)
    head = RepoBuilder.at(place).file("work", "kept\n").commit()
    shutil.rmtree(place)
    assert await git.worktree_state(place, base) == WorktreeState(missing=True)
    await git.add_worktree(place, "orch/api/api-1", base)
    assert (await git.worktree_state(place, base)).head == head
    assert (place / "work").read_text() == "kept\n"


async def test_a_branch_may_move_to_another_place_when_its_worktree_is_gone(
    repo: RepoBuilder, git: GitRepository, tmp_path: Path
) -> None:
    await git.add_worktree(tmp_path / "w1", "orch/api/api-1", repo.head())
    shutil.rmtree(tmp_path / "w1")
    await git.add_worktree(tmp_path / "w2", "orch/api/api-1", repo.head())
    assert (await git.worktree_state(tmp_path / "w2", repo.head())).branch == "orch/api/api-1"


async def test_a_name_that_cannot_be_a_branch_is_refused(repo: RepoBuilder, git: GitRepository, tmp_path: Path) -> None:
    with pytest.raises(GitError, match="name of a branch"):
        await git.add_worktree(tmp_path / "w", "-x..y", repo.head())


@pytest.mark.parametrize("name", ODD_NAMES)
async def test_odd_names_survive(repo: RepoBuilder, git: GitRepository, tmp_path: Path, name: str) -> None:
    base = repo.file(name, "odd\n").commit()
    place = tmp_path / "w"
    await git.add_worktree(place, "orch/api/api-1", base)
    agent = RepoBuilder.at(place).file(name, "odder\n")
    assert (await git.worktree_state(place, base)).dirty == (name,)
    head = agent.commit()
    assert [change.path for change in await git.changes(base, head)] == [name]


async def test_odd_places_work(repo: RepoBuilder, git: GitRepository, tmp_path: Path) -> None:
    for number, name in enumerate(("two words", "$HOME", "~", "uml\u00e4ut", 'quo"te')):
        await git.add_worktree(tmp_path / name / "w", f"orch/api/api-{number}", repo.head())
        assert (await git.worktree_state(tmp_path / name / "w", repo.head())).clean


async def test_the_state_names_what_is_not_committed(repo: RepoBuilder, git: GitRepository, tmp_path: Path) -> None:
    base = repo.file(".gitignore", "*.log\n").commit()
    place = tmp_path / "w"
    await git.add_worktree(place, "orch/api/api-1", base)
    agent = RepoBuilder.at(place)
    agent.file("new", "x").file("README", "changed\n").remove("LICENSE").file("a.log", "ignored")
    agent.file("TASK.md", "ours").file(".orch/status.json", "{}").file("AGENT_NOTES.md", "hm")
    agent.file("staged", "x").git("add", "staged")
    state = await git.worktree_state(place, base)
    assert not state.clean
    assert set(state.dirty) == {"new", "README", "LICENSE", "staged"}


async def test_a_touched_file_is_not_dirty(repo: RepoBuilder, git: GitRepository, tmp_path: Path) -> None:
    await git.add_worktree(tmp_path / "w", "orch/api/api-1", repo.head())
    RepoBuilder.at(tmp_path / "w").file("README", "one\ntwo\nthree\n")
    assert (await git.worktree_state(tmp_path / "w", repo.head())).clean


async def test_at_most_twenty_dirty_paths_are_named(repo: RepoBuilder, git: GitRepository, tmp_path: Path) -> None:
    await git.add_worktree(tmp_path / "w", "orch/api/api-1", repo.head())
    for number in range(30):
        RepoBuilder.at(tmp_path / "w").file(f"f{number}", "")
    assert len((await git.worktree_state(tmp_path / "w", repo.head())).dirty) == 20


async def test_the_state_measures_against_the_merge_base(repo: RepoBuilder, git: GitRepository, tmp_path: Path) -> None:
    base = repo.head()
    await git.add_worktree(tmp_path / "w", "orch/api/api-1", base)
    agent = RepoBuilder.at(tmp_path / "w")
    agent.file("README", "one\n2\nthree\nfour\n").commit()
    agent.file("x", "1\n").commit()
    moved = repo.file("elsewhere", "a\nb\n").commit()
    state = await git.worktree_state(tmp_path / "w", moved)
    assert (state.ahead, state.added, state.removed, state.files) == (2, 3, 1, 2)


async def test_looking_touches_nothing(repo: RepoBuilder, git: GitRepository, tmp_path: Path) -> None:
    place = tmp_path / "w"
    await git.add_worktree(place, "orch/api/api-1", repo.head())
    RepoBuilder.at(place).file("README", "x\n").file("new", "y")
    admin = repo.path / ".git" / "worktrees" / "w"
    before = {path.name: (path.stat().st_mtime_ns, path.read_bytes()) for path in admin.iterdir() if path.is_file()}
    await git.worktree_state(place, repo.head())
    after = {path.name: (path.stat().st_mtime_ns, path.read_bytes()) for path in admin.iterdir() if path.is_file()}
    assert after == before


async def test_a_merge_under_way_is_seen(repo: RepoBuilder, git: GitRepository, tmp_path: Path) -> None:
    base = repo.head()
    await git.add_worktree(tmp_path / "w", "orch/api/api-1", base)
    agent = RepoBuilder.at(tmp_path / "w")
    agent.file("README", "agent\n").commit()
    repo.file("README", "main\n").commit()
    agent.git("merge", "main", ok=False)
    state = await git.worktree_state(tmp_path / "w", base)
    assert (state.under_way, state.clean) == ("merge", False)


async def test_detached_and_deleted_branches_are_states(repo: RepoBuilder, git: GitRepository, tmp_path: Path) -> None:
    base = repo.head()
    await git.add_worktree(tmp_path / "w", "orch/api/api-1", base)
    RepoBuilder.at(tmp_path / "w").git("checkout", "--quiet", "--detach")
    state = await git.worktree_state(tmp_path / "w", base)
    assert (state.branch, state.head) == ("", base)
    RepoBuilder.at(tmp_path / "w").git("checkout", "--quiet", "orch/api/api-1")
    repo.git("update-ref", "-d", "refs/heads/orch/api/api-1")
    state = await git.worktree_state(tmp_path / "w", base)
    assert (state.branch, state.head, state.clean) == ("orch/api/api-1", "", False)


async def test_a_git_file_that_leads_elsewhere_is_not_followed(
    repo: RepoBuilder, git: GitRepository, tmp_path: Path
) -> None:
    await git.add_worktree(tmp_path / "w", "orch/api/api-1", repo.head())
    trap = RepoBuilder(tmp_path / "trap")
    (tmp_path / "w" / ".git").write_text(f"gitdir: {trap.path / '.git'}\n")
    with pytest.raises(GitError, match="another repository"):
        await git.worktree_state(tmp_path / "w", repo.head())


async def test_a_clean_worktree_is_removed_and_its_branch_stays(
    repo: RepoBuilder, git: GitRepository, tmp_path: Path
) -> None:
    await git.add_worktree(tmp_path / "w", "orch/api/api-1", repo.head())
    RepoBuilder.at(tmp_path / "w").file("TASK.md", "ours")
    head = RepoBuilder.at(tmp_path / "w").file("x", "x").commit()
    await git.remove_worktree(tmp_path / "w")
    await git.remove_worktree(tmp_path / "w")
    assert not (tmp_path / "w").exists()
    assert repo.git("worktree", "list", "--porcelain").count("worktree ") == 1
    assert await git.resolve("refs/heads/orch/api/api-1") == head


async def test_a_dirty_worktree_is_removed_only_with_a_backup_of_exactly_that(
    repo: RepoBuilder, git: GitRepository, tmp_path: Path
) -> None:
    place = tmp_path / "w"
    await git.add_worktree(place, "orch/api/api-1", repo.head())
    agent = RepoBuilder.at(place).file("README", "changed\n").file("new/file", "x").remove("LICENSE")
    with pytest.raises(GitError, match="nowhere else"):
        await git.remove_worktree(place)
    await git.backup_worktree(place, "refs/orch/backup/api-1/1")
    agent.file("later", "more work")
    with pytest.raises(GitError, match="nowhere else"):
        await git.remove_worktree(place)
    kept = await git.backup_worktree(place, "refs/orch/backup/api-1/2")
    await git.remove_worktree(place)
    assert not place.exists()
    assert repo.git("ls-tree", "-r", "--name-only", kept).split() == ["README", "later", "new/file", "src/app.py"]
    assert repo.git("show", f"{kept}:README") == "changed"
    assert repo.head(f"{kept}^") == repo.head()


async def test_a_detached_commit_is_not_lost(repo: RepoBuilder, git: GitRepository, tmp_path: Path) -> None:
    place = tmp_path / "w"
    await git.add_worktree(place, "orch/api/api-1", repo.head())
    agent = RepoBuilder.at(place)
    agent.git("checkout", "--quiet", "--detach")
    head = agent.file("x", "x").commit()
    with pytest.raises(GitError, match="nowhere else"):
        await git.remove_worktree(place)
    assert await git.backup_worktree(place, "refs/orch/backup/api-1/1") == head
    await git.remove_worktree(place)
    assert await git.resolve("refs/orch/backup/api-1/1") == head


async def test_a_backup_of_a_conflicted_merge_holds_its_files(
    repo: RepoBuilder, git: GitRepository, tmp_path: Path
) -> None:
    base = repo.head()
    await git.add_worktree(tmp_path / "w", "orch/api/api-1", base)
    agent = RepoBuilder.at(tmp_path / "w")
    agent.file("README", "agent\n").commit()
    repo.file("README", "main\n").commit()
    agent.git("merge", "main", ok=False)
    kept = await git.backup_worktree(tmp_path / "w", "refs/orch/backup/api-1/1")
    assert "<<<<<<<" in repo.git("show", f"{kept}:README")
    assert agent.git("ls-files", "--unmerged") != ""


async def test_a_repository_inside_the_worktree_is_named(repo: RepoBuilder, git: GitRepository, tmp_path: Path) -> None:
    await git.add_worktree(tmp_path / "w", "orch/api/api-1", repo.head())
    RepoBuilder(tmp_path / "w" / "inner").file("x", "x").commit()
    with pytest.raises(GitError, match="inner"):
        await git.backup_worktree(tmp_path / "w", "refs/orch/backup/api-1/1")
    with pytest.raises(GitError):
        await git.remove_worktree(tmp_path / "w")
    assert (tmp_path / "w" / "inner" / "x").exists()


KILLED = """
import asyncio, pathlib, sys
from orch_tui.adapters.git.repository import GitRepository
async def main():
    git = await GitRepository.open(pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]))
    await git.add_worktree(pathlib.Path(sys.argv[3]), "orch/api/api-1", sys.argv[4])
asyncio.run(main())
"""


@pytest.mark.parametrize(
    ("command", "syscall", "step"),
    [("read-tree", "openat", 7), ("read-tree", "write", 2), ("worktree", "openat", 7), ("worktree", "mkdir", 1),
     ("worktree", "rename,link", 1), ("worktree", "write", 4), ("update-ref", "rename", 1)],
)  # fmt: skip
async def test_a_killed_start_is_finished_by_the_next(
    tmp_path: Path, state: Path, command: str, syscall: str, step: int, killing_git: KillingGit
) -> None:
    point = 1
    for point in range(1, 200, step):
        repo = RepoBuilder(tmp_path / f"r{point}")
        base = repo.file("README", "one\n").file("src/app.py", "x\n" * 1000).file("LICENSE", "MIT\n").commit()
        place = tmp_path / f"w{point}"
        own = state / str(point)
        if not killing_git.run(KILLED, command, syscall, point, repo.path, own, place, base):
            break
        git = await GitRepository.open(repo.path, own)
        await git.add_worktree(place, "orch/api/api-1", base)
        seen = await git.worktree_state(place, base)
        assert (seen.head, seen.branch, seen.clean) == (base, "orch/api/api-1", True), f"{command} {syscall} {point}"
        assert repo.git("worktree", "list", "--porcelain").count("worktree ") == 2
        assert not list((own / "git" / "unfinished").iterdir())
        await git.close()
    assert point > 1


async def test_a_worktree_moved_by_a_person_is_not_pruned(
    repo: RepoBuilder, git: GitRepository, tmp_path: Path
) -> None:
    await git.add_worktree(tmp_path / "w", "orch/api/api-1", repo.head())
    (tmp_path / "w").rename(tmp_path / "moved")
    repo.git("worktree", "prune")
    assert (repo.path / ".git" / "worktrees" / "w").is_dir()
    repo.git("worktree", "repair", str(tmp_path / "moved"))
    assert (await git.worktree_state(tmp_path / "moved", repo.head())).branch == "orch/api/api-1"


async def test_line_endings_follow_the_attributes(repo: RepoBuilder, git: GitRepository, tmp_path: Path) -> None:
    base = repo.file(".gitattributes", "*.bat text eol=crlf\n").file("run.bat", "echo\r\n").commit()
    await git.add_worktree(tmp_path / "w", "orch/api/api-1", base)
    assert (tmp_path / "w" / "run.bat").read_bytes() == b"echo\r\n"
    assert (await git.worktree_state(tmp_path / "w", base)).clean
