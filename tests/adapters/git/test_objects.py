from __future__ import annotations

import random
from pathlib import Path

import pytest

from orch_tui.adapters.git.repository import GitRepository
from orch_tui.model.errors import GitError
from orch_tui.model.landing import CommitStamp, FoldConflict
from orch_tui.testing.repo import RepoBuilder

from .conftest import STAMP, member


async def test_members_are_merged_one_after_the_other(repo: RepoBuilder, git: GitRepository) -> None:
    base = repo.head()
    a = repo.branch("a").file("a", "a\n").commit()
    b = repo.switch("main").branch("b").file("b", "b\n").commit()
    fold = await git.fold(base, [member("api-1", a), member("api-2", b)], STAMP)
    assert fold.conflict is None
    assert fold.tip == fold.steps[1]
    assert repo.git("rev-parse", f"{fold.steps[0]}^1", f"{fold.steps[0]}^2").split() == [base, a]
    assert repo.git("rev-parse", f"{fold.steps[1]}^1", f"{fold.steps[1]}^2").split() == [fold.steps[0], b]
    assert repo.git("ls-tree", "--name-only", fold.tree).split() == ["LICENSE", "README", "a", "b", "src"]
    assert repo.git("log", "-1", "--format=%an <%ae> %at %s", fold.tip) == (
        "Train <train@example.org> 1700000000 Merge api-2"
    )


async def test_same_inputs_give_the_same_names(repo: RepoBuilder, git: GitRepository, tmp_path: Path) -> None:
    base = repo.head()
    a = repo.branch("a").file("a", "a\n").commit()
    again = await GitRepository.open(repo.path, tmp_path / "other state")
    members = [member("api-1", a)]
    assert await git.fold(base, members, STAMP) == await again.fold(base, members, STAMP)
    later = CommitStamp(STAMP.name, STAMP.email, STAMP.at + 1)
    assert (await git.fold(base, members, later)).tip != (await git.fold(base, members, STAMP)).tip
    await again.close()


async def test_a_fold_of_nothing_is_the_base(repo: RepoBuilder, git: GitRepository) -> None:
    fold = await git.fold(repo.head(), [], STAMP)
    assert (fold.steps, fold.tip, fold.tree) == ((), repo.head(), repo.tree())


async def test_a_conflict_names_the_member_that_causes_it(repo: RepoBuilder, git: GitRepository) -> None:
    base = repo.head()
    a = repo.branch("a").file("x", "x\n").commit()
    b = repo.switch("main").branch("b").file("README", "b\n").commit()
    c = repo.switch("main").branch("c").file("y", "y\n").commit()
    d = repo.switch("main").branch("d").file("README", "d\n").commit()
    fold = await git.fold(base, [member(name, oid) for name, oid in zip("abcd", (a, b, c, d), strict=True)], STAMP)
    assert fold.conflict == FoldConflict("d", "b", ("README",))
    assert len(fold.steps) == 3


async def test_a_conflict_with_the_target_says_so(repo: RepoBuilder, git: GitRepository) -> None:
    a = repo.branch("a").remove("LICENSE").file("other", "a").commit()
    base = repo.switch("main").file("LICENSE", "MIT or so\n").commit()
    fold = await git.fold(base, [member("api-1", a)], STAMP)
    assert fold.conflict == FoldConflict("api-1", "target", ("LICENSE",))


async def test_a_commit_that_is_missing_is_no_conflict(repo: RepoBuilder, git: GitRepository) -> None:
    for wrong in ("0" * 40, repo.tree(), "", "main", "-h"):
        with pytest.raises(GitError, match="no such commit"):
            await git.fold(repo.head(), [member("api-1", wrong)], STAMP)


async def test_unrelated_histories_are_no_conflict(repo: RepoBuilder, git: GitRepository) -> None:
    base = repo.head()
    repo.git("checkout", "--quiet", "--orphan", "island")
    with pytest.raises(GitError, match="merge-tree"):
        await git.fold(base, [member("api-1", repo.file("z", "z").commit())], STAMP)


