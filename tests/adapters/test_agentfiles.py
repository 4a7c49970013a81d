from __future__ import annotations

import json
import os
import stat
import subprocess

import pytest

from orch_tui.adapters.agentfiles import ARCHIVE_CAP, AgentFiles, install_orch_report
from orch_tui.adapters.files.atomic import write_atomic
from orch_tui.model.errors import EnvironmentProblem, StorageError
from orch_tui.model.ids import RunNonce

RUN = RunNonce("f" * 32 + ".1")
OLD = RunNonce("e" * 32 + ".1")


@pytest.fixture
def tree(tmp_path):
    path = tmp_path / "worktree"
    path.mkdir()
    return path


@pytest.fixture
def files(tree):
    files = AgentFiles(tree, now=lambda: 1234.5)
    files.prepare("# Task\n", "# Blueprint\n")
    return files


def claim(state: str, run: str = RUN, summary: str = "") -> bytes:
    return json.dumps({"v": 1, "run": run, "state": state, "summary": summary}).encode()


class TestPrepare:
    def test_everything_is_there(self, tree, files):
        assert files.task_path == tree / "TASK.md"
        assert files.task_path.read_text() == "# Task\n"
        assert files.blueprint_path.read_text() == "# Blueprint\n"
        assert files.notes_path.read_text() == ""
        assert list(files.inbox_path.iterdir()) == []
        assert files.read_claim() is None

    def test_again_renews_the_task_and_keeps_notes_and_messages(self, files):
        files.notes_path.write_text("learned a lot\n")
        files.put_message(1, 7, "hello")
        files.prepare("# Second\n", "# Blueprint\n")
        assert files.task_path.read_text() == "# Second\n"
        assert files.notes_path.read_text() == "learned a lot\n"
        assert len(list(files.inbox_path.iterdir())) == 1

    def test_a_tracked_name_is_left_alone(self, tree):
        (tree / "TASK.md").write_text("the project's own\n")
        files = AgentFiles(tree, frozenset({"TASK.md", "AGENT_NOTES.md", "README.md"}))
        files.prepare("# Task\n", "")
        assert (tree / "TASK.md").read_text() == "the project's own\n"
        assert files.task_path == tree / ".orch" / "TASK.md"
        assert files.task_path.read_text() == "# Task\n"
        assert files.notes_path == tree / ".orch" / "AGENT_NOTES.md"
        assert files.notes_path.exists()
        assert files.moved == ("TASK.md", "AGENT_NOTES.md")

    def test_a_tracked_folder_is_refused(self, tree):
        with pytest.raises(EnvironmentProblem) as error:
            AgentFiles(tree, frozenset({".orch/status.json"})).prepare("", "")
        assert ".orch/status.json" in error.value.detail

    def test_a_worktree_that_is_gone(self, tree):
        tree.rmdir()
        with pytest.raises(StorageError) as error:
            AgentFiles(tree).prepare("", "")
        assert str(tree) in error.value.detail


class TestEscapes:
    def test_a_folder_that_leads_out_is_written_by_nobody(self, tree, tmp_path):
        outside = tmp_path / "outside"
        outside.mkdir()
        (tree / ".orch").symlink_to(outside)
        files = AgentFiles(tree)
        with pytest.raises(StorageError) as error:
            files.prepare("# Task", "# Blueprint")
        assert "symbolic link" in error.value.detail
        with pytest.raises(StorageError):
            files.put_message(1, 1, "x")
        (outside / "status.json").write_bytes(claim("done"))
        assert files.read_claim() is None
        assert [entry.name for entry in outside.iterdir()] == ["status.json"]

    def test_an_inbox_that_leads_out(self, files, tmp_path):
        files.inbox_path.rmdir()
        files.inbox_path.symlink_to(tmp_path)
        with pytest.raises(StorageError):
            files.put_message(1, 1, "x")
        assert not (tmp_path / "0001.json").exists()

    def test_a_task_that_is_a_link_is_replaced(self, files, tmp_path):
        outside = tmp_path / "outside"
        outside.write_text("precious")
        files.task_path.unlink()
        files.task_path.symlink_to(outside)
        files.prepare("# Task", "")
        assert outside.read_text() == "precious"
        assert files.task_path.read_text() == "# Task"

    def test_notes_that_are_a_dangling_link_make_no_file_elsewhere(self, tree, tmp_path):
        (tree / "AGENT_NOTES.md").symlink_to(tmp_path / "elsewhere")
        AgentFiles(tree).prepare("", "")
        assert not (tmp_path / "elsewhere").exists()

    def test_a_claim_that_is_a_link_or_a_pipe_is_none(self, files, tmp_path):
        (tmp_path / "status.json").write_bytes(claim("done"))
        files.status_path.symlink_to(tmp_path / "status.json")
        assert files.read_claim() is None
        files.status_path.unlink()
        os.mkfifo(files.status_path)
        assert files.read_claim() is None

    def test_links_are_not_archived(self, files, tmp_path):
        (tmp_path / "secret").write_text("password")
        files.notes_path.unlink()
        files.notes_path.symlink_to(tmp_path / "secret")
        files.archive(tmp_path / "archive")
        assert sorted(entry.name for entry in (tmp_path / "archive").iterdir()) == ["TASK.md"]


