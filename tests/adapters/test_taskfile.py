from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orch_tui.adapters.taskfile import LARGEST, parse, read_plan, tick
from orch_tui.model.errors import ConfigError, Refused, StorageError
from orch_tui.model.tasks import plan
from tests.adapters.unprivileged import unprivileged

DATA = Path(__file__).parents[1] / "data" / "plans"

GUIDE = {
    "Infrastructure": (3, 3, 2, 2),
    "Core Services": (4, 3, 3, 2, 2, 1),
    "API & Integration": (3, 2, 2, 1),
    "Security & Compliance": (2, 2, 2, 2, 2),
    "Operations": (3, 2, 2),
}
"""The scaling guide's settlement platform: streams and the agents of their tasks."""

PLAN = "# Epic: E\n\n## Stream 1: Core (3 agents)\n- [ ] One (2 agents)\n    - left\n    - right\n- [x] Two (1 agent)\n"


def guide_text() -> str:
    lines = ["# Epic: Real-Time Settlement Platform", ""]
    for number, (name, counts) in enumerate(GUIDE.items(), 1):
        lines.append(f"## Stream {number}: {name} ({sum(counts)} agents)")
        lines += [
            f"- [ ] CI/CD + part {n}, v2.0 ({count} agent{'s' if count > 1 else ''})" for n, count in enumerate(counts)
        ]
        lines.append("")
    return "\n".join(lines)


def test_the_guides_fifty_agents_parse_without_a_complaint() -> None:
    made = plan(parse(guide_text()))
    assert made.problems == ()
    assert (made.epic.title, made.epic.size, made.epic.agents) == ("Real-Time Settlement Platform", "enterprise", 50)
    assert [(s.number, s.key, s.domain, s.agents, s.after) for s in made.epic.streams] == [
        (1, "infrastructure", "infrastructure", 10, ()),
        (2, "core-services", "backend", 15, ("infrastructure",)),
        (3, "api-integration", "api", 8, ("core-services",)),
        (4, "security-compliance", "security", 10, ("api-integration",)),
        (5, "operations", "operations", 7, ("security-compliance",)),
    ]
    assert made.epic.streams[1].tasks[5].agents == 1


def test_prose_headings_and_code_may_surround_a_plan() -> None:
    made = read_plan(DATA / "surrounded.md")
    assert made.epic.title == "Surrounded"
    assert made.problems == ()
    first, core = made.epic.streams
    assert (first.name, first.key, first.agents, first.line) == ('First — the "odd" one', "first-the-odd-one", 3, 16)
    assert [(task.title, task.agents, task.done, task.line) for task in first.tasks] == [
        ("Two parts", 2, False, 25),
        ("Done, over two lines", 1, True, 30),
    ]
    assert first.tasks[0].parts == ("the first part", "the second part that goes on")
    assert (core.number, core.key, core.tasks[0].title) == (2, "core", "Numbered task")


@pytest.mark.parametrize(
    "change", [str, lambda t: "\ufeff" + t, lambda t: t.replace("\n", "\r\n"), lambda t: t.replace("\n", "\r")]
)
def test_line_ends_and_a_byte_order_mark_do_not_matter(tmp_path: Path, change: object) -> None:
    file = tmp_path / "tasks.md"
    file.write_bytes(change(PLAN).encode())  # type: ignore[operator]
    made = read_plan(file)
    assert made.problems == ()
    assert [(task.line, task.parts) for task in made.epic.streams[0].tasks] == [(4, ("left", "right")), (7, ())]


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("# E\n## Stream 1: A (ten agents)\n- [ ] t\n", 2, '"(ten agents)" is not a number'),
        ("# E\n## Stream 1: A\n- [ ] t (-1 agents)\n", 3, "is not a number"),
        ("# E\n## Stream 1: A\n- [ ] t (0 agents)\n", 3, "at least 1 agent"),
        ("# E\n## Stream 1: A\n- [ ]  (1 agent)\n", 3, "a task needs a title"),
        ("# E\n## Stream 1:\n- [ ] t\n", 2, "a stream needs a name"),
        ("# E\n## Stream 1: A\n- plain (2 agents)\n", 3, "without a box"),
        ("# E\n## Straem A\n- [ ] t\n- [ ] u\n## Stream 1: B\n- [ ] v\n", 3, "outside of a stream"),
        ("# E\n## Stream 1: A (3 agents)\n- [ ] t (2 agents)\n", 2, "says 3 agents, its tasks add up to 2"),
    ],
)
def test_each_mistake_is_named_with_its_line(text: str, line: int, words: str) -> None:
    found = [problem for problem in plan(parse(text)).problems if words in problem.message]
    assert [problem.line for problem in found] == [line]


def test_names_of_every_kind_become_keys() -> None:
    names = ["Zölle & Maut", "-leading", 'it\'s "quoted"', "数据", "a/../../b", "$(rm -rf)", "x" * 300]
    text = "# E\n" + "".join(f"## Stream {n}: {name} (1 agent)\n- [ ] t\n" for n, name in enumerate(names, 1))
    made = plan(parse(text))
    assert made.problems == ()
    assert [stream.key for stream in made.epic.streams[:6]] == [
        "zolle-maut",
        "leading",
        "it-s-quoted",
        "stream-4",
        "a-b",
        "rm-rf",
    ]
    assert [stream.name for stream in made.epic.streams] == names


