"""Lists what a repository's configuration and hooks could run; pure but for reading the hooks' directory."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from pathlib import Path

_ODD = re.compile(
    r"filter\..*|merge\..*\.driver|diff\.external|diff\..*\.(command|textconv)|core\.(fsmonitor|hookspath|sshcommand"
    r"|pager|editor|askpass|attributesfile|excludesfile|gitproxy|alternaterefscommand|worktree)|alias\..*"
    r"|include\.path|includeif\..*|credential\..*|gpg\..*|sequence\.editor|pager\..*|url\..*|remote\..*\.(vcs"
    r"|uploadpack|receivepack|proxy)|extensions\.(worktreeconfig|partialclone)|uploadpack\..*|protocol\..*"
    r"|trailer\..*|mergetool\..*|difftool\..*|browser\..*|man\..*|submodule\..*\.update",
    re.IGNORECASE,
)


def odd_keys(keys: Iterable[str]) -> tuple[str, ...]:
    """Returns the keys that name programs or other files, or bend what git does."""
    return tuple(sorted({key for key in keys if _ODD.fullmatch(key)}))


def hooks(common_dir: Path, configured: str, root: Path) -> tuple[str, ...]:
    """Returns the hooks that a person's git would run."""
    directory = (root / Path(configured).expanduser()) if configured else common_dir / "hooks"
    if not directory.is_dir():
        return ()
    return tuple(sorted(path.name for path in directory.iterdir() if _runs(path)))


def _runs(path: Path) -> bool:
    return path.is_file() and path.suffix != ".sample" and os.access(path, os.X_OK)
