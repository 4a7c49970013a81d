from __future__ import annotations

import pytest

from orch_tui.adapters.git import porcelain
from orch_tui.adapters.git.porcelain import Merge

A, B = "a" * 40, "b" * 40


@pytest.mark.parametrize(
    ("status", "out", "expected"),
    [
        (0, f"{A}\0".encode(), Merge(porcelain.Oid(A), True, ())),
        (1, f"{A}\0x y\0z\nz\0x y\0".encode(), Merge(porcelain.Oid(A), False, ("x y", "z\nz"))),
        (1, b"", None),
        (1, b"merge-tree: deadbeef - not something we can merge", None),
        (128, f"{A}\0".encode(), None),
        (0, b"abc\0", None),
    ],
)
def test_a_merge_counts_only_with_a_tree(status: int, out: bytes, expected: Merge | None) -> None:
    assert porcelain.merge(status, out) == expected


def test_many_merges_are_read_as_far_as_they_go() -> None:
    out = f"1\0{A}\0\0" + f"0\0{B}\0one\0two\0\0" + f"1\0{A}\0\0"
    found = porcelain.merges(out.encode())
    assert [(merge.clean, merge.files) for merge in found] == [(True, ()), (False, ("one", "two")), (True, ())]
    assert porcelain.merges(b"") == ()
    assert len(porcelain.merges(out.encode() + b"rubbish")) == 3


def test_worktrees_are_read_with_any_name() -> None:
    out = (
        f"worktree /a b\nc\0HEAD {A}\0branch refs/heads/x\0locked why\nnot\0\0"
        f"worktree /d\0HEAD {B}\0detached\0\0worktree /e\0bare\0\0"
    )
    first, second, third = porcelain.worktrees(out.encode())
    assert (first.path, first.head, first.branch, first.locked) == ("/a b\nc", A, "refs/heads/x", True)
    assert (second.branch, second.locked, third.bare) == ("", False, True)


def test_counts_that_do_not_belong_to_the_list_are_an_error() -> None:
    with pytest.raises(ValueError, match="zip"):
        porcelain.changes(f":100644 100644 {A} {B} M\0x\0".encode())


def test_names_keep_their_bytes() -> None:
    assert porcelain.names(b"a\xff\0b\n\0") == ("a\udcff", "b\n")
    assert porcelain.listed(["a\udcff", "b\n"]) == b"a\xff\0b\n\0"


@pytest.mark.parametrize(
    "name", ["HEAD", "refs/heads/main", "refs/tags/v1.0", "refs/heads/uml\u00e4ut", "refs/heads/@"]
)
def test_full_names_are_refs(name: str) -> None:
    assert porcelain.is_ref(name)


@pytest.mark.parametrize(
    "name",
    ["", "main", "refs/", "refs/heads/a..b", "refs/heads/a b", "refs/heads/a^", "refs/heads/a.lock", "refs/heads/a/",
     "refs/heads//a", "refs/heads/.a", "refs/heads/a\n", "refs/heads/a@{1}", "refs/heads/a.", "-refs/heads/a"],
)  # fmt: skip
def test_what_could_mean_something_else_is_no_ref(name: str) -> None:
    assert not porcelain.is_ref(name)