def test_a_plan_of_ten_thousand_lines_takes_under_two_seconds() -> None:
    block = "## Stream {n}: S{n} (3 agents)\n- [ ] a (3 agents)\n  - x\n  - y\n  - z\n\n"
    text = "# Epic: Large\n" + "".join(block.format(n=n) for n in range(1, 1700))
    start = time.process_time()
    made = plan(parse(text))
    assert time.process_time() - start < 2
    assert len(text.splitlines()) > 10_000
    assert (len(made.epic.streams), made.problems) == (1699, ())


@given(st.text(alphabet="#-*[] xX()0123agents\n\t`>:S", max_size=200))
def test_no_text_makes_the_parser_raise(text: str) -> None:
    plan(parse(text))


def test_an_empty_file_is_one_clear_error(tmp_path: Path) -> None:
    file = tmp_path / "tasks.md"
    file.touch()
    problems = read_plan(file).problems
    assert [problem.text.partition(";")[0] for problem in problems] == ["tasks.md: no stream found"]


def test_a_file_that_is_not_utf_8_is_named_with_the_line_and_read_as_far_as_it_goes(tmp_path: Path) -> None:
    file = tmp_path / "tasks.md"
    file.write_bytes(PLAN.encode().replace(b"One", b"On\xe9"))
    made = read_plan(file)
    assert made.problems[0].text == "tasks.md:4: byte 0xe9 is not UTF-8; save the file as UTF-8"
    assert made.epic.agents == 3


def test_what_is_no_file_is_said_clearly(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "huge").touch()
    os.truncate(tmp_path / "huge", LARGEST + 1)
    (tmp_path / "loop").symlink_to("loop")
    for name, words in [
        ("", "is a directory"),
        ("none", "there is no"),
        ("pipe", "not a regular file"),
        ("huge", "too large"),
        ("loop", "cannot be read"),
    ]:
        with pytest.raises(ConfigError, match=words):
            read_plan(tmp_path / name, shown="tasks.md")


def test_a_file_without_permission_is_said_clearly(tmp_path: Path) -> None:
    file = tmp_path / "tasks.md"
    file.write_text(PLAN)
    file.chmod(0)
    with unprivileged(tmp_path), pytest.raises(ConfigError, match="cannot be read") as caught:
        read_plan(file)
    assert "Permission denied" in caught.value.detail


def test_a_tick_flips_one_box_and_nothing_else(tmp_path: Path) -> None:
    file = tmp_path / "tasks.md"
    before = b"\xef\xbb\xbf" + PLAN.replace("\n", "\r\n").encode() + b"trailing \xff\r- [ ] One (2 agents)"
    file.write_bytes(before)
    file.chmod(0o640)
    assert tick(file, 4, "One") is True
    assert file.read_bytes() == before.replace(b"- [ ] One", b"- [x] One", 1)
    assert file.stat().st_mode & 0o777 == 0o640
    assert [path.name for path in tmp_path.iterdir()] == ["tasks.md"]
    assert tick(file, 4, "One") is False


@pytest.mark.parametrize(
    ("line", "title"), [(4, "Other"), (3, "One"), (5, "left"), (0, "One"), (-1, "One"), (99, "One"), (4, ""), (4, "On")]
)
def test_a_tick_refuses_a_line_that_is_no_longer_the_task(tmp_path: Path, line: int, title: str) -> None:
    file = tmp_path / "tasks.md"
    file.write_text(PLAN)
    with pytest.raises(Refused, match="is no longer"):
        tick(file, line, title)
    assert file.read_text() == PLAN


def test_every_task_that_is_parsed_can_be_ticked(tmp_path: Path) -> None:
    file = tmp_path / "tasks.md"
    file.write_text((DATA / "surrounded.md").read_text())
    tasks = [task for stream in read_plan(file).epic.streams for task in stream.tasks]
    for task in reversed(tasks):
        assert tick(file, task.line, task.title) is not task.done
    assert all(task.done for stream in read_plan(file).epic.streams for task in stream.tasks)


def test_a_tick_does_not_follow_a_link_out_of_the_directory(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "tasks.md").write_text(PLAN)
    (tmp_path / "mission").mkdir()
    link = tmp_path / "mission" / "tasks.md"
    link.symlink_to("../elsewhere/tasks.md")
    with pytest.raises(Refused, match="a link to a file elsewhere"):
        tick(link, 4, "One")


def test_a_tick_in_a_read_only_directory_says_so_and_changes_nothing(tmp_path: Path) -> None:
    file = tmp_path / "tasks.md"
    file.write_text(PLAN)
    tmp_path.chmod(0o555)
    with unprivileged(tmp_path), pytest.raises(StorageError, match="could not be written"):
        tick(file, 4, "One")
    tmp_path.chmod(0o755)
    assert file.read_text() == PLAN


def test_a_task_without_a_line_is_named_by_its_file_alone(tmp_path: Path) -> None:
    path = tmp_path / "tasks.md"
    path.write_text("# Epic: E\n## Stream 1: A\n- [ ] t\n")
    with pytest.raises(Refused, match=r'^tasks\.md is no longer "t"$'):
        tick(path, 0, "t")
