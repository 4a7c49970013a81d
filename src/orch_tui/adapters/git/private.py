"""The private git directory: where everything that touches content runs.

Worktrees share the repository's configuration and hooks, and an agent can write there. So content commands
run in a bare directory of ours, with our configuration and the repository's objects. It has no refs, hence
`preciousObjects`: a prune in it would delete the operator's commits.
"""

from __future__ import annotations

import contextlib
import re
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from orch_tui.adapters.files.atomic import write_atomic
from orch_tui.adapters.git.command import GitDirectory, GitProgram, failure
from orch_tui.model.errors import StorageError

COPIED: Mapping[str, frozenset[str]] = {
    "core.autocrlf": frozenset({"true", "false", "input"}),
    "core.eol": frozenset({"lf", "crlf", "native"}),
    "core.filemode": frozenset({"true", "false"}),
    "core.ignorecase": frozenset({"true", "false"}),
    "core.symlinks": frozenset({"true", "false"}),
    "core.precomposeunicode": frozenset({"true", "false"}),
    "merge.renames": frozenset({"true", "false", "copies", "copy"}),
}
"""Plain values that change what a checkout or a merge gives, and the words that they may have."""

_OURS: Mapping[str, str] = {
    "core.bare": "true",
    "core.hookspath": "/dev/null",
    "core.fsmonitor": "false",
    "core.attributesfile": "/dev/null",
    "core.excludesfile": "/dev/null",
    "core.splitindex": "false",
    "core.logallrefupdates": "false",
    "gc.auto": "0",
    "maintenance.auto": "false",
    "merge.conflictstyle": "merge",
}


class PrivateDirectory:
    """`git/` in the state directory."""

    def __init__(self, program: GitProgram, path: Path, common_dir: Path) -> None:
        self.path = path
        self.aside = path / "aside"
        self.unfinished = path / "unfinished"
        self._folds = path / "folds"
        env = {
            "GIT_OBJECT_DIRECTORY": str(common_dir / "objects"),
            "GIT_SHALLOW_FILE": str(common_dir / "shallow"),
        }
        self.git = GitDirectory(program, path, env=env)
        self._program = program
        self._objects = common_dir / "objects"

    def make(self, plain: Mapping[str, str], object_format: str) -> None:
        """Makes the directory, or brings an older one up to date; clears what a kill left in it.

        Args:
            plain: Configuration of the repository; only the keys and words of `COPIED` are taken.
            object_format: "sha1" or "sha256", as the repository has it.

        Raises:
            StorageError: The state directory cannot be written.
        """
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            if not (self.path / "HEAD").exists():
                options = ["--bare", "--quiet", "--template=", f"--object-format={object_format}"]
                made = self._program.run(["init", *options, "--", str(self.path)])
                if made.status != 0:
                    raise failure(["init"], made, "Make the state directory writable.")
            shutil.rmtree(self._folds, ignore_errors=True)
            for directory in (self.path / "objects" / "info", self.unfinished, self._folds):
                directory.mkdir(parents=True, exist_ok=True)
            _replace(self.path / "config", configuration(plain, object_format))
            # A plain git inside a worktree of this directory finds the repository's objects by this file.
            _replace(self.path / "objects" / "info" / "alternates", f"{self._objects}\n")
        except OSError as error:
            raise StorageError(
                "The private git directory cannot be made", str(error), "Make the state directory writable."
            ) from error

    @contextlib.contextmanager
    def merging(self, attributes: str) -> Iterator[GitDirectory]:
        """Yields a directory for merges with these attributes, apart from those that run at the same time."""
        with tempfile.TemporaryDirectory(dir=self._folds) as name:
            place = Path(name)
            shutil.copyfile(self.path / "config", place / "config")
            shutil.copyfile(self.path / "HEAD", place / "HEAD")
            for part in ("refs", "objects", "info"):
                (place / part).mkdir()
            (place / "info" / "attributes").write_text(attributes, encoding="utf-8", errors="surrogateescape")
            yield self.git.at(place)


def configuration(plain: Mapping[str, str], object_format: str) -> str:
    """Returns our configuration: ours, and the repository's plain values of the known words."""
    copied = {key: plain[key].lower() for key, words in COPIED.items() if plain.get(key, "").lower() in words}
    extensions = {"core.repositoryformatversion": "1", "extensions.preciousobjects": "true"}
    if object_format != "sha1":
        extensions["extensions.objectformat"] = object_format
    return "".join(
        f"[{section}]\n\t{name} = {value}\n"
        for key, value in {**copied, **extensions, **_OURS}.items()
        for section, name in [key.split(".")]
    )


def joined_attributes(files: Mapping[str, str]) -> str:
    """Returns all `.gitattributes` of a tree as the one file that a bare directory reads.

    Args:
        files: Content by directory; "" is the top. A deeper file wins, so it comes later.
    """
    order = sorted(files, key=lambda directory: (directory.count("/") + bool(directory), directory))
    lines = (_prefixed(line, directory) for directory in order for line in files[directory].split("\n"))
    return "".join(f"{line}\n" for line in lines if line)


def _prefixed(line: str, directory: str) -> str:
    line = line.strip(" \t\r")
    if not line or line.startswith(("#", "!")):
        return ""
    if not directory:
        return line
    if line.startswith("[attr]"):  # macros count at the top only
        return ""
    pattern, rest = _pattern(line)
    inside = pattern.lstrip("/") if "/" in pattern.rstrip("/") else f"**/{pattern}"
    return f"{_quoted(_literal(directory) + '/' + inside)} {rest}"


def _pattern(line: str) -> tuple[str, str]:
    if line.startswith('"') and (quoted := re.match(r'"((?:[^"\\]|\\.)*)"\s*(.*)', line)):
        return _unquoted(quoted[1]), quoted[2]
    pattern, _, rest = line.replace("\t", " ").partition(" ")
    return pattern, rest.strip()


def _literal(directory: str) -> str:
    return re.sub(r"([\\*?\[])", r"\\\1", directory)


_ESCAPES = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}


def _unquoted(inner: str) -> str:
    def plain(escape: re.Match[str]) -> str:
        code = escape[1]
        if code[0] in "01234567":
            return bytes([int(code, 8) & 0xFF]).decode("utf-8", "surrogateescape")
        return _ESCAPES.get(code, code)

    joined = re.sub(r"\\([0-7]{3}|.)", plain, inner)
    return joined.encode("utf-8", "surrogateescape").decode("utf-8", "surrogateescape")


def _quoted(pattern: str) -> str:
    if not re.search(r'[\s"]|[^\x20-\x7e]', pattern):
        return pattern
    inner = "".join(
        {34: '\\"', 92: "\\\\"}.get(byte, chr(byte) if 32 <= byte < 127 else f"\\{byte:03o}")
        for byte in pattern.encode("utf-8", "surrogateescape")
    )
    return f'"{inner}"'


def _replace(path: Path, content: str) -> None:
    if path.exists() and path.read_text(encoding="utf-8", errors="surrogateescape") == content:
        return
    write_atomic(path, content.encode("utf-8", "surrogateescape"))
