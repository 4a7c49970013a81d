"""Says where a mission's files lie. It makes nothing unless asked: only `publish_socket` touches the disk."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Mapping
from pathlib import Path

import platformdirs
from msgspec import Struct

from orch_tui.model.errors import ConfigError, EnvironmentProblem
from orch_tui.model.ids import AgentId, RunNonce, StreamKey, slug

LONGEST_SOCKET = 100
"""The most bytes that a Unix socket's path may have here; systems allow 104 or 108 with the closing zero."""


class StatePaths(Struct, frozen=True):
    """The files of one mission, all below one directory outside the repository."""

    root: Path

    @property
    def state_db(self) -> Path:
        """The engine's database."""
        return self.root / "state.db"

    @property
    def audit(self) -> Path:
        """The journal's export."""
        return self.root / "audit"

    @property
    def git(self) -> Path:
        """The private git directory."""
        return self.root / "git"

    @property
    def git_lock(self) -> Path:
        """The lock of those that write to the repository."""
        return self.root / "git.lock"

    @property
    def worktrees(self) -> Path:
        """The agents' worktrees, by stream."""
        return self.root / "worktrees"

    @property
    def runs(self) -> Path:
        """The run directories, by agent."""
        return self.root / "runs"

    @property
    def gates(self) -> Path:
        """The pooled worktrees in which gates run."""
        return self.root / "gates"

    @property
    def archive(self) -> Path:
        """What was kept of agents that are gone."""
        return self.root / "archive"

    @property
    def diffs(self) -> Path:
        """Diffs that were made for display."""
        return self.root / "diffs"

    @property
    def bin(self) -> Path:
        """Programs for agents: `orch-report`."""
        return self.root / "bin"

    @property
    def engine_lock(self) -> Path:
        """Held by the one engine."""
        return self.root / "engine.lock"

    @property
    def engine_sock(self) -> Path:
        """The engine's socket, or a file that names it."""
        return self.root / "engine.sock"

    @property
    def engine_log(self) -> Path:
        """What the engine logs."""
        return self.root / "engine.log"

    @property
    def meter_lock(self) -> Path:
        """Held by the one meter."""
        return self.root / "meter.lock"

    @property
    def meter_sock(self) -> Path:
        """The meter's control socket, or a file that names it."""
        return self.root / "meter.sock"

    @property
    def meter_log(self) -> Path:
        """What the meter logs."""
        return self.root / "meter.log"

    @property
    def ledger(self) -> Path:
        """The meter's database."""
        return self.root / "ledger.db"

    def worktree(self, stream: StreamKey, agent: AgentId) -> Path:
        """Returns where an agent works."""
        return self.worktrees / stream / agent

    def run(self, agent: AgentId, nonce: RunNonce) -> Path:
        """Returns the directory of one attempt of an agent."""
        return self.runs / agent / nonce


def state_paths(root: Path, state: str, env: Mapping[str, str]) -> StatePaths:
    """Returns the paths of the mission in `root`; `state` is `[paths] state`, empty for the usual place.

    Raises:
        ConfigError: The state would lie inside the repository.
    """
    mission = root.resolve()
    if state:
        try:
            chosen = (mission / Path(state).expanduser()).resolve()
        except (RuntimeError, ValueError) as error:
            raise ConfigError("the state directory cannot be used", f"paths.state is {state}: {error}", "") from error
        if chosen.is_relative_to(mission):
            hint = "Choose a directory outside of the repository, or leave it out."
            raise ConfigError("the state cannot lie inside the repository", f"paths.state is {chosen}", hint)
        return StatePaths(chosen)
    return StatePaths(_state_home(env) / mission_name(mission))


def mission_name(root: Path) -> str:
    """Returns the directory name of a mission: a readable part and a hash of the whole path."""
    return f"{slug(root.name) or 'mission'}-{_digest(root.resolve())}"


def short_socket(path: Path, env: Mapping[str, str], uid: int) -> Path:
    """Returns the path itself where a socket can lie there, else one in a short run-time directory."""
    if len(os.fsencode(path)) <= LONGEST_SOCKET:
        return path
    name = f"{_digest(path)}.sock"
    short = Path(env.get("XDG_RUNTIME_DIR", "")) / "orch-tui" / name
    if short.is_absolute() and len(os.fsencode(short)) <= LONGEST_SOCKET:
        return short
    return Path(f"/tmp/orch-tui-{uid}") / name  # noqa: S108 - its owner and mode are checked before it is used


def publish_socket(path: Path, address: Path) -> None:
    """Makes the run-time directory of a short address, and the file in the state directory that names it.

    Raises:
        EnvironmentProblem: The directory belongs to somebody else or cannot be made.
    """
    if address == path:
        return
    try:
        address.parent.mkdir(mode=0o700, exist_ok=True)
        _private(address.parent)
        name = path.with_name(f"{path.name}.new")
        name.write_bytes(os.fsencode(address))
        name.replace(path)
    except OSError as error:
        hint = "Set XDG_RUNTIME_DIR to a directory of your own, or `[paths] state` to a shorter path."
        raise EnvironmentProblem("the socket has no place", f"{address}: {error.strerror}", hint) from error


def find_socket(path: Path) -> Path:
    """Returns the socket that a path in the state directory stands for, whether it is there or not.

    Raises:
        EnvironmentProblem: It leads to a directory that belongs to somebody else.
    """
    try:
        if not stat.S_ISREG(path.lstat().st_mode):
            return path
        address = Path(os.fsdecode(path.read_bytes()[:4096]))
        _private(address.parent)
    except OSError:
        return path
    return address


def _private(directory: Path) -> None:
    """Makes sure that a directory is the user's own and closed to others."""
    status = directory.lstat()
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.getuid() or status.st_mode & 0o077:
        hint = "Remove it, or set XDG_RUNTIME_DIR to a directory of your own."
        raise EnvironmentProblem("the run-time directory is not private", str(directory), hint)


def _state_home(env: Mapping[str, str]) -> Path:
    home = env.get("XDG_STATE_HOME", "")
    return Path(home) / "orch-tui" if home.startswith("/") else platformdirs.user_state_path("orch-tui")


def _digest(path: Path) -> str:
    return hashlib.sha256(os.fsencode(path)).hexdigest()[:12]
