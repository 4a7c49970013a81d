"""What every runner must do; authors of a runner subclass `RunnerContract` in a test module of theirs.

Needs pytest and pytest-asyncio. Everything is shown with real processes in a temporary directory.
"""

from __future__ import annotations

import abc
import asyncio
import hashlib
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from orch_tui.api import AgentId, Order, RunEvent, Runner, RunNonce, StopStep

STUBBORN = """
import os, signal, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
signal.signal(signal.SIGINT, signal.SIG_IGN)
for _ in range(3):
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            time.sleep(600)
        os._exit(0)
print("ready", flush=True)
time.sleep(600)
"""
"""An agent that ignores TERM and leaves three grandchildren in sessions of their own that do so too."""

TELL = "import os, sys; print(sys.argv[1:], sorted(os.environ.items()))"
QUICK_LADDER = (StopStep("SIGINT", 0.2), StopStep("SIGTERM", 0.2))


class Bench:
    """A runner in a temporary root, with orders for it and a log of what it said."""

    def __init__(self, runner: Runner, home: Path) -> None:
        self.runner = runner
        self.home = home
        self.seen: list[RunEvent] = []
        self._news = asyncio.Event()
        self._listener = asyncio.get_running_loop().create_task(self._listen())

    async def _listen(self) -> None:
        async for batch in self.runner.events():
            self.seen += batch
            self._news.set()

    def order(self, argv: Sequence[str], *, agent: str = "api-1", launch: int = 1, **fields: Any) -> Order:
        """Returns an order for one attempt of an agent, in a worktree of its own.

        The nonce is unique on this machine: sweeps of tests that run at the same time must not meet.
        """
        worktree = self.home / "worktrees" / agent
        worktree.mkdir(parents=True, exist_ok=True)
        name = os.fsencode(f"{self.home}/{agent}/{launch}")
        run = f"{hashlib.sha256(name).hexdigest()[:32]}.1"
        usual: dict[str, Any] = {
            "mission": "m",
            "agent": AgentId(agent),
            "run": RunNonce(run),
            "attempt": 1,
            "branch": "",
            "base": "",
            "worktree": str(worktree),
            "run_dir": str(self.home / "runs" / agent / run),
            "repository": str(self.home / "repo"),
            "task_file": str(worktree / "TASK.md"),
            "notes_file": str(worktree / "AGENT_NOTES.md"),
            "argv": tuple(argv),
            "ladder": QUICK_LADDER,
        }
        return Order(**(usual | fields))

    async def ended(self, order: Order, *, within: float = 30.0) -> RunEvent:
        """Returns the event that ended this run."""
        async with asyncio.timeout(within):
            while True:
                self._news.clear()
                for event in self.seen:
                    if event.run == order.run and event.agent == order.agent and event.kind != "started":
                        return event
                await self._news.wait()

    def kinds(self, order: Order) -> list[str]:
        """Returns the kinds of all events of this run so far."""
        return [event.kind for event in self.seen if event.run == order.run and event.agent == order.agent]

    def output(self, order: Order) -> str:
        """Returns what the agent has written so far."""
        path = Path(order.run_dir) / "out.log"
        return path.read_text(errors="replace") if path.exists() else ""

    async def said(self, order: Order, text: str, *, within: float = 30.0) -> None:
        """Returns when the agent's output contains a text."""
        async with asyncio.timeout(within):
            while text not in self.output(order):  # noqa: ASYNC110 - output is a file; there is no event for it
                await asyncio.sleep(0.01)

    async def close(self) -> None:
        """Closes the runner and waits for the end of its events."""
        await self.runner.close()
        await asyncio.wait_for(self._listener, 10)


