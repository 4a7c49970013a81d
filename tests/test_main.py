"""The console script as a person runs it: fresh processes, exit codes, one plain line for what goes wrong."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from orch_tui import main as program


@pytest.fixture
def place(tmp_path):
    """An empty repository with a plan and its state beside it."""
    repository = tmp_path / "repository"
    git = ["git", "-C", str(repository), "-c", "user.name=o", "-c", "user.email=o@example.org"]
    subprocess.run(["git", "init", "-q", "-b", "main", str(repository)], check=True)
    (repository / "tasks.md").write_text("# Epic: Small\n## Stream 1: Api (1 agent)\n- [ ] Do it (1 agent)\n")
    subprocess.run([*git, "add", "."], check=True)
    subprocess.run([*git, "commit", "-qm", "start"], check=True)
    return repository


@pytest.fixture
def env(tmp_path):
    state = tempfile.mkdtemp(prefix="orch-m-", dir="/tmp")
    return {**os.environ, "ORCH_STATE": state, "HOME": str(tmp_path), "CLAUDE_TRACK_USAGE": "false"}


def run(place, env, *arguments):
    done = subprocess.run(
        [sys.executable, "-m", "orch_tui", *arguments], cwd=place, env=env, capture_output=True, text=True, check=False
    )
    assert "Traceback" not in done.stderr
    return done


def test_help_loads_little(place, env):
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = run(place, env, "--help")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert done.returncode == 0
    assert "engine" in done.stdout
    assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < 0.3  # 0.05 s on a quiet machine


def test_the_console_needs_a_terminal(place, env):
    done = run(place, env)
    assert done.returncode == 3
    assert "The console needs a terminal" in done.stderr


def test_a_wrong_command_is_a_usage_error(place, env):
    assert run(place, env, "lunch").returncode == 2
    assert run(place, env, "engine", "walk").returncode == 2


def test_the_help_of_hidden_processes(place, env):
    for command in (("engine", "run"), ("meter",), ("standin",), ("demo",)):
        assert run(place, env, *command, "--help").returncode == 0


def test_an_engine_from_the_first_command_to_its_end(place, env):
    assert run(place, env, "engine", "status", "--json").returncode == 1
    loaded = run(place, env, "tasks", "load")
    assert loaded.returncode == 0, loaded.stderr
    status = run(place, env, "engine", "status", "--json")
    info = json.loads(status.stdout)
    assert info["pid"] > 0
    assert info["clients"] == 1
    assert [s["key"] for s in json.loads(run(place, env, "status", "--json").stdout)["streams"]] == ["api"]
    second = run(place, env, "engine", "run")
    assert second.returncode == 4
    assert "An engine runs already" in second.stderr
    assert run(place, env, "engine", "stop").returncode == 0
    deadline = time.monotonic() + 10
    while Path(env["ORCH_STATE"], "engine.sock").exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    assert run(place, env, "status", "--json").returncode == 0
    assert run(place, env, "engine", "status").returncode == 1


def test_a_state_directory_that_is_too_deep_for_a_socket(place, env, tmp_path):
    deep = tmp_path / ("d" * 90) / ("e" * 90)
    env["ORCH_STATE"] = str(deep)
    env["XDG_RUNTIME_DIR"] = tempfile.mkdtemp(prefix="orch-r-", dir="/tmp")
    assert run(place, env, "tasks", "load").returncode == 0
    assert (deep / "engine.sock").is_file()
    socket = json.loads(run(place, env, "engine", "status", "--json").stdout)["socket"]
    assert len(socket) < 100
    assert run(place, env, "engine", "stop").returncode == 0


def test_an_engine_that_cannot_start_says_why_in_one_message(place, env):
    Path(env["ORCH_STATE"], "state.db").write_bytes(b"no database " * 500)
    done = run(place, env, "tasks", "load")
    assert done.returncode == 3
    assert "The engine ended while it was starting" in done.stderr
    assert "file is not a database" in done.stderr


def test_a_mistake_of_ours_is_one_sentence_and_a_file(monkeypatch, capsys):
    def broken(**_):
        raise ZeroDivisionError("a bug")

    monkeypatch.setattr(program.group, "main", broken)
    with pytest.raises(SystemExit) as ended:
        program.main()
    assert ended.value.code == program.CRASH
    said = capsys.readouterr().err
    assert "a mistake of ours: ZeroDivisionError: a bug" in said
    log = Path(said.split("the details are in ")[1].strip())
    assert "Traceback" in log.read_text()
    log.unlink()


def test_an_interrupt_is_130(monkeypatch):
    def interrupted(**_):
        raise KeyboardInterrupt

    monkeypatch.setattr(program.group, "main", interrupted)
    with pytest.raises(SystemExit) as ended:
        program.main()
    assert ended.value.code == 130
