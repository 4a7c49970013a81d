"""agentd: the small supervisor of one agent; it outlives whoever started it.

    python -I -S agentd.py SPEC                       start the agent that the order in SPEC describes
    python -I -S agentd.py --sweep REASON RUNDIR...   agentd is gone: kill what carries these runs' nonces

This file alone starts an agent's process, signals it and writes `agentd.json`, `events.jsonl` and
`exit.json` of its run. It uses nothing but the standard library, so a job script can carry it to
another machine. The first process returns when the agent's program runs, or with 75 when somebody
else has this agent; secrets (`{"meter": URL}`) come on its standard input and reach no file.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import json
import os
import re
import select
import signal
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, NoReturn

STARTED, CRASHED, UNWRITTEN, TAKEN = 0, 70, 74, 75
GRACE_S = 0.5  # what an ended agent left behind gets this long between TERM and KILL
PATIENCE_S = 5.0  # a process in an uninterruptible call is not waited for any longer
TICK_S, SLOW_TICK_S = 0.25, 1.0
SET_CHILD_SUBREAPER = 36
PLACEHOLDER = re.compile(r"\{\{[a-z_]+\}\}|\{([a-z_]+)\}")

Victim = tuple[int, str]


class StartError(Exception):
    """The agent's program cannot be started; `word` says which kind of trouble."""

    def __init__(self, word: str, message: str) -> None:
        super().__init__(message)
        self.word = word


# --- Who is who: (pid, start time, boot) -------------------------------------------------------


def boot_id() -> str:
    """Returns a text that differs after every boot of this machine."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return " ".join(_output_of(["sysctl", "-n", "kern.boottime"]).split()[:4])


def start_of(pid: int) -> str:
    """Returns the start time of a living process in the system's own words; "" when it is gone or a zombie."""
    if pid <= 0:
        return ""
    if not sys.platform.startswith("linux"):
        return _table().get(pid, (0, ""))[1]
    try:
        fields = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()
    except OSError:
        return ""
    return "" if fields[0] in (b"Z", b"X") else fields[19].decode()


def send(victim: Victim, number: int) -> bool:
    """Signals a process if it still is the one that was meant."""
    pid, start = victim
    try:
        handle = os.pidfd_open(pid) if sys.platform == "linux" else -1
    except OSError:
        handle = -1
    try:
        if not start or start_of(pid) != start:
            return False
        if handle >= 0:
            signal.pidfd_send_signal(handle, number)
        else:
            os.kill(pid, number)
    except OSError:
        return False
    finally:
        if handle >= 0:
            os.close(handle)
    return True


def _output_of(argv: list[str]) -> str:
    import subprocess  # 8 ms; only where there is no /proc

    return subprocess.run(argv, capture_output=True, check=False).stdout.decode(errors="replace")


def _table() -> dict[int, tuple[int, str]]:
    """Returns parent and start time by pid, where there is no /proc."""
    rows = (line.split(None, 3) for line in _output_of(["ps", "-axo", "pid=,ppid=,stat=,lstart="]).splitlines())
    return {int(row[0]): (int(row[1]), row[3]) for row in rows if len(row) == 4 and "Z" not in row[2]}


def _children(pid: int) -> list[int]:
    try:
        threads = os.listdir(f"/proc/{pid}/task")  # noqa: PTH208 - names alone, on the way of every stop
        return [int(child) for thread in threads for child in _read(f"/proc/{pid}/task/{thread}/children").split()]
    except OSError:
        return []


def _read(path: str) -> bytes:
    try:
        return Path(path).read_bytes()
    except OSError:
        return b""


def descendants(root: int) -> list[Victim]:
    """Returns every living process below a root, nearest first."""
    if not Path(f"/proc/self/task/{os.getpid()}/children").exists():
        return descendants_by_table(root)
    below: list[Victim] = []
    rows = _children(root)
    while rows:
        below += [(pid, start) for pid in rows if (start := start_of(pid))]
        rows = [child for pid in rows for child in _children(pid)]
    return below


def descendants_by_table(root: int) -> list[Victim]:
    """Returns the same from a table of all processes, for systems that keep no list of children."""
    table = _table() if not Path("/proc/self/stat").exists() else _table_of_proc()
    below, parents = [], {root}
    while parents:
        rows = [(pid, start) for pid, (parent, start) in table.items() if parent in parents]
        below += rows
        parents = {pid for pid, _ in rows}
    return below


