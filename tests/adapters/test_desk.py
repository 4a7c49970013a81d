"""What the desk reads of files and processes that nobody vouches for."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

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


def test_processor_time_counts_children_and_a_dead_process_has_none():
    busy = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'x=0\\nwhile x<3e7: x+=1\\ninput()'])"
    with subprocess.Popen([sys.executable, "-c", busy], stdin=subprocess.PIPE) as process:
        desk = Desk()
        while desk.cpu_seconds(process.pid) < 0.5:
            assert process.poll() is None
        assert process.stdin is not None
        process.stdin.write(b"\n")
        process.stdin.close()
        process.wait()
    assert desk.cpu_seconds(process.pid) == 0.0


def test_agents_files_are_those_of_the_worktree(tmp_path: Path):
    files = Desk().agent_files(tmp_path, ("TASK.md",))
    assert files.task_path == tmp_path / ".orch" / "TASK.md"
    assert files.notes_path == tmp_path / "AGENT_NOTES.md"
