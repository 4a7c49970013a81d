from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import pytest

from orch_tui.adapters.git.repository import GitRepository
from orch_tui.model.errors import EnvironmentProblem, GitError
from orch_tui.testing.repo import RepoBuilder


async def test_a_repository_says_what_it_is(repo: RepoBuilder, git: GitRepository) -> None:
    repo.hook("pre-commit", "exit 0").config("alias.x", "!true").config("core.pager", "less")
    seen = await git.inspect()
    assert (seen.branch, seen.head, seen.ref_backend) == ("main", repo.head(), "files")
    assert seen.version.startswith("2.")
    assert seen.hooks == ("pre-commit",)
    assert git.root == repo.path
    assert git.common_dir == repo.path / ".git"


async def test_odd_configuration_is_listed(repo: RepoBuilder, state: Path) -> None:
    repo.config("alias.x", "!true").config("core.pager", "less").config("filter.lfs.clean", "git-lfs clean")
    git = await GitRepository.open(repo.path / "src", state)
    assert (await git.inspect()).odd_config == ("alias.x", "core.pager", "filter.lfs.clean")
    await git.close()


async def test_a_detached_head_has_no_branch(repo: RepoBuilder, git: GitRepository) -> None:
    repo.git("checkout", "--quiet", "--detach")
    seen = await git.inspect()
    assert (seen.branch, seen.head) == ("", repo.head())


async def test_our_files_are_excluded_once(repo: RepoBuilder, git: GitRepository, state: Path) -> None:
    exclude = repo.path / ".git" / "info" / "exclude"
    before = exclude.read_text()
    await (await GitRepository.open(repo.path, state)).close()
    assert exclude.read_text() == before
    for name in ("TASK.md", "AGENT_NOTES.md", ".orch/status.json"):
        repo.file(name, "ours")
    assert repo.status() == ""
    assert repo.file("docs/TASK.md", "a person's").status() == "?? docs/"


async def test_no_repository_is_said_clearly(tmp_path: Path, state: Path) -> None:
    with pytest.raises(EnvironmentProblem) as caught:
        await GitRepository.open(tmp_path, state)
    assert caught.value.title == "This is not a git repository"
    assert caught.value.hint


async def test_a_missing_directory_is_said_clearly(tmp_path: Path, state: Path) -> None:
    with pytest.raises(EnvironmentProblem, match="no such directory"):
        await GitRepository.open(tmp_path / "nowhere", state)


async def test_a_repository_without_a_commit_is_said_clearly(tmp_path: Path, state: Path) -> None:
    RepoBuilder(tmp_path / "young")
    with pytest.raises(EnvironmentProblem, match="no commit yet"):
        await GitRepository.open(tmp_path / "young", state)


async def test_a_bare_repository_is_said_clearly(tmp_path: Path, state: Path) -> None:
    RepoBuilder(tmp_path / "bare.git", bare=True)
    with pytest.raises(EnvironmentProblem, match="bare"):
        await GitRepository.open(tmp_path / "bare.git", state)


