"""The local runner with real supervisors: killed, doubled, hurried, fed odd things."""

# ruff: noqa: ASYNC110, ASYNC220, ASYNC221 - what is awaited are processes and files; blocking calls are short

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from orch_tui.api import Busy, Order, RunnerError, StopStep
from orch_tui.builtins.runners import agentd
from orch_tui.builtins.runners.agentd import start_of
from orch_tui.builtins.runners.local import LocalRunner
from orch_tui.testing.contracts_runner import STUBBORN, Bench, RunnerContract

linux_only = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")


class TestLocalRunner(RunnerContract):
    def make_runner(self, root: Path) -> LocalRunner:
        return LocalRunner(root)


@pytest.fixture
def bench_at():
    def make(home: Path) -> Bench:
        return Bench(LocalRunner(home / "runs"), home)

    return make


async def gone(pid: int) -> None:
    async with asyncio.timeout(20):
        while start_of(pid):
            await asyncio.sleep(0.01)


async def test_an_agent_outlives_its_supervisor_and_is_lost_when_it_ends(tmp_path, bench_at):
    bench = bench_at(tmp_path)
    order = bench.order(["sh", "-c", "sleep 600 & while ! test -e go; do sleep 0.05; done"])
    place = await bench.runner.launch(order)
    os.kill(place.agentd_pid, signal.SIGKILL)
    await gone(place.agentd_pid)
    assert (await bench.runner.launch(order)).state == "running"
    assert start_of(place.pid)
    (Path(order.worktree) / "go").touch()
    event = await bench.ended(order)
    assert (event.kind, event.rc, event.reason) == ("lost", None, "swept")
    assert await bench.runner.sweep(order.run) == 0
    assert bench.kinds(order) == ["started", "lost"]
    await bench.close()


async def test_an_agent_without_its_supervisor_can_be_stopped(tmp_path, bench_at):
    bench = bench_at(tmp_path)
    order = bench.order([sys.executable, "-c", STUBBORN])
    place = await bench.runner.launch(order)
    await bench.said(order, "ready")
    os.kill(place.agentd_pid, signal.SIGKILL)
    await gone(place.agentd_pid)
    await bench.runner.stop("api-1", "operator")
    event = await bench.ended(order)
    assert (event.kind, event.reason) == ("exit", "operator")
    assert await bench.runner.sweep(order.run) == 0
    await bench.close()


async def test_a_supervisor_killed_on_the_ladder_leaves_the_rest_to_the_runner(tmp_path, bench_at):
    bench = bench_at(tmp_path)
    order = bench.order([sys.executable, "-c", STUBBORN], ladder=(StopStep("SIGTERM", 60.0),))
    place = await bench.runner.launch(order)
    await bench.said(order, "ready")
    await bench.runner.stop("api-1", "budget")
    async with asyncio.timeout(20):
        while '"stopping"' not in (Path(order.run_dir) / "events.jsonl").read_text():
            await asyncio.sleep(0.01)
    os.kill(place.agentd_pid, signal.SIGKILL)
    assert (await bench.ended(order)).reason == "budget"
    assert await bench.runner.sweep(order.run) == 0
    await bench.close()


async def test_both_gone_while_nobody_looked_is_lost(tmp_path, bench_at):
    first = bench_at(tmp_path)
    order = first.order(["sleep", "600"])
    place = await first.runner.launch(order)
    await first.close()
    for pid in (place.agentd_pid, place.pid):
        os.kill(pid, signal.SIGKILL)
        await gone(pid)
    second = bench_at(tmp_path)
    for _ in range(2):
        (found,) = await second.runner.adopt()
        assert (found.state, found.reason) == ("lost", "swept")
    assert (await second.runner.launch(order)).state == "lost"
    await second.close()


async def lost_where_nothing_can_be_written(
    bench: Bench, make_room: Callable[[], object], refuse: Callable[[], object]
):
    """Loses an agent on a disk that refuses its end: the end is told at once, and written when there is room."""
    order = bench.order(["sh", "-c", "while ! test -e go; do sleep 0.05; done"])
    place = await bench.runner.launch(order)
    os.kill(place.agentd_pid, signal.SIGKILL)
    await gone(place.agentd_pid)
    refuse()
    (Path(order.worktree) / "go").touch()
    event = await bench.ended(order)
    assert event.kind == "lost"
    assert event.reason.startswith("swept: its end cannot be written: ")
    found = await bench.runner.adopt()
    assert [each.state for each in found] == ["lost"]
    assert found[0].reason.startswith("swept: its end cannot be written: ")
    make_room()
    end = Path(order.run_dir) / "exit.json"
    async with asyncio.timeout(20):
        while not end.is_file():
            await asyncio.sleep(0.01)
    assert json.loads(end.read_bytes())["reason"] == "swept"
    assert bench.kinds(order) == ["started", "lost"]
    await bench.close()


async def test_an_end_that_cannot_be_written_is_told(tmp_path, bench_at):
    bench = bench_at(tmp_path)
    place = Path(bench.order(["true"]).run_dir) / "exit.json"
    await lost_where_nothing_can_be_written(bench, make_room=place.rmdir, refuse=place.mkdir)


