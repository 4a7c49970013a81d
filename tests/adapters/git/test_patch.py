from __future__ import annotations

from pathlib import Path

import pytest

from orch_tui.adapters.git.repository import GitRepository
from orch_tui.model.diff import parse_patch
from orch_tui.model.errors import StorageError
from orch_tui.testing.repo import RepoBuilder


async def test_every_kind_of_change_is_told(repo: RepoBuilder, git: GitRepository) -> None:
    many = "".join(f"line {number}\n" for number in range(40))
    repo.file("old name", many).file("script", "#!/bin/sh\n").file("becomes link", "x\n").file("picture", b"\0\1")
    base = repo.link("link", "README").commit()
    repo.rename("old name", "new name").file("script", "#!/bin/sh\n", executable=True).link("becomes link", "README")
    repo.file("picture", b"\0\2").file("added", "1\n2\n").remove("LICENSE").file("README", "one\n2\nthree\n")
    repo.git("update-index", "--add", "--cacheinfo", f"160000,{base},module")
    repo.link("link", "LICENSE")
    (repo.path / "module").mkdir()
    repo.git("add", "--all", "--", ":!module")
    repo.git("commit", "--quiet", "--message=all")
    head = repo.head()
    found = {change.path: change for change in await git.changes(base, head)}
    assert {path: change.kind for path, change in found.items()} == {
        "README": "modified",
        "LICENSE": "deleted",
        "added": "added",
        "becomes link": "type",
        "link": "modified",
        "module": "added",
        "new name": "renamed",
        "picture": "modified",
        "script": "mode",
    }
    assert found["new name"].old_path == "old name"
    assert (found["README"].added, found["README"].removed) == (1, 1)
    assert found["picture"].binary
    assert found["link"].symlink
    assert found["module"].submodule
    assert (found["script"].old_mode, found["script"].new_mode) == ("100644", "100755")


async def test_patch_and_list_join(repo: RepoBuilder, git: GitRepository, tmp_path: Path) -> None:
    base = repo.file('odd "name"\n', "1\n").file("t", "x\n").commit()
    head = (
        repo.file('odd "name"\n', "2\n").link("t", "README").file("README", "1\n").rename("LICENSE", "COPYING").commit()
    )
    into = tmp_path / "diffs" / "api-1.patch"
    size = await git.write_patch(base, head, into)
    changes = await git.changes(base, head)
    assert size == into.stat().st_size
    files = {file.change.path: file for file in parse_patch(into.read_bytes(), changes)}
    assert [line.text for line in files['odd "name"\n'].hunks[0].lines] == ["1", "2"]
    assert files["COPYING"].hunks == ()
    assert len(files["t"].hunks) == 2
    assert [path.name for path in into.parent.iterdir()] == ["api-1.patch"]


async def test_no_difference_is_an_empty_patch(repo: RepoBuilder, git: GitRepository, tmp_path: Path) -> None:
    assert await git.changes(repo.head(), repo.head()) == ()
    assert await git.write_patch(repo.head(), repo.head(), tmp_path / "p") == 0


async def test_a_large_patch_is_streamed(repo: RepoBuilder, git: GitRepository, tmp_path: Path) -> None:
    base = repo.head()
    head = repo.file("big", "x" * 100 + "\n").file("huge", "line\n" * 200_000).file("wide", "y" * 1_000_000).commit()
    size = await git.write_patch(base, head, tmp_path / "p")
    assert size > 2_000_000
    changes = await git.changes(base, head)
    assert {change.path: change.added for change in changes} == {"big": 1, "huge": 200_000, "wide": 1}


async def test_a_place_that_cannot_be_written_is_named(repo: RepoBuilder, git: GitRepository, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="file"):
        await git.write_patch(repo.head(), repo.head(), tmp_path / "file" / "p")
