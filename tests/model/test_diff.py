from __future__ import annotations

import pytest

from orch_tui.model.diff import FileChange, parse_patch, readable

PATCH = (
    b"diff --git a/a b/a\nindex 1..2 100644\n--- a/a\n+++ b/a\n"
    b"@@ -1,3 +1,4 @@ def f():\n one\n-two\n+2\n+2.5\n three\n"
    b"@@ -10 +11 @@\n-x\n\\ No newline at end of file\n+y\n\\ No newline at end of file\n"
)


def changed(path: str = "a", kind: str = "modified", **more: object) -> FileChange:
    return FileChange(path=path, kind=kind, **more)  # type: ignore[arg-type]


def test_blocks_and_lines_are_numbered_on_both_sides() -> None:
    (file,) = parse_patch(PATCH, [changed()])
    first, second = file.hunks
    assert first.heading == "def f():"
    assert [(line.kind, line.text, line.old, line.new) for line in first.lines] == [
        ("context", "one", 1, 1),
        ("removed", "two", 2, 0),
        ("added", "2", 0, 2),
        ("added", "2.5", 0, 3),
        ("context", "three", 3, 4),
    ]
    assert (second.old_start, second.old_count, second.new_start, second.new_count) == (10, 1, 11, 1)
    assert [line.ends for line in second.lines] == [False, False]


def test_content_that_looks_like_a_header_is_content() -> None:
    patch = (
        b"diff --git a/a b/a\n--- a/a\n+++ b/a\n@@ -1,2 +1,2 @@\n-diff --git a/x b/x\n-@@ -1 +1 @@\n"
        b"+++ b/evil\n+--- a/evil\ndiff --git a/b b/b\nold mode 100644\nnew mode 100755\n"
    )
    first, second = parse_patch(patch, [changed(), changed("b", "mode")])
    assert [line.text for line in first.hunks[0].lines] == [
        "diff --git a/x b/x",
        "@@ -1 +1 @@",
        "++ b/evil",
        "--- a/evil",
    ]
    assert second.hunks == ()


def test_only_a_newline_ends_a_line() -> None:
    patch = "diff --git a/a b/a\n@@ -0,0 +1,2 @@\n+a\r\x0c\u2028b\n+\udcff\n".encode("utf-8", "surrogateescape")
    (file,) = parse_patch(patch, [changed()])
    assert [line.text for line in file.hunks[0].lines] == ["a\r\x0c\u2028b", "\udcff"]


def test_a_change_of_type_takes_two_sections() -> None:
    patch = (
        b"diff --git a/l b/l\ndeleted file mode 100644\n@@ -1 +0,0 @@\n-x\n"
        b"diff --git a/l b/l\nnew file mode 120000\n@@ -0,0 +1 @@\n+y\n\\ No newline at end of file\n"
        b"diff --git a/z b/z\n@@ -1 +1 @@\n-1\n+2\n"
    )
    link, last = parse_patch(patch, [changed("l", "type"), changed("z")])
    assert [line.text for hunk in link.hunks for line in hunk.lines] == ["x", "y"]
    assert [line.text for line in last.hunks[0].lines] == ["1", "2"]


def test_an_empty_patch_has_no_files() -> None:
    assert parse_patch(b"", []) == ()


def test_a_patch_that_ends_early_is_an_error() -> None:
    with pytest.raises(ValueError, match="ends before b"):
        parse_patch(PATCH, [changed(), changed("b")])


def test_a_truncated_block_keeps_what_is_there() -> None:
    (file,) = parse_patch(PATCH[:90], [changed()])
    assert len(file.hunks) == 1


def test_names_become_readable() -> None:
    assert readable("a\udcffb\u00e4") == "a\\xffb\u00e4"


def test_links_and_submodules_are_recognised() -> None:
    assert changed(new_mode="120000").symlink
    assert changed(old_mode="160000").submodule
    assert not changed(old_mode="100644", new_mode="100755").symlink
