"""Makes and reads one run's directory; the rest of the local runner knows no file names.

Everything that `agentd` or the agent wrote is read as untrusted: reads are capped, follow no
symbolic link and never leave the run directory and the agent's own files.
"""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

import msgspec

from orch_tui.api import AgentId, Order, Placement, RunEvent, RunnerError, RunNonce
from orch_tui.builtins.runners.agentd import Victim, boot_id, read_json, start_of, survivor, write_json

INHERITED = (
    *("PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "LANGUAGE", "TERM", "COLORTERM", "TZ", "TMPDIR"),
    *("SSL_CERT_FILE", "SSL_CERT_DIR", "NODE_EXTRA_CA_CERTS", "XDG_RUNTIME_DIR", "XDG_CACHE_HOME"),
)
"""What an agent gets of the operator's environment, beside `LC_*`: no key, no agent socket, no proxy."""

SWEPT = "swept"
READ_LIMIT = 1 << 20
OWN_FILES = ("AGENT_NOTES.md", "TASK.md", ".orch")


def prepare(order: Order, path_first: list[str]) -> Path:
    """Writes what `agentd` needs and returns the order's file; the meter's URL stays out of it."""
    run_dir = Path(order.run_dir)
    run_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    for name in ("in", "ctl"):
        with contextlib.suppress(FileExistsError):
            os.mkfifo(run_dir / name, 0o600)
    spec = msgspec.to_builtins(order) | {"v": 1, "inherit": list(INHERITED), "path_first": path_first}
    del spec["meter"]
    path = run_dir / "spec.json"
    path.touch(0o600)
    write_json(path, spec)
    path.chmod(0o600)
    return path


def supervisor(run_dir: Path) -> Victim:
    """Returns the agentd of a run if it lives, (0, "") otherwise."""
    known = read_json(run_dir / "agentd.json")
    pid, start = int(known.get("pid", 0)), str(known.get("start", ""))
    alive = bool(start) and known.get("boot") == boot_id() and start_of(pid) == start
    return (pid, start) if alive else (0, "")


def placement(run_dir: Path) -> Placement | None:
    """Returns where a run stands by what is on disk and in the process table; none if it is no run."""
    spec = read_json(run_dir / "spec.json")
    if not isinstance(spec.get("agent"), str) or not isinstance(spec.get("run"), str):
        return None
    keeper, agent = supervisor(run_dir), survivor(run_dir)
    known = read_json(run_dir / "agentd.json")
    seen = Placement(
        agent=AgentId(spec["agent"]),
        run=RunNonce(spec["run"]),
        state="running" if agent[0] else "starting" if keeper[0] else "lost",
        pid=int(known.get("agent_pid", 0)),
        started=float(known.get("at", 0.0)),
        agentd_pid=keeper[0],
        reason="" if agent[0] or keeper[0] else SWEPT if "agent_pid" in known else "not started",
    )
    end = read_json(run_dir / "exit.json")  # read last: it may have appeared while the rest was looked at
    return _ended(seen, end) if end.get("run") == seen.run else seen


def unrecorded(run_dir: Path, word: str, trouble: str, at: float) -> Placement:
    """Returns a run that nobody supervises any more as ended, although its end cannot be written to the disk now."""
    end = {"reason": word, "message": f"its end cannot be written: {trouble}", "at": at}
    known = read_json(run_dir / "agentd.json")
    agent, run = AgentId(run_dir.parent.name), RunNonce(run_dir.name)
    seen = Placement(agent, run, "lost", int(known.get("agent_pid", 0)), float(known.get("at", 0.0)))
    return _ended(seen, end)


def _ended(seen: Placement, end: Mapping[str, object]) -> Placement:
    parts = [str(end.get(name) or "") for name in ("reason", "message")]
    rc, at, number = end.get("rc"), end.get("at"), end.get("signal")
    return msgspec.structs.replace(
        seen,
        state="lost" if parts[0] == SWEPT else "ended",
        agentd_pid=0,
        reason=": ".join(part for part in parts if part),
        ended=float(at) if isinstance(at, int | float) else 0.0,
        rc=rc if isinstance(rc, int) else None,
        signal=number if isinstance(number, int) else 0,
    )


def event_of(place: Placement) -> RunEvent:
    """Returns the event that brought a run to where it stands."""
    if place.state in ("starting", "running"):
        return RunEvent(place.agent, place.run, "started", place.started, pid=place.pid)
    kind = "lost" if place.state == "lost" else "exit"
    return RunEvent(place.agent, place.run, kind, place.ended, place.pid, place.rc, place.signal, place.reason)  # type: ignore[arg-type]


def write_line(fifo: Path, line: bytes) -> bool:
    """Writes one line to a FIFO; false when nobody holds its other end.

    Raises:
        RunnerError: the line does not fit or the reader is too far behind.
    """
    if b"\n" in line or len(line) > 511:
        raise RunnerError(
            "The line is too long for an agent's input", fifo.name, "Put the text in a file and name the file."
        )
    try:
        descriptor = os.open(fifo, os.O_WRONLY | os.O_NONBLOCK)
    except OSError:
        return False
    try:
        os.write(descriptor, line + b"\n")
    except BlockingIOError as trouble:
        raise RunnerError("The agent does not read its input", str(fifo), "Stop it, or wait.") from trouble
    finally:
        os.close(descriptor)
    return True


def read_part(run_dir: Path, file: str, offset: int, size: int) -> bytes:
    """Returns a piece of a run's file or of one of the agent's own files; empty when it is not there.

    Raises:
        RunnerError: the name leads out of those places, or names no regular file.
    """
    name = PurePosixPath(file)
    if name.is_absolute() or ".." in name.parts or not name.parts:
        raise RunnerError("The file is outside the agent's files", file, "Name a file of the run, or of `.orch`.")
    worktree = read_json(run_dir / "spec.json").get("worktree", "")
    root = Path(str(worktree)) if name.parts[0] in OWN_FILES else run_dir
    try:
        descriptor = _open_below(root, name.parts)
    except FileNotFoundError:
        return b""
    except OSError as trouble:
        raise RunnerError("The agent's file cannot be read", f"{file}: {trouble.strerror}") from trouble
    with os.fdopen(descriptor, "rb") as stream:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise RunnerError("The agent's file is no regular file", file)
        stream.seek(max(0, offset))
        return stream.read(max(0, min(size, READ_LIMIT)))


def _open_below(root: Path, parts: tuple[str, ...]) -> int:
    """Opens a file step by step without following a symbolic link below the root."""
    folder = os.open(root, os.O_RDONLY | os.O_DIRECTORY)
    for part in parts[:-1]:
        try:
            inner = os.open(part, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=folder)
        finally:
            os.close(folder)
        folder = inner
    try:
        return os.open(parts[-1], os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=folder)
    finally:
        os.close(folder)
