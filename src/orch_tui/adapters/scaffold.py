"""Makes a repository a mission: writes the files that people own, where they are missing, and never over one.

This module alone creates files in the operator's repository. Everything is looked at before anything is written.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import tomli_w
from msgspec import Struct

from orch_tui.adapters.blueprints import DIRECTORY, known_profiles, read_text, shipped_domains, shipped_library
from orch_tui.model.errors import ConfigError, EnvironmentProblem
from orch_tui.model.problem import did_you_mean

STARTER_DOMAINS = ("infrastructure", "backend", "security")
"""The domains of the starter plan."""

_EXECUTABLE = 0o755

_HEADER = """\
# The mission's configuration. `orch-tui config show` prints every value in force and where it comes from.
#
# An agent of your own kind is described as data, and a stream chooses it:
#
#   [backends.command]
#   argv = ["sh", "{repository}/scripts/agent.sh", "{task_file}"]
#
#   [streams.core-services]          # the name of the section in tasks.md, in lower case with dashes
#   backend = "command"
#   after = ["infrastructure"]       # without it a stream waits for the one before
#   gates = ["tests"]
#
#   [gates.tests]
#   argv = ["make", "test"]
#   timeout = "10m"

"""

_TASKS = """\
# Epic: Name what you are building

Each stream is a domain's work and lands as one batch; it waits for the stream before. Each line with a box is a task
for so many agents, and a bullet below it gives one agent its part. `orch-tui tasks check` tells what is wrong here.

## Stream 1: Infrastructure (1 agent)
- [ ] Build, test and release pipeline (1 agent)

## Stream 2: Core Services (3 agents)
- [ ] First service: rules, storage and tests (2 agents)
    - the rules as plain functions, with tests
    - storage and the interface, with tests
- [ ] Example data and a command that loads it (1 agent)

