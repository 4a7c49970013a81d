from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from orch_tui.adapters.git.repository import GitRepository
from orch_tui.model.ids import AgentId, Oid
from orch_tui.model.landing import CommitStamp, FoldMember
from orch_tui.testing.repo import RepoBuilder

from .killing import KillingGit, require_strace

STAMP = CommitStamp("Train", "train@example.org", 1_700_000_000)


def member(agent: str, head: str) -> FoldMember:
    return FoldMember(AgentId(agent), Oid(head), f"Merge {agent}")


@pytest.fixture
def repo(tmp_path: Path) -> RepoBuilder:
    """One commit on main: README of three lines, src/app.py, LICENSE."""
    builder = RepoBuilder(tmp_path / "shop")
    builder.file("README", "one\ntwo\nthree\n").file("src/app.py", "print('hi')\n").file("LICENSE", "MIT\n")
    builder.commit("first")
    return builder


@pytest.fixture
def state(tmp_path: Path) -> Path:
    path = tmp_path / "state"
    path.mkdir()
    return path


@pytest.fixture
async def git(repo: RepoBuilder, state: Path) -> AsyncIterator[GitRepository]:
    opened = await GitRepository.open(repo.path, state)
    yield opened
    await opened.close()


@pytest.fixture
def killing_git(tmp_path: Path) -> KillingGit:
    require_strace()
    return KillingGit(tmp_path / "bin")