async def test_an_operators_attributes_count_as_in_a_real_merge(repo: RepoBuilder, git: GitRepository) -> None:
    repo.file(".gitattributes", "CHANGES merge=union\n").file("CHANGES", "start\n")
    repo.file("deep dir/.gitattributes", "LOG merge=union\n*.bin -merge\n").file("deep dir/more/LOG", "start\n")
    base = repo.commit()
    one = repo.branch("a").file("CHANGES", "start\na\n").file("deep dir/more/LOG", "start\na\n").commit()
    two = repo.switch("main").branch("b").file("CHANGES", "start\nb\n").file("deep dir/more/LOG", "start\nb\n").commit()
    fold = await git.fold(base, [member("a", one), member("b", two)], STAMP)
    repo.switch("main").branch("real")
    assert repo.merge("a", "b")
    assert fold.tree == repo.tree()


async def test_a_member_cannot_decide_how_the_others_are_merged(repo: RepoBuilder, git: GitRepository) -> None:
    base = repo.head()
    trick = repo.branch("trick").file(".gitattributes", "* merge=union\n").commit()
    a = repo.switch("main").branch("a").file("README", "a\n").commit()
    b = repo.switch("main").branch("b").file("README", "b\n").commit()
    fold = await git.fold(base, [member("t", trick), member("a", a), member("b", b)], STAMP)
    assert fold.conflict == FoldConflict("b", "a", ("README",))


async def test_a_landing_has_the_tips_tree_and_both_parents(repo: RepoBuilder, git: GitRepository) -> None:
    base = repo.head()
    a = repo.branch("a").file("a", "a\n").commit()
    fold = await git.fold(base, [member("api-1", a)], STAMP)
    landing = await git.commit_landing(base, fold.tip, "Land api\n\nOrch-Batch: 20260101-api-1", STAMP)
    assert repo.tree(landing) == fold.tree
    assert repo.git("rev-parse", f"{landing}^@").split() == [base, fold.tip]
    assert repo.git("log", "-1", "--format=%(trailers:key=Orch-Batch,valueonly)", landing).strip() == "20260101-api-1"
    assert await git.commit_landing(base, fold.tip, "Land api\n\nOrch-Batch: 20260101-api-1", STAMP) == landing


async def test_odd_words_in_names_and_messages_are_tamed(repo: RepoBuilder, git: GitRepository) -> None:
    stamp = CommitStamp("Ev<il>\n\nparent x", "a@b>\n", 1_700_000_000)
    made = await git.commit_landing(repo.head(), repo.head(), "nul \0 and \udcff", stamp)
    assert repo.git("log", "-1", "--format=%an|%ae", made) == "Ev il   parent x|a@b"
    repo.git("fsck", "--strict", "--no-dangling")


async def test_a_revert_gives_the_tree_of_gits_own(repo: RepoBuilder, git: GitRepository) -> None:
    base = repo.head()
    a = repo.branch("a").file("README", "one\ntwo\n3\n").file("a", "a\n").commit()
    fold = await git.fold(base, [member("a", a)], STAMP)
    landed = await git.commit_landing(base, fold.tip, "land", STAMP)
    repo.git("branch", "--force", "main", landed)
    tip = repo.switch("main").file("src/app.py", "later\n").file("README", "1\ntwo\n3\n").commit()
    repo.git("revert", "--no-edit", "-m", "1", landed, ok=False)
    conflicted = repo.git("diff", "--name-only", "--diff-filter=U").split()
    reverted = await git.revert(base, landed, tip, "back", STAMP)
    if conflicted:
        assert reverted.conflict == FoldConflict("", "target", tuple(conflicted))
    else:
        assert reverted.tree == repo.tree()


async def test_a_clean_revert_is_one_commit_on_the_tip(repo: RepoBuilder, git: GitRepository) -> None:
    base = repo.head()
    a = repo.branch("a").file("LICENSE", "BSD\n").file("a", "a\n").commit()
    landed = await git.commit_landing(base, (await git.fold(base, [member("a", a)], STAMP)).tip, "land", STAMP)
    repo.git("branch", "--force", "main", landed)
    tip = repo.switch("main").file("src/app.py", "later\n").commit()
    reverted = await git.revert(base, landed, tip, "back\n\nOrch-Reverts: 1", STAMP)
    repo.git("revert", "--no-edit", "-m", "1", landed)
    assert (reverted.conflict, reverted.tree) == (None, repo.tree())
    assert repo.git("rev-parse", f"{reverted.tip}^@") == tip
    again = await git.revert(tip, reverted.tip, reverted.tip, "again", STAMP)
    assert again.tree == repo.tree(tip)


