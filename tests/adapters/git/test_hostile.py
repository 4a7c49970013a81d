"""Whatever an agent plants in the shared repository, no method of ours runs it."""

from __future__ import annotations

from pathlib import Path

import pytest

from orch_tui.adapters.git.repository import GitRepository
from orch_tui.model.errors import OrchError
from orch_tui.model.ids import Oid
from orch_tui.testing.repo import RepoBuilder

from .conftest import STAMP, member

HOOKS = [
    "applypatch-msg",
    "pre-applypatch",
    "post-applypatch",
    "pre-commit",
    "pre-merge-commit",
    "prepare-commit-msg",
    "commit-msg",
    "post-commit",
    "pre-rebase",
    "post-checkout",
    "post-merge",
    "pre-push",
    "pre-receive",
    "update",
    "proc-receive",
    "post-receive",
    "post-update",
    "reference-transaction",
    "push-to-checkout",
    "pre-auto-gc",
    "post-rewrite",
    "sendemail-validate",
    "fsmonitor-watchman",
    "post-index-change",
]
ATTRIBUTES = "* filter=evil diff=evil merge=evil\n*.proc filter=evilproc\n"


class Trap:
    """A script that writes down that it ran."""

    def __init__(self, directory: Path) -> None:
        directory.mkdir()
        self.log = directory / "ran"
        self.script = directory / "canary.sh"
        self.script.write_text(f'#!/bin/sh\necho "$0 $*" >> {self.log}\ncat\n')
        self.script.chmod(0o755)

    @property
    def ran(self) -> str:
        return self.log.read_text() if self.log.exists() else ""


def plant(repo: RepoBuilder, trap: Trap, vector: str) -> None:
    canary = str(trap.script)
    match vector:
        case "fsmonitor":
            repo.config("core.fsmonitor", canary)
        case "hooksPath":
            for hook in HOOKS:
                (trap.script.parent / hook).write_text(trap.script.read_text())
                (trap.script.parent / hook).chmod(0o755)
            repo.config("core.hooksPath", str(trap.script.parent))
        case "hooks":
            for hook in HOOKS:
                repo.hook(hook, f"exec {canary} {hook} </dev/null")
        case "diff.external":
            repo.config("diff.external", canary)
        case "textconv":
            repo.config("diff.evil.textconv", canary).config("diff.evil.command", canary)
        case "filter":
            repo.config("filter.evil.smudge", canary).config("filter.evil.clean", canary)
            repo.config("filter.evil.required", "true")
        case "process":
            repo.config("filter.evilproc.process", canary).config("filter.evil.process", canary)
        case "merge driver":
            repo.config("merge.evil.driver", f"{canary} %O %A %B").config("merge.default", "evil")
        case "programs":
            for key in ("sshCommand", "pager", "editor", "askPass", "gitProxy", "alternateRefsCommand"):
                repo.config(f"core.{key}", canary)
            repo.config("credential.helper", canary).config("gpg.program", canary).config("commit.gpgSign", "true")
            repo.config("tag.gpgSign", "true").config("sequence.editor", canary)
        case "alias":
            for name in ("update-ref", "read-tree", "rev-parse", "worktree", "merge-tree", "diff-tree", "for-each-ref"):
                repo.config(f"alias.{name}", f"!{canary}")
        case "include":
            included = trap.script.parent / "config"
            included.write_text(
                f"[core]\n\tfsmonitor = {canary}\n\thooksPath = {trap.script.parent}\n[diff]\n\texternal = {canary}\n"
            )
            (trap.script.parent / "reference-transaction").write_text(trap.script.read_text())
            (trap.script.parent / "reference-transaction").chmod(0o755)
            repo.config("include.path", str(included))
        case "worktreeConfig":
            repo.config("extensions.worktreeConfig", "true")
            repo.git("config", "--worktree", "core.fsmonitor", canary)
            repo.git("config", "--worktree", "filter.evil.clean", canary)
        case "promisor":
            repo.config("core.repositoryFormatVersion", "1").config("extensions.partialClone", "origin")
            repo.config("remote.origin.url", "ssh://nowhere/x").config("remote.origin.promisor", "true")
            repo.config("core.sshCommand", canary).config("remote.origin.uploadpack", canary)
        case "attributesFile":
            evil = trap.script.parent / "attributes"
            evil.write_text(ATTRIBUTES)
            repo.config("core.attributesFile", str(evil)).config("filter.evil.clean", canary)
        case _:
            raise AssertionError(vector)


