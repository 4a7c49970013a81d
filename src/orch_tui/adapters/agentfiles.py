"""The files in a worktree through which engine and agent talk: task, blueprint, inbox; notes, claim.

The worktree is the agent's: it may put a link or a pipe wherever a file of ours should be. So nothing
here follows a link below the worktree, waits for a file, or reads more than a cap; what we write, we
rename into place.
"""

from __future__ import annotations

import contextlib
import os
import re
import time
from collections.abc import Callable, Iterator
from importlib import resources
from pathlib import Path
from typing import Final

import msgspec

from orch_tui.adapters.files import beneath
from orch_tui.adapters.files.atomic import refused, replace_in, write_atomic
from orch_tui.model.errors import EnvironmentProblem
from orch_tui.model.signals import MAX_BYTES, Claim, parse_claim

FOLDER: Final = ".orch"
TASK: Final = "TASK.md"
NOTES: Final = "AGENT_NOTES.md"
BLUEPRINT: Final = "BLUEPRINT.md"
STATUS: Final = "status.json"
INBOX: Final = "inbox"

ARCHIVE_CAP: Final = 64 * 1024 * 1024
"""Of each file, the archive holds at most this many bytes."""

_SHARED = 0o644  # the agent may run as another user, in a container
_REPORT = "orch_report.sh"
_NUMBERED = re.compile(r"\d{4,9}\.json")
_RUNS_KEPT = 8
_MESSAGES_SHOWN = 20


class _Message(msgspec.Struct, frozen=True):
    v: int
    id: int
    text: str
    at: float