class RunnerContract(abc.ABC):
    """The tests; a subclass gives `make_runner`."""

    @abc.abstractmethod
    def make_runner(self, root: Path) -> Runner:
        """Returns a new runner whose runs lie below this directory."""

    def bench(self, home: Path) -> Bench:
        """Returns a bench with a new runner over the runs below `home`."""
        return Bench(self.make_runner(home / "runs"), home)

    async def test_a_run_starts_and_its_exit_status_arrives(self, tmp_path: Path) -> None:
        """An exit status arrives with the agent's own pid."""
        bench = self.bench(tmp_path)
        order = bench.order(["sh", "-c", "echo hello; exit 3"])
        place = await bench.runner.launch(order)
        event = await bench.ended(order)
        assert (event.kind, event.rc, event.signal, event.reason) == ("exit", 3, 0, "")
        assert event.pid == place.pid > 0
        assert bench.kinds(order) == ["started", "exit"]
        assert bench.output(order) == "hello\n"
        await bench.close()

    async def test_launched_twice_is_started_once(self, tmp_path: Path) -> None:
        """One nonce is one process, however often it is asked for."""
        bench = self.bench(tmp_path)
        order = bench.order(["sh", "-c", "echo once >> started; sleep 600"])
        first, second = await asyncio.gather(bench.runner.launch(order), bench.runner.launch(order))
        third = await bench.runner.launch(order)
        assert {place.state for place in (first, second, third)} == {"running"}
        assert len({place.pid for place in (first, second, third)}) == 1
        await bench.runner.stop("api-1", "test")
        await bench.ended(order)
        assert (Path(order.worktree) / "started").read_text() == "once\n"
        assert (await bench.runner.launch(order)).state == "ended"
        assert bench.kinds(order) == ["started", "exit"]
        await bench.close()

    async def test_placeholders_are_filled_and_the_environment_is_an_allow_list(self, tmp_path: Path) -> None:
        """Argument items are filled once; nothing of the operator's environment leaks."""
        bench = self.bench(tmp_path)
        os.environ["ONLY_THE_OPERATORS"] = "leak"
        try:
            order = bench.order(
                [sys.executable, "-c", TELL, "{agent}", "x{run}y", "{{agent}}", "{prompt}", "${NOT_OURS}"],
                env={"ASK": "{meter}/v1", "FILE": "{task_file}"},
                prompt="do {agent} {unknown}; $(x)",
                meter="http://127.0.0.1:9/r/t",
            )
            await bench.runner.launch(order)
            await bench.ended(order)
        finally:
            del os.environ["ONLY_THE_OPERATORS"]
        said = bench.output(order)
        asked = ["api-1", f"x{order.run}y", "{agent}", "do {agent} {unknown}; $(x)", "${NOT_OURS}"]
        assert said.startswith(str(asked))
        for pair in (("ASK", "http://127.0.0.1:9/r/t/v1"), ("FILE", order.task_file), ("ORCH_RUN", order.run)):
            assert str(pair) in said
        assert "leak" not in said
        await bench.close()

    async def test_what_cannot_start_says_why(self, tmp_path: Path) -> None:
        """Each kind of bad start has its own reason."""
        bench = self.bench(tmp_path)
        script = tmp_path / "no interpreter"
        script.write_text("#!/nowhere/sh\n")
        script.chmod(0o755)
        cases = {
            "exec: cannot start 'no-such-program'": bench.order(["no-such-program"], agent="a-1"),
            "placeholder: unknown placeholder {nonsense}": bench.order(["echo", "{nonsense}"], agent="a-2"),
            "exec: the backend gave an empty command": bench.order([], agent="a-3"),
            "place: the worktree": bench.order(["true"], agent="a-4", worktree=str(tmp_path / "gone")),
            "ladder: the stop ladder names": bench.order(["true"], agent="a-5", ladder=(StopStep("SIGNOPE", 1),)),
            "exec: cannot start '" + str(script): bench.order([str(script)], agent="a-6"),
        }
        for reason, order in cases.items():
            place = await bench.runner.launch(order)
            assert place.state == "ended"
            assert place.reason.startswith(reason)
            assert (await bench.ended(order)).reason == place.reason
        await bench.close()

    async def test_a_stubborn_tree_leaves_nobody(self, tmp_path: Path) -> None:
        """Deaf grandchildren in sessions of their own do not survive a stop."""
        bench = self.bench(tmp_path)
        order = bench.order([sys.executable, "-c", STUBBORN])
        await bench.runner.launch(order)
        await bench.said(order, "ready")
        await bench.runner.stop("api-1", "budget")
        event = await bench.ended(order)
        assert (event.reason, event.signal) == ("budget", 9)
        assert await bench.runner.sweep(order.run) == 0
        await bench.close()

    async def test_a_finished_agent_leaves_nobody_either(self, tmp_path: Path) -> None:
        """Background processes do not survive their agent."""
        bench = self.bench(tmp_path)
        order = bench.order(["sh", "-c", "sleep 600 & (setsid sleep 600 &) ; exit 0"])
        await bench.runner.launch(order)
        event = await bench.ended(order)
        assert (event.rc, event.reason) == (0, "")
        assert await bench.runner.sweep(order.run) == 0
        await bench.close()

    async def test_a_second_runner_finds_what_the_first_started(self, tmp_path: Path) -> None:
        """Agents outlive a runner; the next one finds them and their ends."""
        first = self.bench(tmp_path)
        quick = first.order(["sh", "-c", "exit 7"], agent="quick-1")
        slow = first.order(["sh", "-c", "while ! test -e go; do sleep 0.05; done; exit 5"], agent="slow-1")
        await first.runner.launch(quick)
        started = await first.runner.launch(slow)
        await first.ended(quick)
        await first.close()
        second = self.bench(tmp_path)
        places = {place.agent: place for place in await second.runner.adopt()}
        assert (places[quick.agent].state, places[quick.agent].rc) == ("ended", 7)
        assert (places[slow.agent].state, places[slow.agent].pid) == ("running", started.pid)
        await second.runner.adopt()
        (Path(slow.worktree) / "go").touch()
        assert (await second.ended(slow)).rc == 5
        assert second.kinds(slow) == ["exit"]
        await second.close()

    async def test_names_may_hold_anything(self, tmp_path: Path) -> None:
        """Spaces, newlines, quotes, braces and bytes that are no UTF-8 are only names."""
        home = tmp_path / "a b\nc'\"-é\udcff{x}"
        home.mkdir()
        bench = self.bench(home)
        order = bench.order(["sh", "-c", 'printf "%s" "$1" >"$2"', "-", "{worktree}", "{notes_file}"], agent="-dash-1")
        await bench.runner.launch(order)
        assert (await bench.ended(order)).rc == 0
        assert Path(order.notes_file).read_bytes() == os.fsencode(order.worktree)
        await bench.close()

    async def test_too_much_output_ends_the_agent(self, tmp_path: Path) -> None:
        """An agent cannot fill the disk."""
        bench = self.bench(tmp_path)
        order = bench.order(["sh", "-c", "yes"], log_limit=200_000)
        await bench.runner.launch(order)
        assert (await bench.ended(order)).reason == "log_limit"
        await bench.close()

    async def test_time_is_up(self, tmp_path: Path) -> None:
        """An agent cannot run for ever when a limit is set."""
        bench = self.bench(tmp_path)
        order = bench.order(["sleep", "600"], wall_s=0.3)
        await bench.runner.launch(order)
        event = await bench.ended(order)
        assert event.reason == "wall_time"
        assert event.signal > 0
        await bench.close()