@linux_only
async def test_a_full_disk_hides_no_end(tmp_path, bench_at):
    runs, filler = tmp_path / "runs", tmp_path / "runs" / "filler"
    runs.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(runs)], check=False)
    if mounted.returncode:
        pytest.skip("needs the right to mount")

    def fill() -> None:
        with filler.open("wb", buffering=0) as stream, contextlib.suppress(OSError):
            while True:
                stream.write(bytes(4096))

    try:
        await lost_where_nothing_can_be_written(bench_at(tmp_path), make_room=filler.unlink, refuse=fill)
    finally:
        subprocess.run(["umount", "-l", str(runs)], check=True)


async def test_an_order_that_never_started_is_started_by_the_next_launch(tmp_path, bench_at):
    bench = bench_at(tmp_path)
    order = bench.order(["true"])
    run_dir = Path(order.run_dir)
    run_dir.mkdir(parents=True)
    (run_dir / "spec.json").write_bytes(msgspec.json.encode(order))
    (found,) = await bench.runner.adopt()
    assert (found.state, found.reason) == ("lost", "not started")
    await bench.runner.launch(order)
    assert (await bench.ended(order)).rc == 0
    await bench.close()


async def test_a_killed_engine_costs_nothing(tmp_path, bench_at):
    bench = bench_at(tmp_path)
    script = "import time; [(print(n, flush=True), time.sleep(0.02)) for n in range(60)]; raise SystemExit(9)"
    order = bench.order([sys.executable, "-c", script])
    (tmp_path / "order.json").write_bytes(msgspec.json.encode(order))
    engine = subprocess.Popen([sys.executable, "-c", ENGINE, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert engine.stdout
    assert engine.stdout.readline() == "launched\n"
    engine.kill()
    engine.wait()
    engine.stdout.close()
    (found,) = await bench.runner.adopt()
    assert found.state == "running"
    assert (await bench.ended(order)).rc == 9
    assert bench.output(order).split() == [str(n) for n in range(60)]
    await bench.close()


ENGINE = """
import asyncio, sys, msgspec
from pathlib import Path
from orch_tui.api import Order
from orch_tui.builtins.runners.local import LocalRunner

async def main(home):
    runner = LocalRunner(home / "runs")
    await runner.launch(msgspec.json.decode((home / "order.json").read_bytes(), type=Order))
    print("launched", flush=True)
    await asyncio.sleep(60)

asyncio.run(main(Path(sys.argv[1])))
"""


async def test_two_supervisors_on_one_agent(tmp_path, bench_at):
    bench = bench_at(tmp_path)
    order = bench.order(["sleep", "600"])
    await bench.runner.launch(order)
    argv = [sys.executable, "-I", "-S", agentd.__file__, str(Path(order.run_dir) / "spec.json")]
    assert subprocess.run(argv, input=b"", check=False).returncode == agentd.TAKEN
    with pytest.raises(Busy, match="still running"):
        await bench.runner.launch(bench.order(["true"], launch=2))
    await bench.runner.stop("api-1", "operator")
    await bench.ended(order)
    assert subprocess.run(argv, input=b"", check=False).returncode == agentd.TAKEN
    await bench.close()


async def test_a_new_launch_clears_what_an_unsupervised_one_left(tmp_path, bench_at):
    bench = bench_at(tmp_path)
    old = bench.order([sys.executable, "-c", STUBBORN])
    place = await bench.runner.launch(old)
    await bench.said(old, "ready")
    os.kill(place.agentd_pid, signal.SIGKILL)
    await gone(place.agentd_pid)
    await bench.runner.launch(bench.order(["sleep", "600"], launch=2))
    assert (await bench.ended(old)).kind == "lost"
    assert await bench.runner.sweep(old.run) == 0
    await bench.runner.stop("api-1", "operator")
    await bench.close()


async def test_input_reaches_an_agent_that_takes_lines(tmp_path, bench_at):
    bench = bench_at(tmp_path)
    order = bench.order(["sh", "-c", "read line; echo got $line; read line; echo got $line"], stdin="fifo")
    await bench.runner.launch(order)
    await bench.runner.tell("api-1", "input", b"one\n")
    await bench.said(order, "got one")
    with pytest.raises(RunnerError, match="too long"):
        await bench.runner.tell("api-1", "input", b"x" * 600)
    await bench.runner.tell("api-1", "input", b"two")
    assert (await bench.ended(order)).rc == 0
    assert bench.output(order) == "got one\ngot two\n"
    with pytest.raises(RunnerError, match="reads no input"):
        await bench.runner.tell("api-1", "input", b"three")
    with pytest.raises(RunnerError, match="No run of this agent"):
        await bench.runner.stop("api-2", "operator")
    await bench.close()


async def test_reading_stays_inside(tmp_path, bench_at):
    bench = bench_at(tmp_path)
    order = bench.order(
        [
            "sh",
            "-c",
            "echo 0123456789; mkdir .orch; echo hi >AGENT_NOTES.md; ln -s /etc/passwd .orch/link; ln -s / .orch/dir",
        ]
    )
    await bench.runner.launch(order)
    await bench.ended(order)
    assert await bench.runner.read("api-1", "out.log", 3, 4) == b"3456"
    assert await bench.runner.read("api-1", "AGENT_NOTES.md", 0, 99) == b"hi\n"
    assert await bench.runner.read("api-1", "nothing", 0, 99) == b""
    for bad in ("../lock", "/etc/passwd", ".orch/link", ".orch/dir/etc/passwd", "ctl", "", ".orch/../../x"):
        with pytest.raises(RunnerError):
            await bench.runner.read("api-1", bad, 0, 10)
    await bench.close()


async def test_no_secret_reaches_the_disk_and_modes_are_private(tmp_path, bench_at):
    bench = bench_at(tmp_path)
    url = "http://127.0.0.1:1/r/t0ken"
    order = bench.order(["sh", "-c", 'echo "$U" | grep -q t0k.n'], env={"U": "{meter}"}, meter=url)
    await bench.runner.launch(order)
    assert (await bench.ended(order)).rc == 0
    run_dir = Path(order.run_dir)
    for path in run_dir.iterdir():
        assert path.stat().st_mode & 0o077 == 0
        assert not path.is_file() or b"t0ken" not in path.read_bytes()
    assert run_dir.stat().st_mode & 0o777 == 0o700
    await bench.close()


async def test_events_and_the_end_are_whole_records(tmp_path, bench_at):
    bench = bench_at(tmp_path)
    order = bench.order(["sh", "-c", "kill -9 $$"], attempt=3)
    await bench.runner.launch(order)
    event = await bench.ended(order)
    assert (event.rc, event.signal) == (None, 9)
    lines = [json.loads(line) for line in (Path(order.run_dir) / "events.jsonl").read_text().splitlines()]
    assert [(line["a"], line["n"], line["s"], line["k"]) for line in lines] == [
        ("api-1", 3, 1, "started"),
        ("api-1", 3, 2, "exit"),
    ]
    end = json.loads((Path(order.run_dir) / "exit.json").read_text())
    assert {"v", "run", "rc", "signal", "at", "reason", "kill_ms", "cpu_s", "max_rss"} <= end.keys()
    await bench.close()


async def test_the_wrong_branch_and_the_wrong_root_are_refused(tmp_path, bench_at):
    bench = bench_at(tmp_path)
    order = bench.order(["true"], branch="orch/api/api-1")
    git = tmp_path / "git dir"
    git.mkdir()
    (git / "HEAD").write_text("ref: refs/heads/main\n")
    (Path(order.worktree) / ".git").write_text(f"gitdir: {git}\n")
    assert "on 'main', not on 'orch/api/api-1'" in (await bench.runner.launch(order)).reason
    (git / "HEAD").write_text("1" * 40 + "\n")
    rebasing = bench.order(["true"], branch="orch/api/api-1", launch=2)
    await bench.runner.launch(rebasing)
    assert (await bench.ended(rebasing)).rc == 0
    with pytest.raises(RunnerError, match="run directory"):
        await bench.runner.launch(msgspec.structs.replace(order, run_dir=str(tmp_path / "elsewhere")))
    await bench.close()


async def test_own_programs_come_first_in_the_path(tmp_path):
    (tmp_path / "bin").mkdir()
    own = tmp_path / "bin" / "ls"
    own.write_text("#!/bin/sh\necho mine\n")
    own.chmod(0o755)
    bench = Bench(LocalRunner(tmp_path / "runs", environ={"PATH": "/usr/bin:/bin", "KEY": "k"}), tmp_path)
    order = bench.order(["sh", "-c", 'ls; echo "$PATH$KEY"'])
    await bench.runner.launch(order)
    await bench.ended(order)
    assert bench.output(order) == f"mine\n{tmp_path / 'bin'}:/usr/bin:/bin\n"
    await bench.close()


async def test_a_root_that_cannot_be_written_is_said(tmp_path, bench_at):
    (tmp_path / "runs").write_text("a file, not a directory")
    bench = bench_at(tmp_path)
    with pytest.raises(RunnerError, match="could not be started"):
        await bench.runner.launch(bench.order(["true"]))
    await bench.close()


@linux_only
async def test_without_pidfds_processes_are_looked_at(tmp_path, bench_at, monkeypatch):
    def none_left(_pid: int) -> int:
        raise OSError(24, "too many open files")

    monkeypatch.setattr(os, "pidfd_open", none_left)
    bench = bench_at(tmp_path)
    order = bench.order(["sh", "-c", "exit 4"])
    await bench.runner.launch(order)
    assert (await bench.ended(order)).rc == 4
    await bench.close()


async def test_twenty_at_once(tmp_path, bench_at):
    bench = bench_at(tmp_path)
    orders: list[Order] = [bench.order(["sh", "-c", "exit 2"], agent=f"api-{n}") for n in range(20)]
    await asyncio.gather(*(bench.runner.launch(order) for order in orders))
    assert [(await bench.ended(order)).rc for order in orders] == [2] * 20
    await bench.close()
