"""Runs git: the only module that may start it, and the only one that knows GitPython.

Git is told where everything is by absolute options, never by a working directory; it gets no variable, no
configuration file, no prompt, no pager and no network protocol from the environment. Everything here
blocks and belongs on the adapter's own threads.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Any, NamedTuple

from orch_tui.model.errors import EnvironmentProblem, GitError

OLDEST = (2, 39)
READ_SECONDS = 120.0
WRITE_SECONDS = 900.0

_INSTALL = "Install git 2.39 or newer and make sure that it is on the PATH."
_GRACE_SECONDS = 2.0
_SAID_LIMIT = 2000
_RETRIES = 40
_RETRY_PAUSE = 0.025
# Agents run git in the same repository: a reader may meet a worktree that is half made, a writer a foreign lock.
_PASSING = re.compile(r"commondir|\.lock'?: File exists|unable to lock|cannot lock ref .*File exists")

_GUARDED = {
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_ATTR_NOSYSTEM": "1",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_EDITOR": "true",
    "GIT_PAGER": "cat",
    "GIT_NO_REPLACE_OBJECTS": "1",
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_ALLOW_PROTOCOL": "none",  # a missing object must not make git run the repository's ssh command
    "LC_ALL": "C",
    "GIT_AUTHOR_NAME": "orch-tui",
    "GIT_AUTHOR_EMAIL": "orch-tui@localhost",
    "GIT_COMMITTER_NAME": "orch-tui",
    "GIT_COMMITTER_EMAIL": "orch-tui@localhost",
}

# Refs and loose objects are not synced to disk unless this says so.
DURABLE = ("-c", "core.fsync=loose-object,reference")


class Output(NamedTuple):
    """What one run of git left behind."""

    status: int
    out: bytes
    err: str

    def text(self) -> str:
        """Returns the output as one line of text."""
        return self.out.decode("utf-8", "surrogateescape").strip("\n")


class GitProgram:
    """The git program of this machine."""

    def __init__(self) -> None:
        scrub_environment()
        self._git, self._missing = _gitpython()

    def version(self) -> str:
        """Returns the version, such as "2.39.5".

        Raises:
            EnvironmentProblem: Git is missing or too old.
        """
        words = self.run(["version"]).text().split()
        version = words[2] if len(words) > 2 else ""
        if tuple(int(part) for part in re.findall(r"\d+", version)[:2]) < OLDEST:
            raise EnvironmentProblem(f"git is too old: {version or 'unknown version'}", hint=_INSTALL)
        return version

    def run(
        self,
        args: Sequence[str],
        *,
        guarded: bool = True,
        env: Mapping[str, str] | None = None,
        data: bytes | None = None,
        seconds: float = READ_SECONDS,
        fds: Sequence[int] = (),
        into: IO[bytes] | None = None,
    ) -> Output:
        """Runs git once and returns whatever came of it.

        Args:
            args: The arguments after the program's name.
            guarded: False lets git read the person's own configuration; only for questions that run nothing.
            env: Variables on top.
            data: Bytes for standard input.
            seconds: After that, git and its children are ended.
            fds: Descriptors that the children inherit, such as the git lock.
            into: Where standard output goes instead of memory.

        Raises:
            EnvironmentProblem: Git is missing.
            GitError: Git could not be started or did not end in time.
        """
        process = self._start(args, {**(_GUARDED if guarded else {}), **(env or {})}, data is not None, fds)
        try:
            return _finish(process, data, seconds, into)
        except subprocess.TimeoutExpired as error:
            raise GitError(f"git {_verb(args)} did not end within {seconds:g} s", hint="Try again.") from error
        finally:
            _end(process)

    def _start(self, args: Sequence[str], env: Mapping[str, str], fed: bool, fds: Sequence[int]) -> Any:
        try:
            return self._git("/").execute(
                ["git", *args],
                istream=subprocess.PIPE if fed else None,
                as_process=True,
                env=dict(env),
                start_new_session=True,
                pass_fds=tuple(fds),
            )
        except self._missing as error:
            raise EnvironmentProblem("git was not found", hint=_INSTALL) from error
        except (OSError, ValueError) as error:
            raise GitError(
                f"git {_verb(args)} could not be started", str(error), "See whether memory is left."
            ) from error


class GitDirectory:
    """One git directory with the options and variables that every command in it gets."""

    def __init__(
        self, program: GitProgram, path: Path, *, options: Sequence[str] = (), env: Mapping[str, str] | None = None
    ) -> None:
        self.program = program
        self.path = path
        self._options = tuple(options)
        self._env = dict(env or {})

    def at(self, path: Path) -> GitDirectory:
        """Returns the same guards around another git directory, such as that of a linked worktree."""
        return GitDirectory(self.program, path, options=self._options, env=self._env)

    def run(
        self,
        *args: str,
        accept: Sequence[int] = (0,),
        work_tree: Path | None = None,
        index: Path | None = None,
        env: Mapping[str, str] | None = None,
        data: bytes | None = None,
        fds: Sequence[int] = (),
        into: IO[bytes] | None = None,
        durable: bool = False,
    ) -> Output:
        """Runs git in this directory; repeats what failed because of another git's work in progress.

        Args:
            args: The command and its arguments.
            accept: The exit statuses that are answers.
            work_tree: The files that belong to the command.
            index: The index that is used instead of this directory's own.
            env: Variables on top, such as author and date.
            data: Bytes for standard input.
            fds: Descriptors that the children inherit; a command that is given the git lock is a writing one.
            into: Where standard output goes instead of memory.
            durable: Refs and loose objects are on the disk before git ends.

        Raises:
            GitError: Git answered with another status.
        """
        place = [f"--git-dir={self.path}", *([f"--work-tree={work_tree}"] if work_tree else [])]
        options = [*place, "--no-optional-locks", *self._options, *(DURABLE if durable else ())]
        given = {**self._env, **({"GIT_INDEX_FILE": str(index)} if index else {}), **(env or {})}
        seconds = WRITE_SECONDS if fds or work_tree or durable else READ_SECONDS
        for _ in range(_RETRIES):
            output = self.program.run([*options, *args], env=given, data=data, seconds=seconds, fds=fds, into=into)
            if output.status in accept or into is not None or not _PASSING.search(output.err):
                break
            time.sleep(_RETRY_PAUSE)
        if output.status not in accept:
            raise failure(args, output)
        return output


def failure(args: Sequence[str], output: Output, hint: str = "") -> GitError:
    """Returns the error for a command that git refused."""
    said = output.err.strip()[-_SAID_LIMIT:] or f"exit status {output.status}"
    return GitError(f"git {_verb(args)} failed", said, hint)


def scrub_environment() -> None:
    """Takes every variable of git's out of this process; one inherited `GIT_DIR` would redirect all commands."""
    for name in [name for name in os.environ if name.startswith("GIT_")]:
        del os.environ[name]