def _table_of_proc() -> dict[int, tuple[int, str]]:
    table = {}
    for name in os.listdir("/proc"):  # noqa: PTH208
        fields = _read(f"/proc/{name}/stat").rpartition(b")")[2].split() if name.isdigit() else []
        if len(fields) > 19 and fields[0] != b"Z":
            table[int(name)] = (int(fields[1]), fields[19].decode())
    return table


def marked(nonces: Iterable[str]) -> list[Victim]:
    """Returns every living process whose environment carries one of these run nonces.

    A nonce that ends in a dot stands for all attempts of its launch. Reads all of /proc, about 70 µs
    a process: for the moment after a stop or a crash, not for a tick.
    """
    if not Path("/proc/self/environ").exists():
        return _marked_by_ps(nonces)
    marks = [b"\0ORCH_RUN=" + os.fsencode(nonce) + (b"" if nonce.endswith(".") else b"\0") for nonce in nonces]
    found = []
    for name in os.listdir("/proc"):  # noqa: PTH208
        if name.isdigit() and int(name) != os.getpid():
            environ = b"\0" + _read(f"/proc/{name}/environ")
            if any(mark in environ for mark in marks) and (start := start_of(int(name))):
                found.append((int(name), start))
    return found


def _marked_by_ps(nonces: Iterable[str]) -> list[Victim]:
    marks = [f" ORCH_RUN={nonce}" for nonce in nonces]
    lines = [
        line for line in _output_of(["ps", "-axEwwo", "pid=,command="]).splitlines() if any(m in line for m in marks)
    ]
    return [(pid, start) for pid in (int(line.split()[0]) for line in lines) if (start := start_of(pid))]


def kill_all(find: Callable[[], list[Victim]], reap: Callable[[], None] = lambda: None) -> int:
    """Sends TERM, then KILL, to everybody that `find` finds, until it finds nobody; returns how many there were."""
    seen: set[Victim] = set()
    for number, patience in ((signal.SIGTERM, GRACE_S), (signal.SIGKILL, PATIENCE_S)):
        told: set[Victim] = set()
        until = time.monotonic() + patience
        while victims := find():
            for victim in victims:
                if number == signal.SIGKILL or victim not in told:
                    send(victim, number)
            told.update(victims)
            if time.monotonic() > until:
                break
            time.sleep(0.01)
            reap()
        seen |= told
    return len(seen)


# --- Files of a run ----------------------------------------------------------------------------


def write_json(path: Path, value: dict[str, Any], *, durable: bool = False) -> None:
    """Writes a file that is either old or new, never torn; a durable one survives a power cut, too."""
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with beside.open("w") as stream:
            json.dump(value, stream)
            if durable:
                stream.flush()
                os.fsync(stream.fileno())
        beside.replace(path)
    except OSError:
        with contextlib.suppress(OSError):
            beside.unlink()
        raise


def read_json(path: Path) -> dict[str, Any]:
    """Returns a file's object; an empty one when it is missing, torn or of another shape."""
    try:
        value = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return {}
    return value if isinstance(value, dict) else {}


