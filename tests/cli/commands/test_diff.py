from __future__ import annotations

import json

import pytest

from orch_tui.model.diff import FileChange
from orch_tui.model.verbs import DiffFile, ReadDiff
from tests.cli.conftest import BASE, HEAD

PATCH = b"diff --git a/x b/x\n--- a/x\n+++ b/x\n@@ -1 +1 @@\n-old\n+new \x1b[2J\xff\n"


@pytest.fixture
def diff(mission, tmp_path):
    path = tmp_path / "x.patch"
    path.write_bytes(PATCH)
    files = (
        FileChange("x", "modified", added=1, removed=1),
        FileChange(b"odd\xff name".decode("utf-8", "surrogateescape"), "renamed", old_path="old\nname"),
        FileChange("logo.png", "added", binary=True),
    )
    mission.answers[ReadDiff] = DiffFile(str(path), len(PATCH), BASE, HEAD, files)
    return path


def test_a_patch_for_another_program_comes_byte_for_byte(run, mission, diff):
    assert run("diff", "--agent", "api-1").stdout_bytes == PATCH
    assert mission.done[0][0] == ReadDiff(agent="api-1")


def test_stat_lists_the_files(run, diff, snapshot):
    assert run("diff", "--stream", "api", "--stat").stdout == snapshot


def test_json_names_commits_files_and_the_patch(run, diff):
    answer = json.loads(run("diff", "--agent", "api-1", "--json").stdout)
    assert (answer["base"], answer["head"], answer["path"]) == (BASE, HEAD, str(diff))
    assert [file["path"] for file in answer["files"]] == ["x", "odd\\xff name", "logo.png"]


def test_a_patch_that_is_gone_is_told(run, diff):
    diff.unlink()
    result = run("diff", "--agent", "api-1")
    assert result.exit_code == 3
    assert "the diff cannot be read" in result.stderr


def test_it_needs_exactly_one_scope(run):
    assert run("diff").exit_code == 2
    assert run("diff", "--agent", "a-1", "--stream", "a").exit_code == 2
