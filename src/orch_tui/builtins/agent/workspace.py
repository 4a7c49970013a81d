"""The files that the agent may touch: its worktree, and nothing that a path or a link leads to outside of it.

Every path of the model comes through `inside`; git's own files are refused, `.orch` may only be read.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

READ_LIMIT = 200_000
LISTED = 1_000


class ToolError(Exception):
    """What the model asked for is not possible; the message goes back to it."""


class Workspace:
    """A worktree with its door closed."""

    def __init__(self, root: Path) -> None:
        self.root = root.resolve()

    def inside(self, path: str) -> Path:
        """Returns the real place of a path of the model's.

        Raises:
            ToolError: it leads out of the worktree or into git's own files.
        """
        if "\0" in path or ".." in Path(path).parts:
            raise ToolError(f"{path!r} is refused: name a file below the worktree, without `..`")
        try:
            real = (self.root / path).resolve()
        except (OSError, RuntimeError) as trouble:
            raise ToolError(f"{path!r} cannot be followed: {trouble}") from trouble
        if not real.is_relative_to(self.root):
            raise ToolError(f"{path!r} leads out of the worktree")
        if any(part.lower() == ".git" for part in real.relative_to(self.root).parts):
            raise ToolError(f"{path!r} belongs to git; use the git command")
        return real

    def read(self, path: str) -> str:
        """Returns the text of a file, cut where it is too long."""
        data = self._bytes(path, READ_LIMIT + 1)
        if b"\0" in data[:8192]:
            raise ToolError(f"{path!r} is not a text file")
        text = data[:READ_LIMIT].decode(errors="replace")
        return text + (f"\n[cut after {READ_LIMIT} bytes]" if len(data) > READ_LIMIT else "")

    def write(self, path: str, content: str) -> int:
        """Writes a whole file and the directories above it; returns its size in bytes."""
        place, data = self._writable(path), content.encode(errors="replace")
        try:
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(data)
        except OSError as trouble:
            raise ToolError(f"{path!r} cannot be written: {trouble.strerror}") from trouble
        return len(data)

    def edit(self, path: str, old: str, new: str) -> None:
        """Replaces the one place where `old` stands."""
        self._writable(path)
        try:
            text = self._bytes(path, 50_000_000).decode()
        except UnicodeDecodeError as trouble:
            raise ToolError(f"{path!r} is not UTF-8 text") from trouble
        found = text.count(old) if old else 0
        if found != 1:
            raise ToolError(f"`old` must stand in {path!r} exactly once; it stands there {found} times")
        self.write(path, text.replace(old, new))

    def listing(self, path: str) -> str:
        """Returns the files below a directory, one a line, without git's own."""
        top = self.inside(path)
        if not top.is_dir():
            raise ToolError(f"{path!r} is not a directory")
        names = []
        for name in self._below(top):
            names.append(name)
            if len(names) > LISTED:
                return "\n".join([*names[:LISTED], f"[more than {LISTED}; list a directory further down]"])
        return "\n".join(names) or "[empty]"

    def _below(self, top: Path) -> Iterator[str]:
        for folder, folders, files in os.walk(top):
            folders[:] = sorted(name for name in folders if name.lower() != ".git")
            for name in sorted(files):
                if name.lower() != ".git":
                    yield os.fsencode(Path(folder, name).relative_to(self.root)).decode(errors="replace")

    def _writable(self, path: str) -> Path:
        place = self.inside(path)
        if place.relative_to(self.root).parts[:1] == (".orch",):
            raise ToolError(f"{path!r} belongs to the mission; use `report` and `note`")
        return place

    def _bytes(self, path: str, limit: int) -> bytes:
        place = self.inside(path)
        if not place.is_file():
            raise ToolError(f"{path!r} is not a file" if place.exists() else f"{path!r} does not exist")
        try:
            with place.open("rb") as stream:
                return stream.read(limit)
        except OSError as trouble:
            raise ToolError(f"{path!r} cannot be read: {trouble.strerror}") from trouble