def hold(run_dir: Path) -> int:
    """Takes the agent's lock and returns its descriptor; -1 when somebody else has it."""
    lock = os.open(run_dir.parent / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as trouble:
        os.close(lock)
        if trouble.errno in (errno.EAGAIN, errno.EACCES):
            return -1
        raise
    return lock


def survivor(run_dir: Path) -> Victim:
    """Returns the agent of a run if it still lives, (0, "") otherwise."""
    known = read_json(run_dir / "agentd.json")
    pid, start = int(known.get("agent_pid", 0)), str(known.get("agent_start", ""))
    alive = bool(start) and known.get("boot") == boot_id() and start_of(pid) == start
    return (pid, start) if alive else (0, "")


def sweep(run_dirs: list[Path], reason: str) -> int:
    """Ends runs that nobody supervises any more and writes their `exit.json`; the caller holds the lock.

    Raises:
        OSError: an end could not be written; all processes are gone even so, and the other ends are on disk.
    """
    open_runs = {path: _nonce(path) for path in run_dirs if not read_json(path / "exit.json")}
    here = [path for path in open_runs if read_json(path / "agentd.json").get("boot") == boot_id()]
    nonces = [open_runs[path] for path in here]
    roots = [victim for path in here if (victim := survivor(path))[0]]

    def find() -> list[Victim]:
        trees = [one for root in roots if start_of(root[0]) == root[1] for one in [root, *descendants(root[0])]]
        return list(dict.fromkeys(trees + marked(nonces))) if nonces else []

    began = time.monotonic()
    killed = kill_all(find)
    more = {"kill_ms": int((time.monotonic() - began) * 1000), "killed": killed}
    unwritten: OSError | None = None
    for path, run in open_runs.items():
        done = {"v": 1, "run": run, "rc": None, "signal": 0, "at": time.time(), "reason": reason}
        try:
            write_json(path / "exit.json", done | more)
        except OSError as trouble:
            unwritten = trouble
    if unwritten:
        raise unwritten
    return killed


def _nonce(run_dir: Path) -> str:
    """Returns the nonce of a run, which is its directory's name, too, where the order cannot be read."""
    return str(read_json(run_dir / "spec.json").get("run") or run_dir.name)


# --- The order ---------------------------------------------------------------------------------


def filled(text: str, values: dict[str, str]) -> str:
    """Returns the text with its placeholders replaced; `{{name}}` stands for a literal `{name}`.

    Raises:
        StartError: a placeholder has no meaning here.
    """

    def value(match: re.Match[str]) -> str:
        name = match.group(1)
        if name is None:
            return match.group(0)[1:-1]
        if name not in values:
            known = " ".join(f"{{{one}}}" for one in sorted(values))
            raise StartError("placeholder", f"unknown placeholder {{{name}}} in {text!r}; known are {known}")
        return values[name]

    return PLACEHOLDER.sub(value, text)


def placeholder_values(spec: dict[str, Any], secrets: dict[str, str]) -> dict[str, str]:
    """Returns what each placeholder stands for on this machine."""
    names = ("repository", "worktree", "task_file", "notes_file", "prompt", "agent", "stream", "branch", "run")
    return {name: str(spec.get(name, "")) for name in names} | {"meter": secrets.get("meter", "")}


def environment(spec: dict[str, Any], values: dict[str, str]) -> dict[str, str]:
    """Returns the agent's environment: what the order lets through, what it sets, and who the agent is."""
    inherit = set(spec["inherit"])
    env = {name: text for name, text in os.environ.items() if name in inherit or name.startswith("LC_")}
    env |= {name: filled(text, values) for name, text in spec["env"].items()}
    env["PATH"] = os.pathsep.join([*spec["path_first"], env.get("PATH") or os.defpath])
    env |= {"ORCH_RUN": spec["run"], "ORCH_ATTEMPT": str(spec["attempt"]), "ORCH_AGENT": spec["agent"]}
    return env | {"ORCH_DIR": str(Path(spec["worktree"]) / ".orch"), "PWD": spec["worktree"]}


def check_place(spec: dict[str, Any]) -> None:
    """Raises `StartError` unless the worktree is there and not on another branch; a rebase may be under way in it."""
    place = Path(spec["worktree"])
    if not place.is_dir():
        raise StartError("place", f"the worktree {str(place)!r} is not there")
    link = _read(str(place / ".git")).partition(b"gitdir: ")[2].rstrip(b"\r\n")
    head = os.fsdecode(_read(str(place / os.fsdecode(link) / "HEAD")).strip()) if link else ""
    branch = head.removeprefix("ref: refs/heads/")
    if spec["branch"] and branch != head and branch not in (spec["branch"], ".invalid"):
        raise StartError("place", f"the worktree is on {branch!r}, not on {spec['branch']!r}")


def trouble_with(program: str, trouble: Exception) -> str:
    """Returns one sentence on why a program could not be executed."""
    number = trouble.errno if isinstance(trouble, OSError) else None
    if number == errno.ENOEXEC:
        return f"cannot start {program!r}: not a program; a script begins with #! and its interpreter"
    if number == errno.ENOENT and "/" in program and Path(program).exists():
        return f"cannot start {program!r}: the interpreter that its first line names is missing"
    if number == errno.ENOENT and "/" not in program:
        return f"cannot start {program!r}: no such program in PATH"
    return f"cannot start {program!r}: {os.strerror(number) if number else trouble}"


# --- One agent ---------------------------------------------------------------------------------


class Supervisor:
    """Starts one agent, watches it, stops it on demand, and leaves its end on disk."""

    def __init__(self, spec: dict[str, Any], secrets: dict[str, str], run_dir: Path, umask: int) -> None:
        self.spec = spec
        self.secrets = secrets
        self.run_dir = run_dir
        self.umask = umask
        self.agent: Victim = (0, "")
        self.status: int | None = None
        self.usage: tuple[float, int] = (0.0, 0)
        self.sequence = 0
        self.stopping = ""
        self.stop_began = 0.0
        self.steps: list[tuple[int, float]] = []
        self.step_until = float("inf")
        self.wall_until = time.monotonic() + float(spec["wall_s"] or "inf")
        self.tick, self.log_size = TICK_S, 0
        self.ctl = os.open(run_dir / "ctl", os.O_RDWR | os.O_NONBLOCK)
        self.wake, wake_end = os.pipe()
        for end in (self.wake, wake_end):
            os.set_blocking(end, False)
        signal.set_wakeup_fd(wake_end, warn_on_full_buffer=False)

    def event(self, kind: str, **fields: object) -> None:
        """Appends one line to `events.jsonl`; a full disk loses the line, not the agent."""
        self.sequence += 1
        head = {"a": self.spec["agent"], "n": self.spec["attempt"], "s": self.sequence, "t": time.time(), "k": kind}
        try:
            with (self.run_dir / "events.jsonl").open("a") as stream:
                stream.write(json.dumps(head | fields) + "\n")
        except OSError as trouble:
            print(f"event {kind} not written: {trouble}", file=sys.stderr)  # noqa: T201 - this is agentd.log

    def start(self) -> None:
        """Starts the agent's program; its pid is on disk before its first instruction.

        Raises:
            StartError: the place, a placeholder or the program is not usable.
        """
        check_place(self.spec)
        values = placeholder_values(self.spec, self.secrets)
        argv = [filled(item, values) for item in self.spec["argv"]]
        if not argv:
            raise StartError("exec", "the backend gave an empty command")
        env = environment(self.spec, values)
        self.steps = [(ladder_signal(step["signal"]), float(step["wait_s"])) for step in self.spec["ladder"]]
        streams = self._streams()
        (go_read, go), (word, word_write) = os.pipe(), os.pipe()
        pid = os.fork()
        if not pid:
            os.close(go)
            self._become(argv, env, streams, go_read, word_write)
        for descriptor in (*streams, go_read, word_write):
            os.close(descriptor)
        self.agent = (pid, start_of(pid))
        self.record()
        os.write(go, b"g")
        os.close(go)
        message = _drain(word).decode(errors="replace")
        if message:
            raise StartError("exec", message)
        self.event("started", pid=pid)

    def record(self) -> None:
        """Writes `agentd.json`: who supervises whom."""
        me = {"v": 1, "run": self.spec["run"], "pid": os.getpid(), "start": start_of(os.getpid()), "boot": boot_id()}
        who = {"agent_pid": self.agent[0], "agent_start": self.agent[1], "at": time.time()}
        write_json(self.run_dir / "agentd.json", me | who if self.agent[0] else me)

    def _streams(self) -> tuple[int, int, int]:
        source = os.open(self.run_dir / "in" if self.spec["stdin"] == "fifo" else os.devnull, os.O_RDWR)
        append = os.O_WRONLY | os.O_APPEND | os.O_CREAT
        return source, *(os.open(self.run_dir / name, append, 0o600) for name in ("out.log", "err.log"))  # type: ignore[return-value]

    def _become(
        self, argv: list[str], env: dict[str, str], streams: tuple[int, int, int], go: int, word: int
    ) -> NoReturn:
        """Turns this fork into the agent, or says why that is impossible and ends."""
        try:
            os.setsid()
            os.umask(self.umask)
            signal.set_wakeup_fd(-1)
            for number in (*range(1, 16), signal.SIGCHLD, signal.SIGXFSZ):
                if number not in (signal.SIGKILL, signal.SIGSTOP):
                    signal.signal(number, signal.SIG_DFL)
            for target, descriptor in enumerate(streams):
                os.dup2(descriptor, target)
            os.chdir(self.spec["worktree"])
            if os.read(go, 1):
                os.execvpe(argv[0], argv, env)  # noqa: S606 - starting this program is the task
        except (OSError, ValueError) as trouble:
            os.write(word, trouble_with(argv[0], trouble).encode(errors="replace")[:2000])
        finally:
            os._exit(127)

    def watch(self) -> None:
        """Returns when the agent has ended, however that came about."""
        while self.status is None:
            until = min(self.step_until, self.wall_until, time.monotonic() + self.tick)
            select.select([self.wake, self.ctl], [], [], max(0.0, until - time.monotonic()))
            numbers = _drain(self.wake, whole=False)
            self.reap()
            if bytes([signal.SIGTERM]) in numbers:
                self.stop("terminated")
            for line in _drain(self.ctl, whole=False).decode(errors="replace").splitlines():
                if line.startswith("stop"):
                    self.stop(line[5:].strip() or "operator")
            self._check_limits()
            self._climb()

    def reap(self) -> None:
        """Takes in every child that has ended; this process adopts what the agent orphans."""
        while True:
            try:
                pid, status, used = os.wait4(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if not pid:
                return
            if pid == self.agent[0]:
                self.status, self.usage = status, (used.ru_utime + used.ru_stime, used.ru_maxrss)

    def stop(self, reason: str) -> None:
        """Begins the ladder; the first reason stands."""
        if not self.stopping:
            self.stopping, self.stop_began, self.step_until = reason, time.monotonic(), 0.0
            self.event("stopping", reason=reason)

    def _check_limits(self) -> None:
        if time.monotonic() >= self.wall_until:
            self.wall_until = float("inf")
            self.stop("wall_time")
        size = sum(_size(self.run_dir / name) for name in ("out.log", "err.log"))
        self.tick = TICK_S if size != self.log_size else min(self.tick * 2, SLOW_TICK_S)
        self.log_size = size
        if size > self.spec["log_limit"] and not self.stopping:
            self.steps = [(signal.SIGTERM, GRACE_S)]  # a full ladder would let it fill the disk
            self.stop("log_limit")

    def _climb(self) -> None:
        if not self.stopping or self.status is not None or time.monotonic() < self.step_until:
            return
        number, wait = self.steps.pop(0) if self.steps else (signal.SIGKILL, PATIENCE_S)
        send(self.agent, number)
        self.step_until = time.monotonic() + wait

    def finish(self, reason: str, message: str = "") -> None:
        """Kills what the agent left, then writes the end by rename, then its last event."""
        began = self.stop_began or time.monotonic()
        killed = kill_all(lambda: descendants(os.getpid()), self.reap)
        if self.stopping or self.status:
            killed += kill_all(lambda: marked([self.spec["run"]]), self.reap)
        status = self.status if self.status is not None else 127 << 8
        signalled = os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0
        end = {"rc": None if signalled else os.WEXITSTATUS(status), "signal": signalled, "reason": reason}
        more = {"message": message, "kill_ms": int((time.monotonic() - began) * 1000), "killed": killed}
        used = {"cpu_s": round(self.usage[0], 3), "max_rss": self.usage[1]}
        self._write_end({"v": 1, "run": self.spec["run"], "at": time.time()} | end | more | used)
        self.event("exit", **end, message=message)

    def _write_end(self, end: dict[str, Any]) -> None:
        for _ in range(60):  # a full disk may be cleared; without this file the run counts as lost
            try:
                return write_json(self.run_dir / "exit.json", end, durable=True)
            except OSError as trouble:
                print(f"exit.json not written: {trouble}", file=sys.stderr)  # noqa: T201
                if not self.run_dir.is_dir():  # the mission was removed; nobody will ask
                    return None
                time.sleep(1)
        return None


def ladder_signal(name: str) -> int:
    """Returns the number of a signal's name.

    Raises:
        StartError: there is no such signal here.
    """
    if name not in signal.Signals.__members__:
        raise StartError("ladder", f"the stop ladder names {name!r}, which is no signal")
    return signal.Signals[name]


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _drain(descriptor: int, *, whole: bool = True) -> bytes:
    """Reads a pipe: to its end, or what is there now."""
    chunks = []
    try:
        while chunk := os.read(descriptor, 65536):
            chunks.append(chunk)
    except BlockingIOError:
        pass
    if whole:
        os.close(descriptor)
    return b"".join(chunks)


# --- Entries -----------------------------------------------------------------------------------


def supervise(spec: dict[str, Any], secrets: dict[str, str], run_dir: Path, ready: int) -> None:
    """Runs one agent from claim to end; tells through `ready` how the start went."""
    umask = os.umask(0o077)
    lock = hold(run_dir)
    known = read_json(run_dir / "agentd.json")
    if lock < 0 or "agent_pid" in known or (run_dir / "exit.json").exists():
        return _answer(ready, TAKEN)
    for number in (signal.SIGCHLD, signal.SIGTERM):
        signal.signal(number, lambda *_: None)
    _adopt_orphans()
    older = [path for path in run_dir.parent.iterdir() if path != run_dir and (path / "agentd.json").exists()]
    if unfinished := [path for path in older if not (path / "exit.json").exists()]:
        sweep(unfinished, "swept")
    keeper = Supervisor(spec, secrets, run_dir, umask)
    keeper.record()
    try:
        keeper.start()
    except StartError as trouble:
        keeper.reap()
        keeper.finish(trouble.word, str(trouble))
        return _answer(ready, STARTED)
    _answer(ready, STARTED)
    keeper.watch()
    return keeper.finish(keeper.stopping)


def _answer(ready: int, word: int) -> None:
    with contextlib.suppress(BrokenPipeError):  # the first process was killed; the agent is none the worse for it
        os.write(ready, bytes([word]))


def _adopt_orphans() -> None:
    """Makes this process the parent of whatever the agent orphans, where the system can do that."""
    if sys.platform == "linux":
        import ctypes  # 3 ms and 1 MB; there is no other way to this call

        ctypes.CDLL(None, use_errno=True).prctl(SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def _detached(spec_path: Path) -> int:
    """Runs `supervise` in a session and process of its own; returns its word on the start."""
    run_dir = spec_path.resolve().parent
    spec = json.loads(spec_path.read_bytes())
    secrets = json.loads(sys.stdin.buffer.read() or b"{}")
    said, ready = os.pipe()
    if child := os.fork():
        os.close(ready)
        os.waitpid(child, 0)
        word = os.read(said, 1)
        return word[0] if word else CRASHED
    os.setsid()
    if os.fork():
        os._exit(0)
    try:
        os.close(said)
        null = os.open(os.devnull, os.O_RDONLY)
        os.dup2(null, 0)
        os.close(null)
        os.chdir("/")
        supervise(spec, secrets, run_dir, ready)
    except BaseException:  # the last stop of a process without a parent: say it in agentd.log
        import traceback  # 3 ms; not needed unless this file is wrong

        traceback.print_exc()
        sys.stderr.flush()
        os._exit(CRASHED)
    os._exit(0)


def _sweep_entry(reason: str, run_dirs: list[Path]) -> int:
    agents = {path.parent: path for path in run_dirs}
    held = {agent for agent, path in agents.items() if hold(path) >= 0}
    try:
        print(sweep([path for path in run_dirs if path.parent in held], reason))  # noqa: T201 - this entry's answer
    except OSError as trouble:
        print(f"{trouble.filename}: {trouble.strerror}", file=sys.stderr)  # noqa: T201
        return UNWRITTEN
    return STARTED if len(held) == len(agents) else TAKEN


def main(arguments: list[str]) -> int:
    """Runs one of the two entries; returns the exit status of the first process."""
    if arguments[:1] == ["--sweep"] and len(arguments) > 2:
        return _sweep_entry(arguments[1], [Path(one) for one in arguments[2:]])
    if len(arguments) != 1 or arguments[0].startswith("-"):
        print("usage: agentd.py SPEC | --sweep REASON RUNDIR...", file=sys.stderr)  # noqa: T201
        return 2
    return _detached(Path(arguments[0]))


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
