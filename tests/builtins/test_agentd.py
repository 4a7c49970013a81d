"""The supervisor alone: its pure parts, its fall-backs, and kills at any moment of its start."""

# ruff: noqa: ASYNC220, ASYNC221 - what is awaited are processes and files; blocking calls are short

from __future__ import annotations

import asyncio
import json
import os
import random
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from orch_tui.builtins.runners import agentd, rundir
from orch_tui.builtins.runners.local import LocalRunner
from orch_tui.testing.contracts_runner import STUBBORN, Bench

linux_only = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
ARGV = [sys.executable, "-I", "-S", agentd.__file__]


@pytest.mark.parametrize(
    ("text", "filled"),
    [
        ("{a}", "1"),
        ("x{a}{b}y", "1".join(["x", "{a}y"])),
        ("{{a}}", "{a}"),
        ("${HOME} {} {A} {a b} %s", "${HOME} {} {A} {a b} %s"),
        ('{"a": {"b": 1}}', '{"a": {"b": 1}}'),
    ],
)
def test_placeholders(text, filled):
    assert agentd.filled(text, {"a": "1", "b": "{a}"}) == filled


def test_an_unknown_placeholder_names_the_known_ones():
    with pytest.raises(agentd.StartError, match=r"unknown placeholder \{c\} in 'x\{c\}'; known are \{a\} \{b\}"):
        agentd.filled("x{c}", {"a": "1", "b": "2"})


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff", b"null"])
def test_a_torn_record_is_no_record(tmp_path, content):
    (tmp_path / "x.json").write_bytes(content)
    assert agentd.read_json(tmp_path / "x.json") == {}
    assert agentd.read_json(tmp_path / "missing") == {}


def test_it_needs_nothing_but_the_standard_library():
    code = (
        "import sys, importlib.util as u; s = u.spec_from_file_location('agentd', sys.argv[1]);"
        "m = u.module_from_spec(s); s.loader.exec_module(m);"
        "print([n for n in sys.modules if n.partition('.')[0] not in sys.stdlib_module_names | {'__main__'}])"
    )
    argv = [sys.executable, "-I", "-S", "-c", code, agentd.__file__]
    assert subprocess.run(argv, capture_output=True, text=True, check=True).stdout == "[]\n"


@pytest.mark.parametrize("arguments", [[], ["a", "b"], ["--sweep"], ["--sweep", "x"]])
def test_usage(arguments):
    done = subprocess.run([*ARGV, *arguments], capture_output=True, check=False)
    assert (done.returncode, done.stderr[:16]) == (2, b"usage: agentd.py")


def test_a_signal_reaches_only_who_was_meant():
    sleeper = subprocess.Popen(["sleep", "600"])
    start = agentd.start_of(sleeper.pid)
    assert start
    assert not agentd.send((sleeper.pid, start + "1"), signal.SIGKILL)
    assert not agentd.send((sleeper.pid, ""), signal.SIGKILL)
    assert sleeper.poll() is None
    assert agentd.send((sleeper.pid, start), signal.SIGKILL)
    assert sleeper.wait() == -signal.SIGKILL
    assert agentd.start_of(sleeper.pid) == ""
    assert not agentd.send((sleeper.pid, start), signal.SIGKILL)


@linux_only
def test_the_slow_ways_see_the_same_tree():
    with subprocess.Popen(["sh", "-c", "sleep 600 & sleep 600 & echo; wait"], stdout=subprocess.PIPE) as parent:
        assert parent.stdout
        parent.stdout.readline()
        tree = agentd.descendants(parent.pid)
        by_proc = agentd.descendants_by_table(parent.pid)
        assert sorted(tree) == sorted(by_proc)
        assert len(tree) == 2
        assert agentd.kill_all(lambda: agentd.descendants(parent.pid)) == 2


@linux_only
@pytest.mark.parametrize("seed", range(12))
async def test_killed_at_any_moment_of_its_start(tmp_path, seed):
    bench = Bench(LocalRunner(tmp_path / "runs"), tmp_path)
    order = bench.order([sys.executable, "-c", STUBBORN])
    spec = rundir.prepare(order, [])
    first = subprocess.Popen([*ARGV, str(spec)], stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    await asyncio.sleep(random.Random(seed).uniform(0.0, 0.12))  # noqa: S311 - where it dies is the point
    kill_supervisors_of(spec)
    first.wait()
    await bench.runner.adopt()
    (place,) = await bench.runner.adopt()
    if place.reason == "not started":
        assert (await bench.runner.launch(order)).state == "running"
    if place.state != "lost" or place.reason == "not started":
        await bench.runner.stop(order.agent, "operator")
        assert (await bench.ended(order)).reason == "operator"
    assert await bench.runner.sweep(order.run) == 0
    end = json.loads((spec.parent / "exit.json").read_text())
    assert end["run"] == order.run
    await bench.close()


def kill_supervisors_of(spec: Path) -> None:
    for place in Path("/proc").glob("[0-9]*"):
        if str(spec).encode() in command_line(place):
            agentd.send((int(place.name), agentd.start_of(int(place.name))), signal.SIGKILL)


def command_line(place: Path) -> list[bytes]:
    try:
        return (place / "cmdline").read_bytes().split(b"\0")
    except OSError:
        return []


async def test_a_sweep_leaves_a_supervised_run_alone(tmp_path):
    bench = Bench(LocalRunner(tmp_path / "runs"), tmp_path)
    order = bench.order(["sleep", "600"])
    place = await bench.runner.launch(order)
    sweep = [*ARGV, "--sweep", "swept", order.run_dir]
    assert subprocess.run(sweep, capture_output=True, check=False).returncode == agentd.TAKEN
    assert agentd.start_of(place.pid)
    await bench.runner.stop(order.agent, "operator")
    event = await bench.ended(order)
    assert event.reason == "operator"
    assert subprocess.run(sweep, capture_output=True, check=False).stdout == b"0\n"
    assert json.loads((Path(order.run_dir) / "exit.json").read_text())["reason"] == "operator"
    await bench.close()


async def test_terminating_the_supervisor_stops_the_agent(tmp_path):
    bench = Bench(LocalRunner(tmp_path / "runs"), tmp_path)
    order = bench.order(["sleep", "600"])
    place = await bench.runner.launch(order)
    os.kill(place.agentd_pid, signal.SIGTERM)
    assert (await bench.ended(order)).reason == "terminated"
    await bench.close()


async def test_a_ladder_is_climbed_only_as_far_as_needed(tmp_path):
    bench = Bench(LocalRunner(tmp_path / "runs"), tmp_path)
    script = "import signal, sys, time; signal.signal(2, lambda *_: sys.exit(6)); print('ready', flush=True); "
    order = bench.order([sys.executable, "-c", script + "time.sleep(600)"])
    await bench.runner.launch(order)
    await bench.said(order, "ready")
    await bench.runner.stop(order.agent, "operator\nwith\x00two lines " + "x" * 900)
    event = await bench.ended(order)
    assert (event.rc, event.signal) == (6, 0)
    assert event.reason.startswith("operator with")
    await bench.close()
