"""The runner of this machine: starts one `agentd` per agent and follows it; no daemon, no cluster.

No agent is ever a child of this process, so those that it launched and those that it finds again
look the same to it. Ends arrive by pidfd; files are read only then.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from orch_tui.api import Busy, Caps, Order, Placement, RunEvent, RunnerError
from orch_tui.builtins.runners import agentd, rundir
from orch_tui.builtins.runners.ends import Ends

T = TypeVar("T")

log = logging.getLogger(__name__)

START_LIMIT_S = 60.0
SWEEP_LIMIT_S = 120.0
RETRY_S = 0.5
LONGEST_RETRY_S = 60.0
TAKEN_S = 5.0


class LocalRunner:
    """Runs agents on this machine, each under a supervisor that outlives the engine."""

    name = "local"

    def __init__(self, root: Path, *, bin_dir: Path | None = None, environ: Mapping[str, str] | None = None) -> None:
        """Knows where runs lie: `<root>/<agent>/<nonce>/`.

        Args:
            root: the directory of all runs of this mission.
            bin_dir: comes first in agents' PATH; `bin` beside the root unless given.
            environ: what agents may inherit from, through an allow-list; this process' own unless given.
        """
        self._root = root.absolute()
        self._bin_dir = bin_dir or self._root.parent / "bin"
        self._environ = environ
        self._runs: dict[str, Path] = {}
        self._followed: set[Path] = set()
        self._ordered_to_stop: dict[Path, str] = {}
        self._starting: dict[Path, asyncio.Lock] = {}
        self._settling: dict[Path, asyncio.Lock] = {}
        self._pauses: dict[Path, float] = {}
        self._closed = False
        self._tasks: set[asyncio.Task[None]] = set()
        self._ends = Ends()
        self._events: asyncio.Queue[RunEvent | None] = asyncio.Queue()
        self._threads = ThreadPoolExecutor(max_workers=4, thread_name_prefix="runner")

    async def open(self) -> Caps:
        """Returns what this runner can do; nothing has to be started first."""
        return Caps(exact_ends=sys.platform == "linux")

    async def launch(self, order: Order) -> Placement:
        """Starts the order's process, or returns where it stands if that was done before.

        Raises:
            Busy: another attempt of the same agent is still supervised here.
            RunnerError: the supervisor could not be started.
        """
        run_dir = self._check(order)
        async with self._starting.setdefault(run_dir, asyncio.Lock()):
            place, spawned = await self._in_thread(lambda: self._start(order, run_dir))
        self._runs[place.agent] = run_dir
        if spawned:
            if place.pid:
                self._events.put_nowait(RunEvent(place.agent, place.run, "started", place.started, pid=place.pid))
            if place.state in ("ended", "lost"):
                self._events.put_nowait(rundir.event_of(place))
        self._follow(run_dir, place)
        return place

    async def adopt(self) -> Sequence[Placement]:
        """Returns every run below the root; those that live are followed, those that nobody ended are swept."""
        places, unwritten = await self._in_thread(self._look)
        for run_dir, place in sorted(places.items(), key=lambda item: item[1].started):
            self._runs[place.agent] = run_dir
            self._follow(run_dir, place)
        for run_dir in unwritten:
            self._settle_later(run_dir, rundir.SWEPT)
        return tuple(places.values())

    async def events(self) -> AsyncIterator[Sequence[RunEvent]]:
        """Yields what happened, in batches; ends when the runner is closed."""
        while (event := await self._events.get()) is not None:
            batch = [event]
            while not self._events.empty() and (event := self._events.get_nowait()) is not None:
                batch.append(event)
            yield tuple(batch)
            if event is None:
                return

    async def stop(self, agent: str, reason: str) -> None:
        """Has the agent's supervisor walk the ladder; where it is gone, kills the agent's processes at once.

        Raises:
            RunnerError: no run of this agent is known here.
        """
        run_dir = self._run_of(agent)
        word = " ".join(reason.split()).encode()[:400].decode(errors="ignore") or "operator"
        self._ordered_to_stop.setdefault(run_dir, word)
        if rundir.supervisor(run_dir)[0] and rundir.write_line(run_dir / "ctl", f"stop {word}".encode()):
            return
        self._spawn(self._settle(run_dir, word))

    async def tell(self, agent: str, word: str, data: bytes = b"") -> None:
        """Writes one line to the agent's standard input.

        Raises:
            RunnerError: the word is not `input`, or nobody reads.
        """
        if word != "input":
            raise RunnerError("A local agent takes only input lines", word, "Its files are in its worktree.")
        if not rundir.write_line(self._run_of(agent) / "in", data.rstrip(b"\n")):
            raise RunnerError("The agent reads no input", agent, "It has ended, or its backend gives it none.")

    async def read(self, agent: str, file: str, offset: int, size: int) -> bytes:
        """Returns a piece of a file of the run, or of the agent's own files."""
        run_dir = self._run_of(agent)
        return await self._in_thread(lambda: rundir.read_part(run_dir, file, offset, size))

    async def sweep(self, nonce: str) -> int:
        """Kills every process that carries this nonce (all attempts, if it ends in a dot); returns how many."""
        return await self._in_thread(lambda: agentd.kill_all(lambda: agentd.marked([nonce])))

    async def close(self) -> None:
        """Lets go of everything; the agents run on."""
        self._closed = True
        self._ends.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._threads.shutdown(wait=False, cancel_futures=True)
        self._events.put_nowait(None)

    # --- following ---------------------------------------------------------------------------

    def _follow(self, run_dir: Path, place: Placement) -> None:
        if place.state in ("starting", "running") and run_dir not in self._followed:
            self._followed.add(run_dir)
            self._watch(run_dir)

    def _watch(self, run_dir: Path) -> None:
        """Waits for agentd, then for an agent that outlived it, then settles the run.

        A supervisor that was killed while it walked the ladder leaves the rest of the stop to us.
        """
        word = self._ordered_to_stop.get(run_dir, rundir.SWEPT)
        keeper, agent = rundir.supervisor(run_dir), agentd.survivor(run_dir)
        if keeper[0] or (agent[0] and word == rundir.SWEPT):
            return self._ends.watch(keeper if keeper[0] else agent, lambda: self._watch(run_dir))
        return self._spawn(self._settle(run_dir, word))

    async def _settle(self, run_dir: Path, reason: str) -> None:
        """Sweeps a run without an end, then tells its end once, whether or not the disk takes it."""
        async with self._settling.setdefault(run_dir, asyncio.Lock()):
            place, trouble = rundir.placement(run_dir), ""
            if place is None or not place.ended:
                trouble = await self._in_thread(lambda: self._sweep_runs([run_dir], reason))
                place = rundir.placement(run_dir)
            if place is None or not place.ended:  # somebody else is sweeping it, or there is no room
                self._settle_later(run_dir, reason)
                if not trouble or agentd.survivor(run_dir)[0]:
                    return
                place = rundir.unrecorded(run_dir, reason, trouble, time.time())
            if run_dir in self._followed:
                self._followed.discard(run_dir)
                self._events.put_nowait(rundir.event_of(place))

    def _settle_later(self, run_dir: Path, reason: str) -> None:
        """Tries again, less and less often: a disk may be full for long."""
        pause = self._pauses.get(run_dir, RETRY_S)
        self._pauses[run_dir] = min(pause * 2, LONGEST_RETRY_S)
        asyncio.get_running_loop().call_later(pause, lambda: self._spawn(self._settle(run_dir, reason)))

    def _spawn(self, work: Coroutine[object, object, None]) -> None:
        if self._closed:
            work.close()
            return
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()):
            log.error("what an agent left was not settled", exc_info=error)

    async def _in_thread(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)

    # --- disk and processes; these run in a thread --------------------------------------------

    def _check(self, order: Order) -> Path:
        run_dir = Path(order.run_dir).absolute()
        if run_dir != self._root / order.agent / order.run:
            raise RunnerError("The run directory is not this runner's", str(run_dir), f"Runs lie below {self._root}.")
        return run_dir

    def _run_of(self, agent: str) -> Path:
        if agent not in self._runs:
            raise RunnerError("No run of this agent is known here", agent, "Launch it first.")
        return self._runs[agent]

    def _start(self, order: Order, run_dir: Path) -> tuple[Placement, bool]:
        before = rundir.placement(run_dir)
        if before and before.reason != "not started":
            return (_taken_by_itself(run_dir) or before) if before.state == "starting" else before, False
        try:
            spec = rundir.prepare(order, [str(self._bin_dir)])
            code = self._run_agentd([str(spec)], order, json.dumps({"meter": order.meter}).encode())
        except (OSError, subprocess.SubprocessError) as trouble:
            raise RunnerError("The agent's supervisor could not be started", f"{order.agent}: {trouble}") from trouble
        place = _taken_by_itself(run_dir) if code == agentd.TAKEN else rundir.placement(run_dir)
        if code == agentd.TAKEN and place is None:
            raise Busy("Another attempt of this agent is still running", order.agent, "Stop it first.")
        if code not in (agentd.STARTED, agentd.TAKEN) or place is None:
            raise RunnerError("The agent's supervisor failed", f"{order.agent}: {_last_words(run_dir)}")
        return place, code == agentd.STARTED

    def _run_agentd(self, arguments: list[str], order: Order, secrets: bytes) -> int:
        with open(Path(order.run_dir) / "agentd.log", "ab", opener=_private) as log:
            return subprocess.run(
                [sys.executable, "-I", "-S", agentd.__file__, *arguments],
                input=secrets,
                stdout=log,
                stderr=log,
                cwd="/",
                env=self._inherited(),
                start_new_session=True,
                timeout=START_LIMIT_S,
                check=False,
            ).returncode

    def _inherited(self) -> dict[str, str]:
        """Returns what agentd itself gets: another process of this user could read it there."""
        source = os.environ if self._environ is None else self._environ
        return {name: text for name, text in source.items() if name in rundir.INHERITED or name.startswith("LC_")}

    def _look(self) -> tuple[dict[Path, Placement], list[Path]]:
        """Returns all runs, and those that ended just now without room for that on the disk."""
        run_dirs = [path.parent for path in self._root.glob("*/*/spec.json")]
        places = {path: place for path in run_dirs if (place := rundir.placement(path))}
        open_ends = [path for path, place in places.items() if place.state == "lost" and not place.ended]
        unswept = [path for path in open_ends if places[path].reason == rundir.SWEPT]
        trouble = self._sweep_runs(unswept, rundir.SWEPT) if unswept else ""
        places |= {path: place for path in unswept if (place := rundir.placement(path))}
        unwritten = [path for path in unswept if trouble and not places[path].ended and places[path].state == "lost"]
        places |= {path: rundir.unrecorded(path, rundir.SWEPT, trouble, time.time()) for path in unwritten}
        return places, unwritten

    def _sweep_runs(self, run_dirs: list[Path], reason: str) -> str:
        """Kills what is left of runs and writes their ends; returns what the disk or the system has against it."""
        argv = [sys.executable, "-I", "-S", agentd.__file__, "--sweep", reason, *map(str, run_dirs)]
        try:
            done = subprocess.run(argv, capture_output=True, timeout=SWEEP_LIMIT_S, check=False, env=self._inherited())
        except (OSError, subprocess.SubprocessError) as trouble:
            return str(trouble)
        if done.returncode in (agentd.STARTED, agentd.TAKEN):
            return ""
        return done.stderr.decode(errors="replace").strip()[-300:] or f"the sweep ended with {done.returncode}"


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _taken_by_itself(run_dir: Path) -> Placement | None:
    """Returns where a run stands whose start another process is just doing; none if it is another attempt's turn."""
    until = time.monotonic() + TAKEN_S
    while True:
        place = rundir.placement(run_dir)
        known = place is not None and place.reason != "not started"
        if known and place is not None and place.state != "starting":
            return place
        others = [rundir.placement(path) for path in run_dir.parent.iterdir() if path != run_dir]
        if any(other and other.state in ("starting", "running") for other in others) or time.monotonic() > until:
            return place if known else None
        time.sleep(0.02)


def _last_words(run_dir: Path) -> str:
    try:
        return (run_dir / "agentd.log").read_text(errors="replace").strip()[-300:] or "it said nothing"
    except OSError as trouble:
        return str(trouble)
