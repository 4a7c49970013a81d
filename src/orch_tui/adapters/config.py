"""Finds a mission and reads its configuration; nearest wins.

    flags            a mapping of dotted keys, from the command line
    environment      ORCH_STATE, ORCH_METER_UPSTREAM, CLAUDE_BUDGET_LIMIT, CLAUDE_BUDGET_ALERT, CLAUDE_TRACK_USAGE
    orch.toml        in the mission's root, written by people
    the user's file  config.toml in the user's configuration directory, with the same keys
    defaults         model.settings

This module alone reads those files and knows those variables; the environment is handed in as a mapping.
"""

from __future__ import annotations

import os
import re
import stat
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import msgspec
import platformdirs
from msgspec import Struct

from orch_tui.model.errors import ConfigError, EnvironmentProblem
from orch_tui.model.problem import Problem
from orch_tui.model.settings import TABLES, Origin, Settings, shape

FILE = "orch.toml"
VARIABLES = {
    "ORCH_STATE": "paths.state",
    "ORCH_METER_UPSTREAM": "meter.upstream",
    "CLAUDE_BUDGET_LIMIT": "budget.daily_usd",
    "CLAUDE_BUDGET_ALERT": "budget.alert",
    "CLAUDE_TRACK_USAGE": "budget.track",
}
"""The environment variables that set something, and what."""

_LARGEST = 1024 * 1024
_NUMBERS = ("budget.daily_usd", "budget.alert")
_WORDS = {"true": True, "1": True, "yes": True, "on": True, "false": False, "0": False, "no": False, "off": False}
_PART = r"""(?:[A-Za-z0-9_-]+|"[^"\n]*"|'[^'\n]*')"""
_NAME = re.compile(rf"\s*({_PART}(?:\s*\.\s*{_PART})*)\s*")
_AT_LINE = re.compile(r"\s*\(at (?:line (\d+), column \d+|end of document)\)$")


class Row(NamedTuple):
    """One line of `config show`: a dotted key, its value in words, and what set it."""

    key: str
    value: str
    source: str


class _Layer(NamedTuple):
    """One source of settings: its name, its tables, and the lines of its keys."""

    source: str
    tables: dict[str, object]
    lines: dict[str, int]


def find_root(directory: Path) -> Path:
    """Returns the mission that a directory belongs to: the nearest one above with an `orch.toml` or a git directory.

    A linked worktree belongs to the mission of its main working tree, so a command run in an agent's worktree finds
    the mission that the agent works for.

    Raises:
        ConfigError: There is none.
        EnvironmentProblem: It is a bare repository.
    """
    start = Path(os.path.realpath(directory))  # Path.resolve gives up on a link that leads to itself
    for place in (start, *start.parents):
        main = _main_worktree(place)
        if main or _there(place / FILE) or _there(place / ".git"):
            return main or place
    if any(_there(place / "HEAD") and _there(place / "objects") for place in (start, *start.parents)):
        title = "The repository is bare or this is inside its .git directory"
        raise EnvironmentProblem(title, str(start), "Use a clone with a work tree, and start in that.")
    hint = "Go to a git repository; `orch-tui init` makes it a mission."
    raise ConfigError("no mission here", f"{start} is not inside a git repository", hint)


def load_settings(root: Path, flags: Mapping[str, object], env: Mapping[str, str]) -> Settings:
    """Returns the settings of a mission.

    Raises:
        ConfigError: Something in them does not fit; all of it is named.
    """
    settings, problems = read_settings(root, flags, env)
    if len(problems) == 1:
        raise ConfigError(problems[0].text, "", "Mend it; `orch-tui config show` tells what is in force.")
    if problems:
        listed = "\n".join(problem.text for problem in problems)
        raise ConfigError(f"the configuration has {len(problems)} problems", listed, "Mend them and try again.")
    return settings