## Stream 3: Security & Compliance (1 agent)
- [ ] Sign-in, rights and an audit trail (1 agent)
"""

_SCRIPT = """\
#!/bin/sh
# {purpose}
set -eu
CDPATH= cd -- "$(dirname -- "$0")/.."
{body}
"""

_SCRIPTS = {
    "orchestrate.sh": ("Launches the whole mission: scripts/orchestrate.sh [--yes]", 'exec orch-tui launch "$@"'),
    "orchestrate-team.sh": (
        "Launches the agents of one stream: scripts/orchestrate-team.sh STREAM [--yes]",
        'case "${1-}" in\n'
        "  '') echo 'usage: orchestrate-team.sh STREAM [--yes]' >&2; exit 2 ;;\n"
        '  -*) exec orch-tui launch "$@" ;;\n'
        '  *) stream=$1; shift; exec orch-tui launch --stream "$stream" "$@" ;;\n'
        "esac",
    ),
    "merge-helper.sh": (
        "Lands one stream: scripts/merge-helper.sh --stream STREAM [--plan|--yes]",
        'exec orch-tui merge "$@"',
    ),
}


class InitReport(Struct, frozen=True):
    """What `init` did: the files that it wrote, those that were there, and what is left for the operator to do."""

    written: tuple[str, ...]
    kept: tuple[str, ...]
    notes: tuple[str, ...] = ()


class _Wanted(Struct, frozen=True):
    """One file to write; it counts as present where any of `instead` is."""

    name: str
    text: str
    mode: int = 0o644
    instead: tuple[str, ...] = ()


def init(
    root: Path, *, compliance: Sequence[str] = (), domains: Sequence[str] = (), target: str = "main"
) -> InitReport:
    """Writes what a mission needs and the repository lacks.

    Args:
        root: The top of the repository.
        compliance: Profiles to put in force, in any usual spelling.
        domains: Domains to write blueprints for; those of the starter plan where none are named.
        target: The branch that streams will land on.

    Raises:
        ConfigError: A profile or a domain is unknown, or something in the repository is in the way.
        EnvironmentProblem: The directory cannot be written.
    """
    if not root.is_dir():
        raise ConfigError("there is no such directory", str(root), "Name the top of a git repository.")
    profiles = known_profiles(compliance)
    wanted = tuple(_wanted(profiles, _known_domains(domains), target))
    kept = tuple(file.name for file in wanted if any(_there(root / name) for name in (file.name, *file.instead)))
    missing = [file for file in wanted if file.name not in kept]
    for file in missing:
        _check_way(root, file.name)
    for done, file in enumerate(missing):
        _write(root, file, tuple(earlier.name for earlier in missing[:done]))
    written = tuple(file.name for file in missing)
    return InitReport(written, kept, tuple(_notes(written, kept, profiles)))


def _wanted(profiles: Sequence[str], domains: Sequence[str], target: str) -> Iterator[_Wanted]:
    """Yields every file of a mission."""
    library = shipped_library()
    yield _Wanted("orch.toml", _configuration(profiles, target))
    yield _Wanted("CLAUDE.md", _shipped(library, f"{DIRECTORY}/CLAUDE.md"))
    yield _Wanted("tasks.md", _TASKS)
    for domain in domains:
        name = f"{DIRECTORY}/{domain}/CLAUDE.md"
        yield _Wanted(name, _shipped(library, name), instead=(f"{DIRECTORY}/CLAUDE-{domain}.md",))
        name = f"{DIRECTORY}/{domain}/tasks.md"
        yield _Wanted(name, _shipped(library, name))
    for profile in profiles:
        name = f"{DIRECTORY}/compliance/{profile}.md"
        yield _Wanted(name, _shipped(library, name))
    for script, (purpose, body) in _SCRIPTS.items():
        yield _Wanted(f"scripts/{script}", _SCRIPT.format(purpose=purpose, body=body), _EXECUTABLE)


def _configuration(profiles: Sequence[str], target: str) -> str:
    """Returns the first `orch.toml` of a mission."""
    tables: dict[str, Any] = {
        "mission": {"target": target, "compliance": list(profiles)},
        "agents": {"backend": "builtin", "runner": "local", "max_running": 50},
        "budget": {"daily_usd": 50, "alert": 0.8},
    }
    return _HEADER + tomli_w.dumps(tables)


def _known_domains(domains: Sequence[str]) -> tuple[str, ...]:
    known = shipped_domains()
    for domain in domains:
        if domain not in known:
            title = f'there is no blueprint for "{domain}"{did_you_mean(domain, known)}'
            raise ConfigError(title, "", f"Name one of {', '.join(known)}, or write blueprints/{domain}/CLAUDE.md.")
    return tuple(dict.fromkeys(domains)) or STARTER_DOMAINS


def _shipped(library: Path, name: str) -> str:
    return read_text(library / name, f"orch-tui: {name}")


def _notes(written: Sequence[str], kept: Sequence[str], profiles: Sequence[str]) -> Iterator[str]:
    """Yields what the operator has to do by hand."""
    if profiles and "orch.toml" in kept:
        listed = ", ".join(f'"{profile}"' for profile in profiles)
        yield f"orch.toml was there: put compliance = [{listed}] under [mission] to bring the profiles into force"
    if written:
        yield "commit these files: agents start from what is committed"


def _check_way(root: Path, name: str) -> None:
    """Makes sure that the directories on the way to a file are directories of this repository."""
    place = root
    for part in Path(name).parts[:-1]:
        place = place / part
        if not _there(place):
            return
        if not place.is_dir():
            raise ConfigError(f"{part} is not a directory", str(place), "Move it away, then run init again.")
        if not place.resolve().is_relative_to(root.resolve()):
            hint = "Replace the link by a directory, then run init again."
            raise ConfigError(f"{part} leads out of the repository", f"{place} -> {place.resolve()}", hint)


def _write(root: Path, file: _Wanted, earlier: Sequence[str]) -> None:
    """Creates one file, and fails rather than touch one that has appeared since."""
    path = root / file.name
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _create(path, file)
    except OSError as error:
        done = f"; written before: {', '.join(earlier)}" if earlier else "; nothing was written"
        hint = "Check the permissions of the directory and the space on the disk, then run init again."
        raise EnvironmentProblem(f"{file.name} cannot be written", f"{path}: {error.strerror}{done}", hint) from error


def _create(path: Path, file: _Wanted) -> None:
    """Writes a new file; half a file is taken away again, or the next init would keep it."""
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, file.mode)
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(file.text.encode())
            if file.mode == _EXECUTABLE:
                os.fchmod(stream.fileno(), file.mode)
    except OSError:
        with suppress(OSError):
            path.unlink()
        raise


def _there(path: Path) -> bool:
    """Tells whether anything has this name, a broken link included."""
    return os.path.lexists(path)
