"""Examines this machine and one repository for the command line; looks at everything and changes nothing."""

from __future__ import annotations

import os
import platform
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Literal

from msgspec import Struct

from orch_tui.adapters import config, plugins
from orch_tui.adapters.git import doctor as git_doctor
from orch_tui.adapters.git.command import GitDirectory, GitProgram
from orch_tui.adapters.git.discovery import Found, discover
from orch_tui.adapters.paths import StatePaths, find_socket, short_socket, state_paths
from orch_tui.adapters.plan import TASKS
from orch_tui.adapters.state.database import sqlite_version
from orch_tui.adapters.taskfile import read_plan
from orch_tui.engine.starter import answers
from orch_tui.model.errors import OrchError
from orch_tui.model.problem import Problem
from orch_tui.model.settings import Settings

Severity = Literal["ok", "note", "problem"]

KEY = "ANTHROPIC_API_KEY"
_ROOM = 1 << 30


class Finding(Struct, frozen=True):
    """One thing that was looked at: `problem` means that something will not work, `note` that it is worth knowing."""

    name: str
    severity: Severity
    text: str
    hint: str = ""


def examine(directory: Path) -> tuple[Finding, ...]:
    """Returns everything that was found out, in the order in which a person would mend it."""
    return tuple(_findings(directory, os.environ))


def _findings(directory: Path, env: Mapping[str, str]) -> Iterator[Finding]:
    yield Finding("python", "ok", platform.python_version())
    yield Finding("sqlite", "ok", sqlite_version())
    try:
        program = GitProgram()
        yield Finding("git", "ok", program.version())
    except OrchError as error:
        yield _problem("git", error)
        return
    found: Found | None = None
    try:
        found = discover(program, directory)
        root = config.find_root(directory)
    except OrchError as error:
        yield _problem("repository", error)
        return
    yield Finding("repository", "ok", str(root))
    settings, problems = config.read_settings(root, {}, env)
    yield from _git(program, found, settings)
    yield from _files(root, settings, problems)
    yield from _state(root, settings, env)
    yield from _plugins(settings)
    yield from _money(settings, env)


def _git(program: GitProgram, found: Found, settings: Settings) -> Iterator[Finding]:
    target = settings.mission.target
    repository = GitDirectory(program, Path(found.git_dir))
    asked = repository.run("rev-parse", "--verify", "--quiet", f"refs/heads/{target}^{{commit}}", accept=(0, 1, 128))
    if asked.status == 0:
        yield Finding("target", "ok", f"{target} at {asked.text()[:10]}")
    else:
        hint = "Make that branch, or name another as [mission] target."
        yield Finding("target", "problem", f"there is no branch {target}", hint)
    if hooks := git_doctor.hooks(Path(found.common_dir), found.plain.get("core.hookspath", ""), Path(found.root)):
        yield Finding("hooks", "note", ", ".join(hooks), "They run for you and for agents, never for orch-tui.")
    if odd := git_doctor.odd_keys(found.plain):
        yield Finding("git config", "note", ", ".join(odd), "orch-tui ignores these; agents' own git obeys them.")


def _files(root: Path, settings: Settings, problems: tuple[Problem, ...]) -> Iterator[Finding]:
    for problem in problems:
        yield Finding("configuration", "problem", problem.text, "`orch-tui config show` tells what is in force.")
    if not problems:
        here = (root / config.FILE).exists()
        yield Finding("configuration", "ok", config.FILE if here else f"no {config.FILE}; defaults are in force")
    try:
        plan = read_plan(root / TASKS, settings, shown=TASKS)
    except OrchError as error:
        yield _problem("plan", error)
        return
    for problem in plan.problems:
        yield Finding("plan", "problem" if problem.severity == "error" else "note", problem.text)
    epic = plan.epic
    streams = "1 stream" if len(epic.streams) == 1 else f"{len(epic.streams)} streams"
    agents = "1 agent" if epic.agents == 1 else f"{epic.agents} agents"
    yield Finding("plan", "ok", f"{epic.title or 'untitled'}: {streams}, {agents}")


def _state(root: Path, settings: Settings, env: Mapping[str, str]) -> Iterator[Finding]:
    try:
        paths = state_paths(root, settings.paths.state, env)
    except OrchError as error:
        yield _problem("state", error)
        return
    there = next(place for place in (paths.root, *paths.root.parents) if place.exists())
    if not os.access(there, os.W_OK | os.X_OK):
        hint = "Make it writable, or set ORCH_STATE or [paths] state."
        yield Finding("state", "problem", f"{there} cannot be written", hint)
    else:
        yield Finding("state", "ok", str(paths.root))
    free = shutil.disk_usage(there).free
    if free < _ROOM:
        yield Finding("disk", "note", f"{free >> 20} MiB are free", "Each agent has a worktree of its own there.")
    yield Finding("socket", "ok", str(short_socket(paths.engine_sock, env, os.getuid())))
    yield from _processes(paths)


def _processes(paths: StatePaths) -> Iterator[Finding]:
    for name, path in (("engine", paths.engine_sock), ("meter", paths.meter_sock)):
        try:
            runs = answers(find_socket(path))
        except OrchError as error:
            yield _problem(name, error)
        else:
            yield Finding(name, "ok", "runs" if runs else "does not run; it starts when it is needed")


def _plugins(settings: Settings) -> Iterator[Finding]:
    streams = settings.streams.values()
    chosen = {
        plugins.BACKENDS: {settings.agents.backend, *(s.backend for s in streams)} - {""},
        plugins.RUNNERS: {settings.agents.runner, *(s.runner for s in streams)} - {""},
        plugins.GATES: {gate.plugin for gate in settings.gates.values()},
    }
    for group, wanted in chosen.items():
        kind = group.removeprefix("orch_tui.")
        installed = plugins.names(group)
        if missing := sorted(wanted - installed.keys()):
            hint = f"Install the package that brings it; there is {', '.join(installed) or 'none'}."
            yield Finding(kind, "problem", f"not installed: {', '.join(missing)}", hint)
        else:
            yield Finding(kind, "ok", ", ".join(installed) or "none")


def _money(settings: Settings, env: Mapping[str, str]) -> Iterator[Finding]:
    yield Finding("upstream", "ok", settings.meter.upstream)
    if env.get(KEY):
        yield Finding("key", "ok", f"{KEY} is set")
    else:
        hint = "Agents that ask a model through the meter need it; set it where the engine starts."
        yield Finding("key", "note", f"{KEY} is not set", hint)


def _problem(name: str, error: OrchError) -> Finding:
    return Finding(name, "problem", str(error), error.hint)