async def test_a_missing_git_is_said_clearly(
    repo: RepoBuilder, state: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(EnvironmentProblem) as caught:
        await GitRepository.open(repo.path, state)
    assert (caught.value.title, "2.39" in caught.value.hint) == ("git was not found", True)


def test_a_fresh_interpreter_without_git_says_so_too(repo: RepoBuilder, state: Path, tmp_path: Path) -> None:
    script = (
        "import asyncio, pathlib, sys\n"
        "from orch_tui.adapters.git.repository import GitRepository\n"
        "from orch_tui.model.errors import EnvironmentProblem\n"
        "assert 'git' not in sys.modules\n"
        "try: asyncio.run(GitRepository.open(pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])))\n"
        "except EnvironmentProblem as error: print(error.title)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(repo.path), str(state)],
        env={**os.environ, "PATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.stdout.strip(), done.stderr) == ("git was not found", "")


async def test_an_old_git_is_said_clearly(
    repo: RepoBuilder, state: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake = tmp_path / "bin" / "git"
    fake.parent.mkdir()
    fake.write_text("#!/bin/sh\necho git version 2.38.1\n")
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", f"{fake.parent}:{os.environ['PATH']}")
    with pytest.raises(EnvironmentProblem, match=r"too old: 2\.38\.1"):
        await GitRepository.open(repo.path, state)


async def test_inherited_variables_of_git_lead_nowhere(
    repo: RepoBuilder, state: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = RepoBuilder(tmp_path / "other")
    other.file("x", "x").commit()
    monkeypatch.setenv("GIT_DIR", str(other.path / ".git"))
    monkeypatch.setenv("GIT_INDEX_FILE", str(tmp_path / "no-index"))
    git = await GitRepository.open(repo.path, state)
    assert await git.resolve("refs/heads/main") == repo.head()
    await git.close()


async def test_names_are_resolved_to_commits(repo: RepoBuilder, git: GitRepository) -> None:
    head = repo.head()
    repo.git("tag", "-a", "v1", "-m", "one")
    assert await git.resolve("refs/heads/main") == head
    assert await git.resolve("HEAD") == head
    assert await git.resolve("refs/tags/v1") == head
    assert await git.resolve(head) == head


@pytest.mark.parametrize(
    "name", ["refs/heads/nope", "main", "--all", "refs/heads/main^{tree}", "main:README", "", "0" * 40]
)
async def test_what_is_no_ref_and_no_object_resolves_to_nothing(git: GitRepository, name: str) -> None:
    assert await git.resolve(name) == ""


async def test_branches_are_listed_by_prefix(repo: RepoBuilder, git: GitRepository) -> None:
    repo.git("branch", "orch/api/api-1")
    repo.git("branch", "orchard")
    assert await git.branch_heads("refs/heads/orch/") == {"refs/heads/orch/api/api-1": repo.head()}


async def test_tracked_names_are_found_at_the_top_only(repo: RepoBuilder, git: GitRepository) -> None:
    repo.file("TASK.md", "theirs").file("docs/AGENT_NOTES.md", "x").git("add", "--force", "TASK.md")
    assert await git.tracked(repo.commit(), ["TASK.md", "AGENT_NOTES.md"]) == ("TASK.md",)


async def test_a_commit_that_is_not_there_is_named(git: GitRepository, repo: RepoBuilder) -> None:
    with pytest.raises(GitError, match="deadbeef"):
        await git.merge_base(repo.head(), "deadbeef" * 5)


async def test_ancestors(repo: RepoBuilder, git: GitRepository) -> None:
    base = repo.head()
    idea = repo.branch("idea").file("a", "a").commit()
    main = repo.switch("main").file("b", "b").commit()
    assert await git.merge_base(idea, main) == base
    assert await git.is_ancestor(base, idea)
    assert not await git.is_ancestor(idea, main)


async def test_unrelated_histories_have_no_merge_base(repo: RepoBuilder, git: GitRepository) -> None:
    main = repo.head()
    repo.git("checkout", "--quiet", "--orphan", "island")
    assert await git.merge_base(main, repo.commit()) == ""


async def test_a_shallow_clone_can_be_read(repo: RepoBuilder, tmp_path: Path, state: Path) -> None:
    for number in range(4):
        repo.file("README", f"{number}\n").commit()
    repo.git("clone", "--quiet", "--depth=2", f"file://{repo.path}", str(tmp_path / "clone"))
    git = await GitRepository.open(tmp_path / "clone", state)
    clone = RepoBuilder.at(tmp_path / "clone")
    head = clone.head()
    assert (await git.inspect()).shallow
    assert await git.is_ancestor(clone.head("HEAD~1"), head)
    assert await git.merge_base(head, clone.branch("x").file("n", "n").commit()) == head
    await git.close()


async def test_a_sha256_repository_works(tmp_path: Path, state: Path) -> None:
    path = tmp_path / "long"
    path.mkdir()
    repo = RepoBuilder.at(path)
    repo.git("init", "--quiet", "--object-format=sha256", "--initial-branch=main")
    base = repo.file("a", "a\n").commit()
    git = await GitRepository.open(path, state)
    head = repo.branch("b").file("b", "b\n").commit()
    assert await git.resolve("refs/heads/b") == head
    assert [change.path for change in await git.changes(base, head)] == ["b"]
    assert await git.move("refs/heads/main", head, base, "go")
    await git.close()


async def test_a_linked_worktree_can_be_opened(repo: RepoBuilder, tmp_path: Path, state: Path) -> None:
    repo.worktree(tmp_path / "second", "second")
    git = await GitRepository.open(tmp_path / "second", state)
    assert git.root == tmp_path / "second"
    assert git.common_dir == repo.path / ".git"
    assert (await git.inspect()).branch == "second"
    await git.close()


async def test_reads_do_not_wait_for_one_another(git: GitRepository, repo: RepoBuilder) -> None:
    found = await asyncio.gather(*(git.resolve("refs/heads/main") for _ in range(30)))
    assert set(found) == {repo.head()}


@pytest.mark.parametrize("name", ["two words", "new\nline", "$HOME", "-dash", "uml\u00e4ut", 'quo"te', "a\n"])
async def test_odd_places_of_a_repository_work(tmp_path: Path, state: Path, name: str) -> None:
    repo = RepoBuilder(tmp_path / name)
    base = repo.file("a", "1\n").commit()
    git = await GitRepository.open(repo.path, state)
    assert git.root == repo.path
    new = repo.branch("b").file("a", "2\n").commit()
    repo.switch("main")
    assert await git.move("refs/heads/main", new, base, "go")
    assert await git.sync((await git.checkouts_of("refs/heads/main"))[0], base, new) == ()
    assert repo.status() == ""
    await git.add_worktree(state / "w", "orch/a/a-1", new)
    assert (await git.worktree_state(state / "w", new)).clean
    await git.close()