class AgentFiles:
    """The protocol's files of one worktree.

    Args:
        worktree: the worktree, a directory of ours up to its own path and the agent's below it.
        tracked: those of the protocol's paths that the repository tracks, relative to the worktree;
            a tracked `TASK.md` or `AGENT_NOTES.md` is left alone and the copy under `.orch/` used.
        now: the clock that messages are stamped with.
    """

    def __init__(
        self, worktree: Path, tracked: frozenset[str] = frozenset(), *, now: Callable[[], float] = time.time
    ) -> None:
        self._worktree = worktree
        self._tracked = tracked
        self._now = now
        self._gate: tuple[int, int, int] | None = None
        self._claims: dict[str, Claim] = {}
        self._newest: Claim | None = None

    @property
    def notes_path(self) -> Path:
        """Where the agent's notes are."""
        return self._worktree.joinpath(*self._place(NOTES), NOTES)

    @property
    def task_path(self) -> Path:
        """Where the task slice is."""
        return self._worktree.joinpath(*self._place(TASK), TASK)

    @property
    def blueprint_path(self) -> Path:
        """Where the composed blueprint is."""
        return self._worktree / FOLDER / BLUEPRINT

    @property
    def status_path(self) -> Path:
        """Where the agent's claim is."""
        return self._worktree / FOLDER / STATUS

    @property
    def inbox_path(self) -> Path:
        """Where messages for the agent are put."""
        return self._worktree / FOLDER / INBOX

    @property
    def moved(self) -> tuple[str, ...]:
        """The names that the repository tracks itself, so that the copy under `.orch/` is used."""
        return tuple(name for name in (TASK, NOTES) if name in self._tracked)

    def prepare(self, task: str, blueprint: str) -> None:
        """Writes task and blueprint, and makes inbox and notes where they are not there yet.

        Raises:
            EnvironmentProblem: the repository tracks files under `.orch/`.
            StorageError: the disk refused, or a link stands where a directory of ours should be.
        """
        self._refuse_tracked_folder()
        self._write((FOLDER,), BLUEPRINT, blueprint.encode("utf-8", "replace"))
        self._write(self._place(TASK), TASK, task.encode("utf-8", "replace"))
        with self._translated(self.inbox_path), beneath.directory(self._worktree, FOLDER, INBOX, create=True):
            pass
        self._make_notes()

    def read_claim(self, run: str = "") -> Claim | None:
        """Returns the newest whole claim, of one run if it is named; one `stat` where the file did not change.

        A file that is torn, too long, gone or no regular file leaves the last good claim as it was, and
        so does a claim that a straggler of an older run writes.
        """
        with contextlib.suppress(OSError, EnvironmentProblem), beneath.directory(self._worktree, FOLDER) as folder:
            status = os.stat(STATUS, dir_fd=folder, follow_symlinks=False)
            gate = (status.st_mtime_ns, status.st_ino, status.st_size)
            if gate != self._gate:
                self._take(_read(STATUS, folder, MAX_BYTES + 1))
                self._gate = gate
        return self._claims.get(run) if run else self._newest

    def put_message(self, number: int, id: int, text: str) -> Path:  # noqa: A002  the field's name on disk
        """Puts a message into the inbox as a whole, and returns its file.

        Raises:
            StorageError: the disk refused, or a link stands where a directory of ours should be.
        """
        message = _Message(v=1, id=id, text=text.encode("utf-8", "replace").decode(), at=self._now())
        name = f"{number:04d}.json"
        self._write((FOLDER, INBOX), name, msgspec.json.encode(message) + b"\n")
        return self.inbox_path / name

    @property
    def newest_message(self) -> int:
        """The highest number in the inbox; 0 for an empty one."""
        with (
            contextlib.suppress(OSError, EnvironmentProblem),
            beneath.directory(self._worktree, FOLDER, INBOX) as folder,
        ):
            names = os.listdir(folder)  # noqa: PTH208  a descriptor has no path
            return max((int(name[:-5]) for name in names if _NUMBERED.fullmatch(name)), default=0)
        return 0

    def messages(self) -> tuple[str, ...]:
        """Returns the texts in the inbox, oldest first; what is no message is passed over."""
        with (
            contextlib.suppress(OSError, EnvironmentProblem),
            beneath.directory(self._worktree, FOLDER, INBOX) as folder,
        ):
            entries = os.listdir(folder)  # noqa: PTH208  by descriptor, so that no link is followed
            names = sorted(name for name in entries if name.endswith(".json"))[-_MESSAGES_SHOWN:]
            return tuple(text for name in names if (text := _message_text(name, folder)))
        return ()

    def archive(self, into: Path) -> None:
        """Copies notes, claim and task into a directory of ours; what is missing or no regular file is passed over.

        Raises:
            StorageError: the disk refused a copy.
        """
        with self._translated(into):
            into.mkdir(parents=True, exist_ok=True, mode=0o700)
        for name, place in ((NOTES, self._place(NOTES)), (STATUS, (FOLDER,)), (TASK, self._place(TASK))):
            data = self._found(place, name)
            if data is not None:
                write_atomic(into / name, data)

    def _place(self, name: str) -> tuple[str, ...]:
        return (FOLDER,) if name in self._tracked else ()

    def _refuse_tracked_folder(self) -> None:
        taken = sorted(name for name in self._tracked if name == FOLDER or name.startswith(f"{FOLDER}/"))
        if taken:
            raise EnvironmentProblem(
                "The repository tracks files of its own under .orch/",
                ", ".join(taken),
                "Agents report there; move these files or stop tracking them.",
            )

    def _write(self, place: tuple[str, ...], name: str, data: bytes) -> None:
        with (
            self._translated(self._worktree.joinpath(*place, name)),
            beneath.directory(self._worktree, *place, create=True) as folder,
        ):
            replace_in(folder, name, data, mode=_SHARED)

    def _make_notes(self) -> None:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        with (
            self._translated(self.notes_path),
            beneath.directory(self._worktree, *self._place(NOTES)) as folder,
            contextlib.suppress(FileExistsError),
        ):
            os.close(os.open(NOTES, flags, _SHARED, dir_fd=folder))

    def _take(self, data: bytes) -> None:
        claim = parse_claim(data)
        if claim is not None:
            self._claims.pop(claim.run, None)
            self._claims[claim.run] = self._newest = claim
        while len(self._claims) > _RUNS_KEPT:
            del self._claims[next(iter(self._claims))]

    def _found(self, place: tuple[str, ...], name: str) -> bytes | None:
        try:
            with beneath.directory(self._worktree, *place) as folder:
                return _read(name, folder, ARCHIVE_CAP)
        except (OSError, EnvironmentProblem):
            return None

    @contextlib.contextmanager
    def _translated(self, path: Path) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise refused(path, error) from error


def install_orch_report(bin_dir: Path) -> Path:
    """Puts the helper that agents report with into `bin_dir` as an executable `orch-report`, and returns its path.

    Raises:
        StorageError: the disk refused.
    """
    script = resources.files("orch_tui.adapters").joinpath(_REPORT).read_bytes()
    path = bin_dir / "orch-report"
    try:
        bin_dir.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise refused(path, error) from error
    write_atomic(path, script, mode=0o755)
    return path


def _read(name: str, folder: int, cap: int) -> bytes:
    with os.fdopen(beneath.open_file(name, directory=folder), "rb") as file:
        return file.read(cap)


def _message_text(name: str, folder: int) -> str:
    try:
        return msgspec.json.decode(_read(name, folder, MAX_BYTES), type=_Message).text
    except (OSError, EnvironmentProblem, msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return ""