def _gitpython() -> tuple[Any, type[Exception]]:
    # GitPython: its import takes 77 ms, runs git, and without this variable fails where git is missing.
    os.environ["GIT_PYTHON_REFRESH"] = "quiet"
    try:
        from git.cmd import Git
        from git.exc import GitCommandNotFound
    finally:
        os.environ.pop("GIT_PYTHON_REFRESH", None)
    return Git, GitCommandNotFound


def _finish(process: Any, data: bytes | None, seconds: float, into: IO[bytes] | None) -> Output:
    if into is not None:
        shutil.copyfileobj(process.stdout, into, 1 << 20)
    out, err = process.communicate(data, timeout=seconds)
    return Output(process.proc.returncode, out or b"", err.decode("utf-8", "backslashreplace"))


def _end(process: Any) -> None:
    """Ends what is left of the process group: asks, waits, insists; always reaps."""
    if process.proc.poll() is not None:
        return
    for number, patience in ((signal.SIGTERM, _GRACE_SECONDS), (signal.SIGKILL, None)):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.proc.pid, number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.proc.communicate(timeout=patience)
            return


def _verb(args: Sequence[str]) -> str:
    words = iter(args)
    for word in words:
        if word == "-c":
            next(words, None)
        elif not word.startswith("-"):
            return word
    return ""