VECTORS = [
    "fsmonitor", "hooksPath", "hooks", "diff.external", "textconv", "filter", "process", "merge driver", "programs",
    "alias", "include", "worktreeConfig", "promisor", "attributesFile",
]  # fmt: skip


@pytest.fixture
def trap(tmp_path: Path) -> Trap:
    return Trap(tmp_path / "trap")


@pytest.mark.parametrize("vector", ["filter", "hooks", "fsmonitor"])
def test_the_trap_catches_plain_git(repo: RepoBuilder, trap: Trap, vector: str) -> None:
    repo.file(".gitattributes", ATTRIBUTES).commit()
    plant(repo, trap, vector)
    repo.file("README", "changed\n").git("status", ok=False)
    repo.git("update-ref", "refs/heads/x", "HEAD", ok=False)
    assert trap.ran


@pytest.mark.parametrize("vector", VECTORS)
async def test_nothing_planted_ever_runs(
    repo: RepoBuilder, trap: Trap, state: Path, tmp_path: Path, vector: str
) -> None:
    base = repo.file(".gitattributes", ATTRIBUTES).file("a.proc", "p\n").commit()
    a = repo.branch("a").file("README", "one\n2\nthree\n").file("new.proc", "n\n").commit()
    b = repo.switch("main").branch("b").file("README", "b\ntwo\nthree\n").commit()
    c = repo.switch("main").branch("c").file("LICENSE", "BSD\n").commit()
    repo.switch("main")
    plant(repo, trap, vector)
    (repo.path / ".git" / "info" / "attributes").write_text(ATTRIBUTES)
    trap.log.unlink(missing_ok=True)
    git = await GitRepository.open(repo.path, state)
    await every_method(git, repo, base, (a, b, c), tmp_path)
    await git.close()
    assert trap.ran == ""


async def every_method(
    git: GitRepository, repo: RepoBuilder, base: Oid, heads: tuple[Oid, Oid, Oid], tmp_path: Path
) -> None:
    a, b, c = (member(name, oid) for name, oid in zip("abc", heads, strict=True))
    place = tmp_path / "w"
    await git.inspect()
    assert await git.resolve("refs/heads/main") == base
    assert await git.resolve("12345678" * 5) == ""
    await git.branch_heads("refs/heads")
    await git.tracked(a.head, ["TASK.md"])
    await git.add_worktree(place, "orch/api/api-1", a.head)
    assert (place / "new.proc").read_text() == "n\n"
    (place / "README").write_text("dirty\n")
    (place / "fresh.proc").write_text("dirty\n")
    assert set((await git.worktree_state(place, a.head)).dirty) == {"README", "fresh.proc"}
    await git.backup_worktree(place, "refs/orch/backup/api-1/1")
    await git.remove_worktree(place)
    await git.changes(a.head, b.head)
    await git.write_patch(a.head, b.head, tmp_path / "patch")
    await git.merge_base(a.head, b.head)
    await git.is_ancestor(a.head, b.head)
    assert (await git.fold(c.head, [a, b], STAMP)).conflict is not None
    fold = await git.fold(c.head, [a], STAMP)
    assert await git.conserved(c.head, [a], fold.tip) == ""
    landing = await git.commit_landing(c.head, fold.tip, "land", STAMP)
    await git.pin("refs/orch/batch/1/new", landing)
    await git.unpin("refs/orch/batch/1/new")
    await git.tag("pre-feature-batch-1", c.head, "before", STAMP)
    assert await git.move("refs/heads/main", landing, base, "land")
    assert await git.checkouts_of("refs/heads/main") == (repo.path,)
    assert await git.can_follow(repo.path, base, landing) == ()
    assert await git.sync(repo.path, base, landing) == ()
    assert (repo.path / "new.proc").read_text() == "n\n"
    await git.pushed(landing)
    assert (await git.revert(c.head, landing, landing, "back", STAMP)).conflict is None
    with pytest.raises(OrchError):
        await git.add_worktree(repo.path / "src", "main", landing)
