"""Real missions whose agents are shell scripts, for stories and benchmarks.

A *puppet* is an agent of the `command` backend that does what a test writes into its fifo, one order a line, and
sleeps in `read` meanwhile. A mission has a home of its own, so every process that it started can be found again.
"""

from __future__ import annotations

import errno
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import psutil
import pytest

from orch_tui.testing.repo import RepoBuilder

T = TypeVar("T")

ORCH_TUI = (sys.executable, "-m", "orch_tui")
NOBODY = "http://127.0.0.1:9"
"""An upstream that nobody listens at: these agents ask no model."""

PUPPET = """\
#!/bin/sh
# Does what it reads from its fifo, one order a line, until it is told to exit.
exec 3<>"$1/$ORCH_AGENT"
while read -r order rest <&3; do
  case $order in
  note) printf '%s\\n' "$rest" >>"$2" ;;
  inbox) cat .orch/inbox/*.json >>"$2" ;;
  print) printf '%s\\n' "$rest" ;;
  write) printf '%s\\n' "${rest#* }" >"${rest%% *}" ;;
  commit) git add -A && git commit -q -m "$rest" ;;
  report) orch-report "${rest%% *}" "${rest#* }" ;;
  exit) exit "$rest" ;;
  esac
done
"""


def until(what: str, condition: Callable[[], T], seconds: float = 30.0) -> T:
    """Returns the first true value of the condition; fails with `what` at the time limit."""
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds:g} s: {what}")
        time.sleep(0.03)
    return value


def tool(name: str) -> str:
    """Returns the path of a program; skips the test where it is missing, unless every tool is demanded."""
    path = shutil.which(name)
    if path is None:
        words = f"{name} is not installed"
        if os.environ.get("ORCH_TEST_REQUIRE_TOOLS") == "1":
            pytest.fail(words)
        pytest.skip(words)
    return path


class Home:
    """A clean environment below one directory; everything that carries it can be ended."""

    def __init__(self, place: Path) -> None:
        self.home = place / "home"
        self.home.mkdir(parents=True)
        self.env = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.home),
            "XDG_STATE_HOME": str(self.home / "state"),
            "XDG_CONFIG_HOME": str(self.home / "config"),
            "XDG_CACHE_HOME": str(self.home / "cache"),
            "LANG": "C.UTF-8",
            "TERM": "xterm-256color",
            "COLORTERM": "truecolor",
            "GIT_CONFIG_NOSYSTEM": "1",
        }

    def run(self, *words: str, cwd: Path, timeout: float = 90.0) -> subprocess.CompletedProcess[str]:
        """Runs `orch-tui` in a directory."""
        return subprocess.run(
            [*ORCH_TUI, *words], cwd=cwd, env=self.env, capture_output=True, text=True, timeout=timeout, check=False
        )

    def processes(self) -> list[psutil.Process]:
        """Returns every process that was started from here."""
        return [process for process in psutil.process_iter() if _home_of(process) == str(self.home)]

    def close(self) -> None:
        """Ends every process that was started from here."""
        deadline = time.monotonic() + 20
        while (left := self.processes()) and time.monotonic() < deadline:
            for process in left:
                _kill(process)
            psutil.wait_procs(left, timeout=0.3)


def _home_of(process: psutil.Process) -> str:
    try:
        return str(process.environ().get("HOME", ""))
    except (psutil.Error, OSError):
        return ""


def _kill(process: psutil.Process) -> None:
    try:
        process.send_signal(signal.SIGKILL)
    except psutil.Error:
        return


