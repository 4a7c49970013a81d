from __future__ import annotations

from pathlib import Path

import pytest

from orch_tui.adapters.git.private import configuration, joined_attributes
from orch_tui.adapters.git.repository import GitRepository
from orch_tui.testing.repo import RepoBuilder


def test_only_plain_values_of_known_words_are_copied() -> None:
    text = configuration(
        {
            "core.autocrlf": "INPUT",
            "core.eol": "!evil",
            "core.ignorecase": "true\n[core]\n\tfsmonitor = evil",
            "filter.evil.clean": "evil",
            "core.hookspath": "/evil",
        },
        "sha1",
    )
    assert "autocrlf = input" in text
    assert "evil" not in text
    assert "preciousobjects = true" in text
    assert "hookspath = /dev/null" in text


@pytest.mark.parametrize(
    ("directory", "line", "expected"),
    [
        ("", "*.txt text", "*.txt text"),
        ("", "[attr]my text", "[attr]my text"),
        ("sub", "*.txt text", "sub/**/*.txt text"),
        ("sub", "/x -text", "sub/x -text"),
        ("sub", "a/b -text", "sub/a/b -text"),
        ("sub", "[attr]my text", ""),
        ("sub", "# talk", ""),
        ("sub", "!x text", ""),
        ("two words", "x text", '"two words/**/x" text'),
        ("sub", '"a b" text', '"sub/**/a b" text'),
        ("s[u]b", "x text", "s\\[u\\]b/**/x text".replace("\\]", "]")),
        ("uml\u00e4ut", "x text", '"uml\\303\\244ut/**/x" text'),
    ],
)
def test_attributes_of_a_directory_are_said_from_the_top(directory: str, line: str, expected: str) -> None:
    assert joined_attributes({directory: f"{line}\r\n\n"}) == (f"{expected}\n" if expected else "")


def test_deeper_files_come_later() -> None:
    assert joined_attributes({"a/b": "x 3", "": "x 1", "a": "x 2"}) == "x 1\na/**/x 2\na/b/**/x 3\n"


@pytest.mark.parametrize("name", ["plain", "two words", "s[u]b", "st*r", "uml\u00e4ut", 'quo"te', "back\\slash"])
async def test_git_reads_the_joined_attributes_as_the_single_ones(
    repo: RepoBuilder, state: Path, tmp_path: Path, name: str
) -> None:
    own = '*.bin -merge\n/top merge=union\nin/deep merge=binary\n"a b" merge=union\n'
    repo.file(f"{name}/.gitattributes", own).commit()
    paths = [f"{name}/{path}" for path in ("x.bin", "in/x.bin", "top", "in/top", "in/deep", "a b", "in/a b")] + [
        "x.bin"
    ]
    expected = repo.git("check-attr", "merge", "--", *paths)
    plain = RepoBuilder(tmp_path / "plain")
    (plain.path / ".git" / "info" / "attributes").write_text(joined_attributes({name: own}))
    assert plain.git("check-attr", "merge", "--", *paths) == expected


async def test_the_directory_is_made_once_and_brought_up_to_date(repo: RepoBuilder, state: Path) -> None:
    await (await GitRepository.open(repo.path, state)).close()
    assert "autocrlf" not in (state / "git" / "config").read_text()
    repo.config("core.autocrlf", "input")
    await (await GitRepository.open(repo.path, state)).close()
    assert "autocrlf = input" in (state / "git" / "config").read_text()
    assert (state / "git" / "objects" / "info" / "alternates").read_text() == f"{repo.path}/.git/objects\n"
    assert not [path for path in (state / "git" / "refs").rglob("*") if path.is_file()]
