from __future__ import annotations

import os
import subprocess
import sys
import threading

import pytest

from orch_tui.adapters.files.lock import FileLock
from orch_tui.model.errors import Busy, StorageError

HOLD = """
import sys
from pathlib import Path
from orch_tui.adapters.files.lock import FileLock
with FileLock(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_it_is_held_once(tmp_path):
    first, second = FileLock(tmp_path / "a" / "lock"), FileLock(tmp_path / "a" / "lock")
    assert first.try_acquire()
    assert first.try_acquire()
    assert not second.try_acquire()
    assert first.held
    assert not second.held
    first.release()
    first.release()
    assert second.try_acquire()
    second.release()


def test_who_is_refused_learns_what_and_by_whom(tmp_path):
    with FileLock(tmp_path / "engine.lock"), pytest.raises(Busy) as busy:
        FileLock(tmp_path / "engine.lock", what="The engine").acquire()
    assert busy.value.title == "The engine is busy"
    assert f"process {os.getpid()}" in busy.value.detail


def test_another_process_holds_it_until_it_is_killed(tmp_path):
    path = tmp_path / "lock"
    holder = subprocess.Popen([sys.executable, "-c", HOLD, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    with holder:
        assert holder.stdout.readline() == b"held\n"
        lock = FileLock(path)
        assert not lock.try_acquire()
        assert lock.holder() == holder.pid
        holder.kill()
        holder.wait()
        lock.acquire(timeout=10)
        assert lock.holder() == os.getpid()
        lock.release()


def test_waiting_ends_when_it_is_released(tmp_path):
    first, second = FileLock(tmp_path / "lock"), FileLock(tmp_path / "lock", timeout=20)
    first.acquire()
    timer = threading.Timer(0.1, first.release)
    timer.start()
    with second:
        assert second.held
    timer.join()


def test_waiting_has_an_end(tmp_path):
    with FileLock(tmp_path / "lock"), pytest.raises(Busy):
        FileLock(tmp_path / "lock").acquire(timeout=0.05)


def test_a_child_that_inherits_it_keeps_it(tmp_path):
    lock = FileLock(tmp_path / "lock")
    lock.acquire()
    child = subprocess.Popen(["cat"], stdin=subprocess.PIPE, pass_fds=[lock.fileno()])
    with child:
        lock.release()
        other = FileLock(tmp_path / "lock")
        assert not other.try_acquire()
        child.stdin.close()
        other.acquire(timeout=10)
        other.release()


def test_a_released_lock_has_no_descriptor(tmp_path):
    with pytest.raises(ValueError, match="not held"):
        FileLock(tmp_path / "lock").fileno()


def test_a_link_is_no_lock(tmp_path):
    (tmp_path / "lock").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(StorageError):
        FileLock(tmp_path / "lock").try_acquire()
    assert not (tmp_path / "elsewhere").exists()


def test_a_holder_that_wrote_no_number_is_unknown(tmp_path):
    (tmp_path / "lock").write_text("somebody")
    assert FileLock(tmp_path / "lock").holder() is None
    assert FileLock(tmp_path / "none").holder() is None
