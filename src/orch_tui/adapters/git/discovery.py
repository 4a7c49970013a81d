"""Finds the operator's repository and prepares it: asks git where it is, and excludes our files once."""

from __future__ import annotations

import stat
from collections.abc import Sequence
from pathlib import Path

import msgspec

from orch_tui.adapters.files.atomic import write_atomic
from orch_tui.adapters.git import porcelain
from orch_tui.adapters.git.command import GitDirectory, GitProgram, Output
from orch_tui.model.errors import EnvironmentProblem

EXCLUDED = ("/TASK.md", "/AGENT_NOTES.md", "/.orch/")
SHARED_OPTIONS = ("-c", "core.hooksPath=/dev/null", "-c", "core.fsmonitor=false")


class Found(msgspec.Struct, frozen=True):
    """Where a repository is and what kind it is."""

    root: str
    git_dir: str
    common_dir: str
    version: str
    object_format: str
    ref_backend: str
    plain: dict[str, str]
    """The configuration that git prints for this repository, without what it includes."""


def discover(program: GitProgram, repository: Path) -> Found:
    """Returns where the repository is.

    Raises:
        EnvironmentProblem: Git is missing or too old; this is no repository, a bare one, or one without a commit.
    """
    version = program.version()
    if not repository.is_dir():
        raise EnvironmentProblem("There is no such directory", str(repository), "Name the directory of a repository.")
    git_dir, common_dir = _directories(program, repository)
    shared = GitDirectory(program, common_dir, options=SHARED_OPTIONS)
    plain = _configuration(shared)
    root = _root(program, repository)
    head = shared.at(git_dir).run("rev-parse", "--verify", "--quiet", "HEAD^{commit}", accept=(0, 1, 128)).text()
    if not porcelain.is_oid(head):
        raise EnvironmentProblem("The repository has no commit yet", str(root), "Make a first commit, then try again.")
    return Found(
        root=str(root),
        git_dir=str(git_dir),
        common_dir=str(common_dir),
        version=version,
        object_format=plain.get("extensions.objectformat", "sha1"),
        ref_backend=plain.get("extensions.refstorage", "files"),
        plain=plain,
    )


def _directories(program: GitProgram, repository: Path) -> tuple[Path, Path]:
    git_dir, common_dir = _ask(program, repository, "--git-dir"), _ask(program, repository, "--git-common-dir")
    if git_dir.status == 0 and common_dir.status == 0:
        return _path(git_dir), _path(common_dir)
    if "dubious ownership" in git_dir.err:
        hint = f"If you trust it: git config --global --add safe.directory {repository.resolve()}"
        raise EnvironmentProblem("The repository belongs to another user", str(repository), hint)
    raise EnvironmentProblem("This is not a git repository", str(repository), "Run git init, make a commit, try again.")


def _root(program: GitProgram, repository: Path) -> Path:
    top = _ask(program, repository, "--show-toplevel")
    if _ask(program, repository, "--is-bare-repository").text() == "true" or top.status != 0:
        raise EnvironmentProblem(
            "The repository is bare or this is inside its .git directory",
            str(repository),
            "Use a clone with a work tree, and start in that.",
        )
    return _path(top)


def _ask(program: GitProgram, repository: Path, what: str) -> Output:
    # The person's own configuration counts here: it may say that git trusts this directory.
    return program.run(["-C", str(repository.resolve()), "rev-parse", "--path-format=absolute", what], guarded=False)


def _path(output: Output) -> Path:
    return Path(porcelain.text(output.out.removesuffix(b"\n")))


def _configuration(shared: GitDirectory) -> dict[str, str]:
    listing = shared.run("config", "--local", "--no-includes", "--list", "-z").out
    pairs = (porcelain.text(entry).partition("\n") for entry in listing.split(b"\0") if entry)
    return {key: value for key, _, value in pairs}


def exclude_files(program: GitProgram, common_dir: Path) -> tuple[Path, ...]:
    """Returns the files that name what counts as untracked nowhere: the shared one and the person's own."""
    asked = program.run(["config", "--global", "--type=path", "--get", "core.excludesFile"], guarded=False)
    own = asked.text() if asked.status == 0 else ""
    return common_dir / "info" / "exclude", Path(own or "~/.config/git/ignore").expanduser()


def exclude_ours(common_dir: Path, patterns: Sequence[str] = EXCLUDED) -> None:
    """Adds our patterns to the shared exclude file, once, and leaves every line of it as it is.

    Raises:
        EnvironmentProblem: The file cannot be written.
    """
    path = common_dir / "info" / "exclude"
    try:
        there = path.read_bytes() if path.exists() else b""
        missing = [pattern for pattern in patterns if pattern.encode() not in there.splitlines()]
        if missing:
            path.parent.mkdir(exist_ok=True)
            gap = b"" if not there or there.endswith(b"\n") else b"\n"
            ours = "".join(f"{pattern}\n" for pattern in missing).encode()
            write_atomic(path, there + gap + ours, mode=stat.S_IMODE(path.stat().st_mode) if path.exists() else 0o644)
    except OSError as error:
        raise EnvironmentProblem("The repository cannot be written", f"{path}: {error}", "Make it writable.") from error