class TestClaim:
    def test_the_newest_is_read(self, files):
        for state in ("working", "blocked", "done"):
            write_atomic(files.status_path, claim(state))
            assert files.read_claim().state == state

    def test_the_last_good_one_stays(self, files):
        write_atomic(files.status_path, claim("working"))
        assert files.read_claim().state == "working"
        for bad in (b"", b'{"v":1,"run"', b"x" * 70_000, claim("no such state")):
            files.status_path.write_bytes(bad)
            assert files.read_claim().state == "working"
        files.status_path.unlink()
        assert files.read_claim().state == "working"

    def test_a_straggler_of_an_older_run_changes_nothing_for_the_current_one(self, files):
        write_atomic(files.status_path, claim("done"))
        assert files.read_claim(RUN).state == "done"
        write_atomic(files.status_path, claim("working", run=OLD))
        assert files.read_claim(RUN).state == "done"
        assert files.read_claim(OLD).state == "working"
        assert files.read_claim().run == OLD
        assert files.read_claim("another") is None

    def test_one_that_is_longer_than_the_cap_is_none(self, files):
        write_atomic(files.status_path, claim("done", summary="x" * 65_536))
        assert files.read_claim() is None

    def test_of_many_runs_only_the_newest_are_remembered(self, files):
        for number in range(50):
            write_atomic(files.status_path, claim("done", run=f"run-{number}"))
            files.read_claim()
        assert files.read_claim("run-49") is not None
        assert files.read_claim("run-0") is None


def test_a_message_is_put_as_a_whole(files):
    path = files.put_message(3, 42, "Use »eu-central-1«,\nplease. \ud800")
    assert path == files.inbox_path / "0003.json"
    said = json.loads(path.read_text())
    assert said == {"v": 1, "id": 42, "text": "Use »eu-central-1«,\nplease. ?", "at": 1234.5}
    assert [entry.name for entry in files.inbox_path.iterdir()] == ["0003.json"]


def test_the_archive_has_what_the_agent_wrote(files, tmp_path):
    files.notes_path.write_text("learned a lot\n")
    write_atomic(files.status_path, claim("done"))
    files.archive(tmp_path / "a" / "archive")
    kept = {entry.name: entry.read_bytes() for entry in (tmp_path / "a" / "archive").iterdir()}
    assert kept == {"AGENT_NOTES.md": b"learned a lot\n", "TASK.md": b"# Task\n", "status.json": claim("done")}


def test_the_archive_is_capped(files, tmp_path):
    with files.notes_path.open("wb") as file:
        file.truncate(ARCHIVE_CAP + 5000)
    files.archive(tmp_path / "archive")
    assert (tmp_path / "archive" / "AGENT_NOTES.md").stat().st_size == ARCHIVE_CAP


def test_a_report_made_with_the_installed_helper_is_read(files, tree, tmp_path):
    helper = install_orch_report(tmp_path / "bin")
    assert install_orch_report(tmp_path / "bin") == helper
    assert helper.name == "orch-report"
    assert stat.S_IMODE(helper.stat().st_mode) == 0o755
    environment = {**os.environ, "ORCH_RUN": RUN, "ORCH_DIR": str(tree / ".orch")}
    subprocess.run([helper, "blocked", 'which "region"?\\'], check=True, cwd=tree, env=environment)
    said = files.read_claim(RUN)
    assert (said.state, said.summary) == ("blocked", 'which "region"?\\')
    assert said.at > 1_700_000_000


def test_messages_are_read_back_and_what_the_agent_put_there_is_no_harm(files, tmp_path):
    files.put_message(1, 7, "first")
    files.put_message(2, 8, "second")
    for name, data in (("0003.json", b"\xff"), ("0004.json", b'{"v":1,"x":' + b"[" * 60_000), ("0005.json", b"{}")):
        (files.inbox_path / name).write_bytes(data)
    (files.inbox_path / "0006.json").symlink_to(tmp_path)
    os.mkfifo(files.inbox_path / "0007.json")
    assert files.messages() == ("first", "second")
