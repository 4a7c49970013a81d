"""What the desk reads of files and processes that nobody vouches for."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from orch_tui.adapters.desk import Desk


def test_sizes_are_those_of_plain_files_alone(tmp_path: Path):
    plain, link, pipe = tmp_path / "plain", tmp_path / "link", tmp_path / "pipe"
    plain.write_bytes(b"12345")
    link.symlink_to(plain)
    os.mkfifo(pipe)
    desk = Desk()
    assert [desk.size(p) for p in (plain, link, pipe, tmp_path, tmp_path / "none", plain / "below")] == [
        5,
        0,
        0,
        0,
        0,
        0,
    ]


def test_a_link_exists_even_if_it_leads_nowhere(tmp_path: Path):
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    assert Desk().exists(tmp_path / "link")
    assert not Desk().exists(tmp_path / "none")


def test_pages_go_forward_and_from_the_end(tmp_path: Path):
    path = tmp_path / "log"
    path.write_text("".join(f"line {n}\n" for n in range(100)))
    desk = Desk()
    first = desk.page(path, 0, 20)
    assert first.text.startswith("line 0\nline 1\n")
    assert first.size == path.stat().st_size
    second = desk.page(path, first.next, 1 << 16)
    assert first.text + second.text == path.read_text()
    last = desk.page(path, -40, 1 << 16)
    assert last.text.endswith("line 98\nline 99\n")
    assert desk.page(path, second.next, 100).text == ""
    assert desk.page(tmp_path / "none", 0, 100).text == ""


def test_a_page_is_harmless_and_a_refused_file_says_why(tmp_path: Path):
    path = tmp_path / "notes"
    path.write_bytes(b"\x1b[2Jhidden\xff\n")
    assert "\x1b" not in Desk().page(path, 0, 100).text
    link = tmp_path / "link"
    link.symlink_to(path)
    shown = Desk().page(link, 0, 100).text
    assert "hidden" not in shown
    assert "link is not shown" in shown
    os.mkfifo(tmp_path / "pipe")
    assert "not shown" in Desk().page(tmp_path / "pipe", 0, 100).text


@pytest.fixture
def busy() -> Iterator[subprocess.Popen[bytes]]:
    """A process whose child has used more than half a second of a processor and then waits."""
    child = "x = 0\nwhile x < 2e7: x += 1\nimport time; time.sleep(60)"
    argv = [sys.executable, "-c", f"import subprocess, sys; subprocess.run([sys.executable, '-c', {child!r}])"]
    with subprocess.Popen(argv, start_new_session=True) as process:
        yield process
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)


async def test_processor_time_counts_children_and_a_dead_process_has_none(busy: subprocess.Popen[bytes]):
    desk = Desk()
    for _ in range(1500):
        if (used := (await desk.cpu_seconds([busy.pid]))[0]) > 0.5:
            break
        await asyncio.sleep(0.02)
    assert used > 0.5
    os.killpg(busy.pid, signal.SIGKILL)
    busy.wait()
    assert tuple(await desk.cpu_seconds([busy.pid, 0x3FFFFF])) == (0.0, 0.0)


def test_agents_files_are_those_of_the_worktree(tmp_path: Path):
    files = Desk().agent_files(tmp_path, ("TASK.md",))
    assert files.task_path == tmp_path / ".orch" / "TASK.md"
    assert files.notes_path == tmp_path / "AGENT_NOTES.md"
