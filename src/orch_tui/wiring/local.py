"""What needs no engine: the plan checked, first files written, settings and blueprints shown, the journal verified.

The command line calls it; it joins the adapters that read the operator's files and starts nothing.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from msgspec import Struct

from orch_tui.adapters import config, scaffold
from orch_tui.adapters.blueprints import BlueprintLibrary, known_profiles, shipped_domains
from orch_tui.adapters.git.command import GitDirectory, GitProgram
from orch_tui.adapters.git.discovery import discover
from orch_tui.adapters.paths import state_paths
from orch_tui.adapters.plan import TASKS, read_checked
from orch_tui.adapters.scaffold import InitReport
from orch_tui.adapters.state.journal import verify_journal
from orch_tui.adapters.taskfile import read_plan
from orch_tui.model.audit import Verdict
from orch_tui.model.blueprint import Blueprint
from orch_tui.model.errors import ConfigError, EnvironmentProblem
from orch_tui.model.problem import Problem, did_you_mean
from orch_tui.model.settings import Settings
from orch_tui.model.tasks import Epic, Plan


class Setting(Struct, frozen=True):
    """A value in force and what set it."""

    key: str
    value: str
    source: str


class InForce(Struct, frozen=True):
    """All settings, and what is wrong with them."""

    settings: tuple[Setting, ...]
    problems: tuple[Problem, ...]


def problems_of(directory: Path) -> tuple[Problem, ...]:
    """Returns what is wrong with the plan and the settings of the mission that a directory belongs to.

    Raises:
        ConfigError: There is no mission.
        EnvironmentProblem: The repository is bare.
    """
    return check_tasks(config.find_root(directory), None).problems


def check_tasks(directory: Path, file: Path | None) -> Plan:
    """Reads a plan, the mission's own or any other; what cannot be read at all is a problem like others.

    The mission's `orch.toml` counts only for the mission's own plan.
    """
    root = _root_or_none(directory)
    path = directory / file if file else (root or directory) / TASKS
    problems: tuple[Problem, ...] = ()
    shown = str(file or TASKS)
    try:
        if root and _same(path, root / TASKS):
            settings, problems = config.read_settings(root, {}, os.environ)
            plan = read_checked(root, settings, shown=shown)
        else:
            plan = read_plan(path, Settings(), shown=shown)
    except ConfigError as error:
        return Plan(Epic(title="", streams=(), size="mvp", agents=0), (*problems, Problem(shown, 0, str(error))))
    return Plan(plan.epic, (*problems, *plan.problems))


def _same(path: Path, own: Path) -> bool:
    """Says whether two paths are one file, or would be."""
    return os.path.realpath(path) == os.path.realpath(own)  # Path.resolve gives up on a link that leads to itself


def init(directory: Path, compliance: Sequence[str], domains: Sequence[str]) -> InitReport:
    """Makes the repository of a directory a mission whose target is the branch that is checked out.

    Raises:
        EnvironmentProblem: It is no repository, a bare one, one without a commit, or one with a detached HEAD.
        ConfigError: A profile or domain is unknown, or something is in the way.
    """
    known_profiles(compliance)
    program = GitProgram()
    found = discover(program, directory)
    head = GitDirectory(program, Path(found.git_dir)).run("symbolic-ref", "--quiet", "HEAD", accept=(0, 1)).text()
    if not head.startswith("refs/heads/"):
        hint = "Check out the branch that streams shall land on, then run init again."
        raise EnvironmentProblem("no branch is checked out", f"HEAD of {found.root} is detached", hint)
    target = head.removeprefix("refs/heads/")
    return scaffold.init(Path(found.root), compliance=compliance, domains=domains, target=target)


def show_config(directory: Path) -> InForce:
    """Returns every setting in force with its source."""
    root = config.find_root(directory)
    settings, problems = config.read_settings(root, {}, os.environ)
    return InForce(tuple(Setting(*row) for row in config.explain(settings)), problems)


def show_blueprint(directory: Path, name: str) -> Blueprint:
    """Returns the composed blueprint of an agent, a stream or a domain.

    Raises:
        ConfigError: The name means none of them, or the configuration cannot be used.
    """
    root = config.find_root(directory)
    settings = config.load_settings(root, {}, os.environ)
    library = BlueprintLibrary(root)
    domains = _domains(root, settings)
    domain = domains.get(name) or (name if library.has_domain(name) else "")
    if not domain:
        known = sorted({*(key for key in domains if not key.isdecimal()), *shipped_domains()})
        title = f'"{name}" is no agent, stream or domain{did_you_mean(name, known)}'
        raise ConfigError(title, "", "`orch-tui status` lists agents; `orch-tui tasks check` lists streams.")
    return library.compose(domain, settings.mission.compliance)


def verify_audit(directory: Path) -> Verdict:
    """Says whether the journal's chain is unbroken.

    Raises:
        StorageError: There is no journal, or it cannot be read at all.
    """
    root = config.find_root(directory)
    settings, _ = config.read_settings(root, {}, os.environ)
    return verify_journal(state_paths(root, settings.paths.state, os.environ).state_db)


def _domains(root: Path, settings: Settings) -> dict[str, str]:
    """Returns the domain of every agent and stream in the plan, by id, key and number."""
    try:
        streams = read_plan(root / TASKS, settings).epic.streams
    except ConfigError:
        return {}
    domains: dict[str, str] = {}
    for stream in streams:
        domains |= {stream.key: stream.domain, str(stream.number): stream.domain}
        domains |= {f"{stream.key}-{number}": stream.domain for number in range(1, stream.agents + 1)}
    return domains


def _root_or_none(directory: Path) -> Path | None:
    try:
        return config.find_root(directory)
    except (ConfigError, EnvironmentProblem):
        return None
