"""Reads what differs between two commits: the list of files as values, the patch text into a file."""

from __future__ import annotations

import tempfile
from pathlib import Path

from orch_tui.adapters.git import porcelain
from orch_tui.adapters.git.command import GitDirectory
from orch_tui.model.diff import FileChange
from orch_tui.model.errors import StorageError
from orch_tui.model.ids import Oid

_GUARDS = ("--no-ext-diff", "--no-textconv", "--no-color", "--full-index", "-M")


class Patches:
    """The differences between commits of one repository."""

    def __init__(self, private: GitDirectory) -> None:
        self._git = private

    def changes(self, base: Oid, head: Oid, *, renames: bool = True) -> tuple[FileChange, ...]:
        """Returns every file that differs, with its lines counted."""
        follow = "-M" if renames else "--no-renames"
        args = ("diff-tree", "-r", "-z", *_GUARDS, follow, "--raw", "--numstat", base, head, "--")
        return porcelain.changes(self._git.run(*args).out)

    def write(self, base: Oid, head: Oid, into: Path) -> int:
        """Streams the patch to a file, which is replaced when the patch is whole; returns its size.

        Raises:
            StorageError: The file cannot be written.
        """
        try:
            into.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile("wb", dir=into.parent, prefix=".patch-", delete=False) as file:
                temporary = Path(file.name)
                try:
                    self._git.run("diff-tree", "-r", "-p", "-U3", *_GUARDS, base, head, "--", into=file.file)
                    file.flush()
                    temporary.replace(into)
                finally:
                    temporary.unlink(missing_ok=True)
        except OSError as error:
            raise StorageError("The patch cannot be written", f"{into}: {error}", "Free some disk space.") from error
        return into.stat().st_size