def read_settings(
    root: Path, flags: Mapping[str, object], env: Mapping[str, str]
) -> tuple[Settings, tuple[Problem, ...]]:
    """Returns the settings as far as they can be read, and everything that is wrong with them."""
    problems: list[Problem] = []
    layers = [
        _file_layer(user_file(env), str(user_file(env)), problems),
        _file_layer(root / FILE, FILE, problems),
        _environment(env, problems),
        _Layer("command line", _nested(flags), {}),
    ]
    tables: dict[str, object] = {}
    origins: dict[str, Origin] = {}
    for layer in layers:
        _merge(tables, layer.tables, "", layer, origins)
    settings, complaints = shape(tables)
    settings = msgspec.structs.replace(settings, origins=origins)
    for key, message in (*complaints, *_timezone_complaints(settings)):
        origin = settings.place(key)
        file = FILE if origin.source == "default" else origin.source
        problems.append(Problem(file, origin.line, f"{key}: {message}"))
    return settings, tuple(problems)


def explain(settings: Settings) -> tuple[Row, ...]:
    """Returns each value in force with what set it, in the order of the tables."""
    leaves = (leaf for table in TABLES for leaf in _leaves(getattr(settings, table), table))
    return tuple(Row(key, _shown(value), settings.origin(key).text) for key, value in leaves)


def user_file(env: Mapping[str, str]) -> Path:
    """Returns where the user's own configuration lies, whether there is one or not."""
    home = env.get("XDG_CONFIG_HOME", "")
    directory = Path(home) / "orch-tui" if home.startswith("/") else platformdirs.user_config_path("orch-tui")
    return directory / "config.toml"


def _main_worktree(place: Path) -> Path | None:
    """Returns the main working tree where a place is a linked worktree of it; None otherwise."""
    link = place / ".git"
    try:
        if not link.is_file():
            return None
        git = place / link.read_text("utf-8")[:4096].removeprefix("gitdir:").strip()
        common = (git / (git / "commondir").read_text("utf-8")[:4096].strip()).resolve()
    except (OSError, ValueError):
        return None
    return common.parent if common.name == ".git" and common.is_dir() else None


def _there(path: Path) -> bool:
    try:
        path.lstat()
    except OSError:
        return False
    return True


def _file_layer(path: Path, shown: str, problems: list[Problem]) -> _Layer:
    """Reads one file; what cannot be read is a problem and counts as empty."""
    layer = _Layer(shown, {}, {})
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode) or status.st_size > _LARGEST:
            kind = "too large" if stat.S_ISREG(status.st_mode) else "not a regular file"
            problems.append(Problem(shown, 0, f"is {kind}; expected a TOML file"))
            return layer
        data = path.read_bytes()
    except FileNotFoundError:
        return layer
    except OSError as error:
        problems.append(Problem(shown, 0, f"cannot be read: {error.strerror}"))
        return layer
    return _Layer(shown, *_toml(data, shown, problems))


def _toml(data: bytes, shown: str, problems: list[Problem]) -> tuple[dict[str, object], dict[str, int]]:
    """Parses TOML, and finds the lines of its keys."""
    try:
        text = data.decode("utf-8-sig")
        return tomllib.loads(text), _lines(text)
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        problems.append(Problem(shown, line, f"byte 0x{data[error.start]:02x} is not UTF-8"))
    except RecursionError:
        problems.append(Problem(shown, 0, "not TOML: nested too deeply"))
    except ValueError as error:
        at = _AT_LINE.search(str(error))
        line = int(at[1]) if at and at[1] else 0
        reason = _AT_LINE.sub("", str(error)) + (" at the end of the file" if at and not at[1] else "")
        problems.append(Problem(shown, line, f"not TOML: {reason}"))
    return {}, {}