async def test_a_revert_that_conflicts_names_the_files(repo: RepoBuilder, git: GitRepository) -> None:
    base = repo.head()
    landed = repo.file("README", "one\n2\nthree\n").commit()
    tip = repo.file("README", "one\nzwei\nthree\n").commit()
    reverted = await git.revert(base, landed, tip, "back", STAMP)
    assert reverted.conflict == FoldConflict("", "target", ("README",))
    assert (reverted.steps, reverted.tip) == ((), tip)


def scribble(repo: RepoBuilder, dice: random.Random) -> None:
    """Changes some of what random repositories are made of."""
    for _ in range(dice.randint(1, 4)):
        number = dice.randrange(8)
        name = f"dir{number % 3}/file{number}"
        path = repo.path / name
        match dice.randrange(9):
            case 0 | 1 | 2 if path.is_file() and not path.is_symlink():
                lines = path.read_bytes().split(b"\n")
                at = dice.randrange(len(lines))
                lines[at : at + 1] = [b"changed %d" % dice.randrange(100), *lines[at + 1 : at + 2]]
                repo.file(name, b"\n".join(lines))
            case 3 if path.is_file() and not path.is_symlink():
                repo.rename(name, f"dir{dice.randrange(3)}/moved{number}")
            case 4 if path.exists():
                repo.remove(name)
            case 5:
                repo.file(f"dir{number % 3}/new{dice.randrange(5)}", f"{dice.randrange(3)}\n")
            case 6 if path.is_file():
                path.chmod(path.stat().st_mode ^ 0o111)
            case 7:
                repo.link(f"dir1/link{number % 2}", f"file{dice.randrange(3)}")
            case _:
                repo.file("CHANGES", (repo.path / "CHANGES").read_bytes() + b"entry %d\n" % dice.randrange(50))


@pytest.mark.parametrize("seed", range(14))
async def test_a_fold_gives_what_real_merges_give(tmp_path: Path, state: Path, seed: int) -> None:
    dice = random.Random(seed)  # noqa: S311 - chance, not secrecy
    repo = RepoBuilder(tmp_path / "random")
    repo.file(".gitattributes", "CHANGES merge=union\n*.bat text eol=crlf\n").file("CHANGES", "start\n")
    repo.file("dir2/.gitattributes", "*2 -text\nfile5 merge=binary\n")
    for number in range(8):
        ending = "\r\n" if number == 3 else "\n"
        repo.file(f"dir{number % 3}/file{number}", ending.join(f"line {line} of {number}" for line in range(30)))
    repo.file("blob", bytes(range(256))).file("run.bat", "echo\r\n").link("dir1/link0", "file1")
    base = repo.commit()
    names = [f"agent-{number}" for number in range(5)]
    for name in names:
        repo.switch("main").branch(name)
        scribble(repo, dice)
        repo.commit()
    git = await GitRepository.open(repo.path, state)
    landed = list[str]()
    for name in names:  # a member that conflicts is left out, in both worlds
        tried = [*landed, name]
        members = [member(each, repo.head(each)) for each in tried]
        fold = await git.fold(base, members, STAMP)
        repo.git("checkout", "--quiet", "--force", "-B", "real", base)
        assert repo.merge(*tried) == (fold.conflict is None), f"seed {seed}, {tried}"
        if fold.conflict is None:
            assert fold.tree == repo.tree(), f"seed {seed}, {tried}"
            assert await git.conserved(base, members, fold.tip) == ""
            landed = tried
    assert landed
    await git.close()


async def test_conservation_sees_a_dropped_member_a_wrong_tree_and_a_wrong_base(
    repo: RepoBuilder, git: GitRepository
) -> None:
    base = repo.head()
    a = repo.branch("a").file("a", "a\n").commit()
    b = repo.switch("main").branch("b").file("README", "b\n").remove("LICENSE").commit()
    members = [member("a", a), member("b", b)]
    good = await git.fold(base, members, STAMP)
    only_a = await git.fold(base, members[:1], STAMP)
    foreign = repo.switch("main").branch("f").file("foreign", "f\n").commit()
    wrong_base = await git.fold(foreign, members, STAMP)
    changed = repo.switch(good.tip).file("a", "A\n").commit()
    assert await git.conserved(base, members, good.tip) == ""
    assert "b" in await git.conserved(base, members, only_a.tip)
    assert "foreign" in await git.conserved(base, members, wrong_base.tip)
    assert await git.conserved(base, members, changed) == "a: the batch does not hold what a made of it"
    assert await git.conserved(base, members, base) != ""


