from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from orch_tui.adapters.git.lock import GitLock
from orch_tui.model.errors import Busy, StorageError

HOLDER = """
import subprocess, sys, pathlib
from orch_tui.adapters.git.lock import GitLock
with GitLock(pathlib.Path(sys.argv[1])).held() as lock:
    child = subprocess.Popen([sys.executable, "-c", "import sys; sys.stdin.read()"], pass_fds=(lock,), stdin=0)
    print(child.pid, flush=True)
    child.wait()
"""


def test_one_holds_it_at_a_time(tmp_path: Path) -> None:
    lock = GitLock(tmp_path / "git.lock")
    inside, most = [], []

    def work() -> None:
        with lock.held():
            inside.append(1)
            most.append(len(inside))
            inside.pop()

    threads = [threading.Thread(target=work) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == [1] * 20


def test_a_child_that_outlives_its_engine_keeps_it(tmp_path: Path) -> None:
    path = tmp_path / "git.lock"
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as engine:
        assert engine.stdout is not None
        child = int(engine.stdout.readline())
        engine.kill()
        engine.wait()
        with pytest.raises(Busy, match=str(child)), GitLock(path, patience=0.2).held():
            pytest.fail("the child still writes")
    with GitLock(path, patience=10).held():  # its input has ended, and with it the child
        pass


def test_another_holder_is_named(tmp_path: Path) -> None:
    path = tmp_path / "git.lock"
    with GitLock(path).held(), pytest.raises(Busy, match="held"), GitLock(path, patience=0.05).held():
        pytest.fail("two holders")


def test_sharers_share_and_keep_the_lone_one_out(tmp_path: Path) -> None:
    path = tmp_path / "fill.lock"
    with GitLock(path).shared(), GitLock(path, patience=1).shared(), pytest.raises(Busy):  # noqa: SIM117
        with GitLock(path, patience=0.05).held():
            pytest.fail("not alone")


def test_what_is_due_at_first_is_done_once(tmp_path: Path) -> None:
    calls: list[int] = []
    lock = GitLock(tmp_path / "git.lock", at_first=lambda: calls.append(os.getpid()))
    for _ in range(3):
        with lock.held():
            assert len(calls) == 1


def test_a_directory_that_is_missing_is_said_clearly(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="git lock"), GitLock(tmp_path / "nowhere" / "git.lock").held():
        pass
