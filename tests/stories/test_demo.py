"""The demo plays to its end where nothing of ours was ever before."""

from __future__ import annotations

import contextlib
import json
import os
import pty
import select
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from orch_tui.testing.repo import RepoBuilder
from tests.fleet import Home
from tests.stories.conftest import MakeHome

pytestmark = pytest.mark.story


def test_the_demo_lands_every_stream_in_order_and_pays_for_it(make_home: MakeHome, tmp_path: Path) -> None:
    home: Home = make_home()
    kept = tmp_path / "kept"
    done = home.run("demo", "--headless", "--dir", str(kept), "--json", cwd=tmp_path, timeout=150)
    assert done.returncode == 0, done.stdout + done.stderr
    story = json.loads(done.stdout)

    assert story["ok"]
    assert story["simulated"]
    assert [batch["stream"] for batch in story["landed"]] == ["infrastructure", "backend", "api"]
    assert len(story["rolled_back"]) == 1
    assert story["requests"] > 8
    assert story["usd"] > 0
    assert story["verified"]

    repo = RepoBuilder.at(Path(story["repository"]))
    assert repo.head("main") == story["landed"][-1]["commit"]
    for batch in story["landed"]:
        assert batch["tag"].startswith("pre-feature-batch-")
        assert repo.git("merge-base", "--is-ancestor", batch["tag"], batch["commit"]) == ""
    assert repo.status() == ""
    agents = sorted(agent for batch in story["landed"] for agent in batch["agents"])
    assert agents == [*("api-1", "api-2"), *(f"{s}-{n}" for s in ("backend", "infrastructure") for n in (1, 2, 3))]


IN_A_TERMINAL = """
import fcntl, os, sys, termios
os.setsid()
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
os.execv(sys.executable, [sys.executable, "-m", "orch_tui", "demo"])
"""


def mentions(place: str) -> list[bytes]:
    """Returns the command lines of all processes that name a place."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            if place.encode() in (line := path.read_bytes()):
                found.append(line)
    return found


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_a_demo_whose_terminal_goes_away_leaves_nothing(tmp_path: Path) -> None:
    rooms = tempfile.mkdtemp(prefix="orch-d-", dir="/tmp")
    env = {name: text for name, text in os.environ.items() if not name.startswith("ORCH_")}
    env |= {"TMPDIR": rooms, "HOME": str(tmp_path), "TERM": "xterm-256color"}
    screen, inside = pty.openpty()
    demo = subprocess.Popen(
        [sys.executable, "-c", IN_A_TERMINAL], stdin=inside, stdout=inside, stderr=inside, cwd=tmp_path, env=env
    )
    os.close(inside)
    watched(screen, lambda: any(Path(rooms).glob("*/state/runs/*/*/agentd.json")))
    os.close(screen)
    demo.wait(60)
    assert list(Path(rooms).iterdir()) == []
    until = time.monotonic() + 10
    while (left := mentions(rooms)) and time.monotonic() < until:
        time.sleep(0.05)
    assert left == []
    Path(rooms).rmdir()


def watched(screen: int, seen: Callable[[], bool]) -> None:
    """Reads what a program paints until something is there."""
    until = time.monotonic() + 90
    while not seen():
        assert time.monotonic() < until, "no agent was started"
        if select.select([screen], [], [], 0.1)[0]:
            os.read(screen, 65536)