def _lines(text: str) -> dict[str, int]:
    """Maps the dotted keys of a TOML text to the lines that set them, as far as a look at each line can tell."""
    lines: dict[str, int] = {}
    table, quote = "", ""
    for number, line in enumerate(text.splitlines(), 1):
        if quote:
            quote = "" if quote in line else quote
            continue
        header = line.lstrip().startswith("[") and _NAME.match(line.lstrip().lstrip("["))
        pair = _NAME.match(line)
        if header:
            table = _dotted(header[1])
            lines.setdefault(table, number)
        elif pair and line[pair.end() :].startswith("="):
            lines.setdefault(f"{table}.{_dotted(pair[1])}".lstrip("."), number)
        quote = next((mark for mark in ('"""', "'''") if line.count(mark) % 2), "")
    return lines


def _dotted(name: str) -> str:
    return ".".join(part.strip("\"'") for part in re.findall(_PART, name))


def _environment(env: Mapping[str, str], problems: list[Problem]) -> _Layer:
    """Reads the variables that set something; an empty one sets nothing."""
    tables: dict[str, object] = {}
    lines: dict[str, int] = {}
    for variable, key in VARIABLES.items():
        text = env.get(variable, "").strip()
        if text:
            value = _from_text(key, text)
            if value is None:
                expected = "a number" if key in _NUMBERS else "true or false"
                problems.append(Problem(f"environment {variable}", 0, f'expected {expected}, got "{text}"'))
            else:
                _put(tables, key, value)
                lines[key] = 0
    return _Layer("environment", tables, lines)


def _from_text(key: str, text: str) -> object:
    """Returns a variable's text as the value that its key takes; None where it is none."""
    if key == "budget.track":
        return _WORDS.get(text.lower())
    if key not in _NUMBERS:
        return text
    try:
        return float(text)
    except ValueError:
        return None


def _nested(flags: Mapping[str, object]) -> dict[str, object]:
    tables: dict[str, object] = {}
    for key, value in flags.items():
        if value is not None:
            _put(tables, key, value)
    return tables


def _put(tables: dict[str, object], key: str, value: object) -> None:
    """Sets a dotted key in nested tables."""
    head, _, rest = key.partition(".")
    if not rest:
        tables[head] = value
        return
    inner = tables.setdefault(head, {})
    if isinstance(inner, dict):
        _put(inner, rest, value)


def _merge(
    into: dict[str, object], tables: Mapping[str, object], prefix: str, layer: _Layer, origins: dict[str, Origin]
) -> None:
    """Lays one source over the ones before it, key by key, and notes where each value comes from."""
    for key, value in tables.items():
        path = f"{prefix}{key}"
        if isinstance(value, Mapping):
            inner = into.get(key)
            if not isinstance(inner, dict):
                inner = into[key] = {}
            if path in layer.lines or not value:
                origins[path] = Origin(layer.source, layer.lines.get(path, 0))
            _merge(inner, value, f"{path}.", layer, origins)
        else:
            into[key] = value
            origins[path] = _origin(layer, path)


def _origin(layer: _Layer, path: str) -> Origin:
    if layer.source == "environment":
        variable = next(name for name, key in VARIABLES.items() if key == path)
        return Origin(f"environment {variable}")
    return Origin(layer.source, layer.lines.get(path, 0))


def _timezone_complaints(settings: Settings) -> Iterator[tuple[str, str]]:
    name = settings.budget.timezone
    if name == "UTC":
        return
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError  # 6 ms to import, and rarely asked

    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        yield "budget.timezone", f'there is no time zone "{name}"; expected a name such as "Europe/Berlin"'


def _leaves(value: object, key: str) -> Iterator[tuple[str, object]]:
    """Yields the values below a key, without those of an empty table."""
    if isinstance(value, Struct):
        for field in msgspec.structs.fields(value):
            yield from _leaves(getattr(value, field.name), f"{key}.{field.name}")
    elif isinstance(value, dict):
        for name, inner in value.items():
            yield from _leaves(inner, f"{key}.{name}")
    else:
        yield key, value


def _shown(value: object) -> str:
    """Returns a value as it would be written in TOML, or a dash where there is none."""
    if value is None:
        return "-"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list | tuple):
        return f"[{', '.join(_shown(item) for item in value)}]"
    return msgspec.json.encode(value).decode() if isinstance(value, str) else str(value)
