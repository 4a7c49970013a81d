r"""Builds real repositories for tests, in sentences.

    repo = RepoBuilder(tmp_path / "shop")
    base = repo.file("README", "hello\n").commit("first")
    repo.branch("idea").file("README", "hello, world\n").commit("greet")

Times are fixed and count up by a minute, so the same story gives the same object names.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from orch_tui.model.ids import Oid

_START = 1_700_000_000


class RepoBuilder:
    """One repository under construction; the methods that change files return it, so that they chain."""

    def __init__(self, path: Path, *, branch: str = "main", bare: bool = False) -> None:
        self.path = path
        self._minutes = 0
        self._more: dict[str, str] = {}
        path.mkdir(parents=True, exist_ok=True)
        self.git("init", "--quiet", f"--initial-branch={branch}", *(["--bare"] if bare else []))

    @classmethod
    def at(cls, path: Path, **environment: str) -> RepoBuilder:
        """Returns a builder for a place that is there already, such as an agent's worktree.

        Args:
            path: The place.
            environment: Variables that git gets on top.
        """
        builder = cls.__new__(cls)
        builder.path, builder._minutes, builder._more = path, 0, environment
        return builder

    def git(self, *args: str, data: bytes | None = None, ok: bool = True) -> str:
        """Runs git as a person would, without a configuration of theirs, and returns what it prints."""
        done = subprocess.run(
            ["git", *args], cwd=self.path, env=self._environment(), input=data, capture_output=True, check=False
        )
        if ok and done.returncode != 0:
            raise AssertionError(f"git {' '.join(args)}: {done.stderr.decode(errors='replace')}")
        return done.stdout.decode("utf-8", "surrogateescape").strip("\n")

    def file(self, name: str, content: str | bytes, *, executable: bool = False) -> RepoBuilder:
        """Writes a file; a name may carry any bytes by `surrogateescape`."""
        path = self.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.is_symlink():
            path.unlink()
        path.write_bytes(content.encode("utf-8", "surrogateescape") if isinstance(content, str) else content)
        path.chmod(0o755 if executable else 0o644)
        return self

    def link(self, name: str, target: str) -> RepoBuilder:
        """Makes a symbolic link, in place of whatever was there."""
        path = self.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        path.symlink_to(target)
        return self

    def remove(self, name: str) -> RepoBuilder:
        """Deletes a file or a directory."""
        path = self.path / name
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()
        return self

    def rename(self, old: str, new: str) -> RepoBuilder:
        """Moves a file."""
        (self.path / new).parent.mkdir(parents=True, exist_ok=True)
        (self.path / old).rename(self.path / new)
        return self

    def commit(self, message: str = "work") -> Oid:
        """Commits everything that is on disk, and returns the commit."""
        self.git("add", "--all")
        self._minutes += 1
        self.git("commit", "--quiet", "--allow-empty", "--no-verify", f"--message={message}")
        return self.head()

    def branch(self, name: str, at: str = "HEAD") -> RepoBuilder:
        """Makes a branch and goes there."""
        self.git("checkout", "--quiet", "-b", name, at)
        return self

    def switch(self, name: str) -> RepoBuilder:
        """Goes to a branch or a commit."""
        self.git("checkout", "--quiet", name)
        return self

    def merge(self, *names: str, message: str = "merge") -> bool:
        """Merges for real, one after the other; False at the first conflict, which is then taken back."""
        for name in names:
            self._minutes += 1
            done = subprocess.run(
                ["git", "merge", "--quiet", "--no-ff", "--no-edit", f"--message={message}", name],
                cwd=self.path,
                env=self._environment(),
                capture_output=True,
                check=False,
            )
            if done.returncode != 0:
                self.git("merge", "--abort", ok=False)
                return False
        return True

    def worktree(self, path: Path, branch: str, at: str = "HEAD") -> RepoBuilder:
        """Adds a worktree on a new branch and returns a builder for it."""
        self.git("worktree", "add", "--quiet", "-b", branch, str(path), at)
        return RepoBuilder.at(path)

    def config(self, key: str, value: str) -> RepoBuilder:
        """Sets a key in the repository's own configuration."""
        self.git("config", key, value)
        return self

    def hook(self, name: str, script: str) -> RepoBuilder:
        """Plants an executable hook."""
        path = self.path / ".git" / "hooks" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
        path.chmod(0o755)
        return self

    def head(self, ref: str = "HEAD") -> Oid:
        """Returns the commit that a name stands for."""
        return Oid(self.git("rev-parse", "--verify", f"{ref}^{{commit}}"))

    def tree(self, ref: str = "HEAD") -> Oid:
        """Returns the tree of a commit."""
        return Oid(self.git("rev-parse", "--verify", f"{ref}^{{tree}}"))

    def status(self) -> str:
        """Returns what git's short status says."""
        return self.git("status", "--porcelain")

    def _environment(self) -> dict[str, str]:
        when = f"@{_START + 60 * self._minutes} +0000"
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
        people = {f"GIT_{who}_{what}": value for who in ("AUTHOR", "COMMITTER") for what, value in _PERSON.items()}
        dates = {"GIT_AUTHOR_DATE": when, "GIT_COMMITTER_DATE": when}
        guards = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
        return {**inherited, **people, **dates, **guards, **self._more}


_PERSON = {"NAME": "Olga Operator", "EMAIL": "olga@example.org"}