async def test_conservation_allows_what_two_changed(repo: RepoBuilder, git: GitRepository) -> None:
    lines = [f"{number}\n" for number in range(20)]
    base = repo.file("f", "".join(lines)).commit()
    a = repo.branch("a").file("f", "first\n" + "".join(lines)).commit()
    b = repo.switch("main").branch("b").rename("f", "g").commit()
    c = repo.switch("main").branch("c").file("f", "".join(lines) + "last\n").commit()
    members = [member("a", a), member("b", b), member("c", c)]
    fold = await git.fold(base, members, STAMP)
    assert repo.git("show", f"{fold.tip}:g") == "first\n" + "".join(lines) + "last"
    assert await git.conserved(base, members, fold.tip) == ""


async def test_a_member_behind_the_target_is_conserved(repo: RepoBuilder, git: GitRepository) -> None:
    a = repo.branch("a").file("a", "a\n").file("README", "1\ntwo\nthree\n").commit()
    base = repo.switch("main").file("README", "one\ntwo\nthree\nfour\n").file("m", "m").commit()
    members = [member("a", a)]
    fold = await git.fold(base, members, STAMP)
    assert fold.conflict is None
    assert await git.conserved(base, members, fold.tip) == ""


async def test_objects_that_nobody_names_survive_a_prune_here(
    repo: RepoBuilder, git: GitRepository, state: Path
) -> None:
    loose = repo.branch("a").file("a", "a\n").commit()
    private = RepoBuilder.at(state / "git", GIT_OBJECT_DIRECTORY=str(repo.path / ".git" / "objects"))
    for command in (("prune", "--expire=now"), ("gc", "--prune=now", "--quiet"), ("repack", "-d", "-a", "-q")):
        private.git(*command, ok=False)
    repo.git("fsck", "--connectivity-only")
    assert await git.resolve("refs/heads/a") == loose


async def test_submodule_links_merge_as_links(repo: RepoBuilder, git: GitRepository, tmp_path: Path) -> None:
    first, second = repo.head(), repo.file("x", "x").commit()
    repo.git("update-index", "--add", "--cacheinfo", f"160000,{first},module")
    repo.git("commit", "--quiet", "--message=module")
    base = repo.head()
    repo.branch("a").git("update-index", "--cacheinfo", f"160000,{second},module")
    repo.git("commit", "--quiet", "--message=newer module")
    a = repo.head()
    repo.git("checkout", "--quiet", "--force", "-B", "b", base)
    (repo.path / "module").mkdir(exist_ok=True)
    repo.file("y", "y").git("add", "y")
    repo.git("commit", "--quiet", "--message=y")
    members = [member("a", a), member("b", repo.head())]
    fold = await git.fold(base, members, STAMP)
    assert repo.git("rev-parse", f"{fold.tip}:module") == second
    assert await git.conserved(base, members, fold.tip) == ""
    await git.add_worktree(tmp_path / "w", "orch/a/a-1", fold.tip)
    assert (await git.worktree_state(tmp_path / "w", base)).clean


async def test_criss_cross_histories_merge_as_git_merges_them(repo: RepoBuilder, git: GitRepository) -> None:
    many = [f"{number}\n" for number in range(30)]
    repo.file("f", "".join(many)).commit()
    repo.branch("a").file("f", "A\n" + "".join(many)).commit()
    repo.switch("main").branch("b").file("f", "".join(many) + "B\n").commit()
    at_a, at_b = repo.head("a"), repo.head("b")
    repo.switch("a").merge(at_b)
    repo.switch("b").merge(at_a)
    repo.switch("a").file("f", "A2\n" + "".join(many) + "B\n").commit()
    repo.switch("b").file("f", "A\n" + "".join(many) + "B2\n").commit()
    members = [member("b", repo.head("b"))]
    fold = await git.fold(repo.head("a"), members, STAMP)
    assert repo.switch("a").merge("b")
    assert fold.tree == repo.tree()
    assert await git.conserved(repo.head("a^1"), members, fold.tip) == ""