class Mission:
    """A repository with a home of its own, and the command line on it."""

    def __init__(self, place: Path) -> None:
        self.home = Home(place)
        self.env = self.home.env
        self.root = place / "harbour"
        self.repo = RepoBuilder(self.root)

    def run(self, *words: str, timeout: float = 90.0) -> subprocess.CompletedProcess[str]:
        """Runs `orch-tui` in the repository."""
        return self.home.run(*words, cwd=self.root, timeout=timeout)

    def ok(self, *words: str, timeout: float = 90.0) -> str:
        """Runs `orch-tui` and returns its output; anything but success is an error."""
        done = self.run(*words, timeout=timeout)
        assert done.returncode == 0, f"orch-tui {' '.join(words)}: {done.returncode}\n{done.stdout}{done.stderr}"
        return done.stdout

    def json(self, *words: str) -> Any:
        """Runs `orch-tui` and returns what it prints as JSON."""
        return json.loads(self.ok(*words, "--json"))

    def agents(self) -> dict[str, dict[str, Any]]:
        """Returns the agents of `status --json` by their ids."""
        return {agent["id"]: agent for stream in self.json("status")["streams"] for agent in stream["agents"]}

    def wait_states(self, states: Mapping[str, str], seconds: float = 30.0) -> None:
        """Waits until these agents are in these states."""
        seen: dict[str, str] = {}

        def reached() -> bool:
            seen.update({name: agent["state"] for name, agent in self.agents().items()})
            return all(seen.get(name) == state for name, state in states.items())

        until(f"{states}", reached, seconds)

    @property
    def engine(self) -> int:
        """Returns the pid of the engine, 0 where none runs."""
        done = self.run("engine", "status", "--json")
        return int(json.loads(done.stdout)["pid"]) if done.returncode == 0 else 0

    @property
    def engine_lock(self) -> Path:
        """Returns the file whose lock makes an engine the one."""
        return next((self.home.home / "state").glob("orch-tui/*/engine.lock"))

    def close(self) -> None:
        """Ends everything that the mission started."""
        self.home.close()


class Fleet(Mission):
    """A mission of puppets.

    Args:
        place: an empty directory.
        streams: for each stream the number of agents of each of its tasks; a name is one word.
        settings: more lines for `orch.toml`.
        files: how many files the repository has beside the plan.
    """

    def __init__(
        self, place: Path, streams: Mapping[str, Sequence[int]], *, settings: str = "", files: int = 0
    ) -> None:
        super().__init__(place)
        self._pace = place / "pace"
        self._pace.mkdir()
        for name, tasks in streams.items():
            for agent in range(1, sum(tasks) + 1):
                os.mkfifo(self._pace / f"{name.lower()}-{agent}")
        script = place / "agent.sh"
        script.write_text(PUPPET, encoding="utf-8")
        argv = ("sh", str(script), str(self._pace), "{notes_file}")
        self.repo.file("tasks.md", plan(streams)).file("orch.toml", configuration(argv, settings))
        self.repo.file("README.md", "# Harbour\n").file("CLAUDE.md", "# House rules\n")
        for number in range(files):
            self.repo.file(f"src/part{number % 100:02d}/file{number:05d}.txt", f"file {number}\n" * 20)
        self.repo.commit("Begin")

    def order(self, agent: str, *orders: str) -> None:
        """Has a puppet do something; waits until it is there to read."""
        handle = until(f"{agent} reads its orders", lambda: _writer(self._pace / agent))
        with os.fdopen(handle, "w", encoding="utf-8") as pipe:
            pipe.writelines(f"{order}\n" for order in orders)

    def deliver(self, agent: str, name: str, text: str) -> None:
        """Has a puppet write a file, commit it and report that it is done."""
        self.order(agent, f"write {name} {text}", f"commit Write {name}", f"report done wrote {name}")

    def wait_attempt(self, agent: str, attempt: int) -> None:
        """Waits until an agent's process of that attempt runs."""

        def there() -> bool:
            now = self.agents()[agent]
            return bool(now["attempt"] == attempt and now["pid"])

        until(f"attempt {attempt} of {agent}", there)


def _writer(fifo: Path) -> int | None:
    try:
        return os.open(fifo, os.O_WRONLY | os.O_NONBLOCK)
    except OSError as error:
        if error.errno != errno.ENXIO:
            raise
        return None


def plan(streams: Mapping[str, Sequence[int]]) -> str:
    """Returns a `tasks.md`: one task line for each number of agents."""
    lines = ["# Epic: Harbour", ""]
    for number, (name, tasks) in enumerate(streams.items(), start=1):
        lines.append(f"## Stream {number}: {name} ({sum(tasks)} agents)")
        lines += [f"- [ ] {name} part {i} ({n} agents)" for i, n in enumerate(tasks, start=1)]
        lines.append("")
    return "\n".join(lines)


def configuration(argv: Sequence[str], more: str = "") -> str:
    """Returns an `orch.toml` whose agents run a command."""
    return f"""\
[mission]
target = "main"

[agents]
backend = "command"
max_running = 100

[backends.command]
argv = {json.dumps(list(argv))}

[meter]
upstream = "{NOBODY}"

[engine]
linger = "20s"
{more}"""
