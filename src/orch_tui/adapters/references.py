"""Finds names in the configuration that mean nothing on this machine: plug-ins that are not installed, unknown gates.

A plug-in is imported only where the plan uses it, to hold its options against its table.
"""

from __future__ import annotations

from collections.abc import Iterator

from orch_tui.adapters import plugins
from orch_tui.adapters.config import FILE
from orch_tui.adapters.plugins import Group
from orch_tui.api import API_VERSION
from orch_tui.model.errors import PluginError
from orch_tui.model.problem import Problem, Severity, did_you_mean
from orch_tui.model.settings import Settings, shape_options
from orch_tui.model.tasks import Epic

HUMAN = "human"
"""The gate that is a person's approval; it needs no table."""


def misfits(epic: Epic, settings: Settings) -> tuple[Problem, ...]:
    """Returns what the settings name and what cannot work when agents start or a stream lands."""
    missing = (*_missing(plugins.BACKENDS, "backend", settings), *_missing(plugins.RUNNERS, "runner", settings))
    return (*missing, *_options(epic, settings), *_gates(settings))


def _missing(group: Group, kind: str, settings: Settings) -> Iterator[Problem]:
    """Finds plug-ins that somebody names and nobody installed."""
    installed = tuple(plugins.names(group))
    for key, name in _named(kind, settings).items():
        if name not in installed:
            known = did_you_mean(name, installed)
            listed = f" (installed: {', '.join(installed)})" if "did you mean" in known else ""
            yield _problem(settings, key, f'{key}: there is no {kind} "{name}"{known}{listed}')


def _named(kind: str, settings: Settings) -> dict[str, str]:
    """Returns the plug-ins that the settings name, by the dotted key that does it."""
    own = {f"streams.{key}.{kind}": getattr(stream, kind) for key, stream in settings.streams.items()}
    return {f"agents.{kind}": getattr(settings.agents, kind)} | {key: name for key, name in own.items() if name}


def _options(epic: Epic, settings: Settings) -> Iterator[Problem]:
    """Finds what is wrong with the options of each backend that a stream of the plan uses."""
    by = {name: key for key, name in reversed(_named("backend", settings).items())}
    installed = plugins.names(plugins.BACKENDS)
    for name in dict.fromkeys(stream.backend or settings.agents.backend for stream in epic.streams):
        if name not in installed:
            continue
        try:
            backend = plugins.load(plugins.BACKENDS, name, api_version=API_VERSION)
        except PluginError as error:
            yield _problem(settings, by[name], f"{by[name]}: {error}")
            continue
        table = f"backends.{name}"
        for key, message in shape_options(settings.backends.get(name, {}), backend.Options, table)[1]:
            written = settings.place(key).source != "default"
            yield _problem(settings, key if written else by[name], f"{key}: {message}")


def _gates(settings: Settings) -> Iterator[Problem]:
    """Finds gates that a stream names and no table describes: a landing would end there with an error."""
    known = (HUMAN, *settings.gates)
    for key, stream in settings.streams.items():
        for gate in stream.gates:
            if gate not in known:
                text = f"streams.{key}.gates: there is no [gates.{gate}]; known: {', '.join(known)}"
                yield _problem(settings, f"streams.{key}.gates", text, "warning")


def _problem(settings: Settings, key: str, text: str, severity: Severity = "error") -> Problem:
    """Returns a problem at the place where a key is set."""
    origin = settings.place(key)
    return Problem(FILE if origin.source == "default" else origin.source, origin.line, text, severity)
