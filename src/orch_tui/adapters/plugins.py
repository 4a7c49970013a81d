"""Plug-ins by entry points: list their names without importing any, load one, explain a missing one.

This module alone asks `importlib.metadata` for backends, runners and gates; what we ship comes in by the same door.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import EntryPoint, entry_points
from typing import Any, Literal, TypeVar

from msgspec import Struct

from orch_tui.model.errors import ConfigError, PluginError
from orch_tui.model.problem import did_you_mean
from orch_tui.model.settings import shape_options

Group = Literal["orch_tui.backends", "orch_tui.runners", "orch_tui.gates"]
BACKENDS: Group = "orch_tui.backends"
RUNNERS: Group = "orch_tui.runners"
GATES: Group = "orch_tui.gates"

O = TypeVar("O", bound=Struct)  # noqa: E741 - an options struct


def names(group: Group) -> dict[str, str]:
    """Returns the names of what is installed, each with the package and version that brings it; imports nothing."""
    return {point.name: _package(point) for point in sorted(entry_points(group=group), key=lambda point: point.name)}


def load(group: Group, name: str, *, api_version: int) -> type[Any]:
    """Imports one plug-in and returns its class; a class without `api_version` is taken to fit.

    Raises:
        PluginError: It is not installed, installed twice, cannot be imported, or is made for another API.
    """
    point = _point(group, name)
    try:
        plugin = point.load()
    except Exception as error:  # a plug-in's import may raise anything
        detail = f"{point.value} of {_package(point)}: {type(error).__name__}: {error}"
        raise PluginError(
            f'{_kind(group)} "{name}" cannot be loaded', detail, "Repair or remove that package."
        ) from error
    if not isinstance(plugin, type):
        raise PluginError(
            f'{_kind(group)} "{name}" is not a class', f"{point.value} of {_package(point)}", "Repair that package."
        )
    made_for = getattr(plugin, "api_version", api_version)
    if made_for != api_version:
        detail = f"{_package(point)} is made for version {made_for}; this is version {api_version}"
        raise PluginError(
            f'{_kind(group)} "{name}" is made for another plug-in API', detail, "Install a version that fits."
        )
    return plugin


def read_options(kind: type[O], table: Mapping[str, object], key: str) -> O:
    """Returns a plug-in's options from its table of `orch.toml`, found under a dotted key.

    Raises:
        ConfigError: A key is unknown or missing, or a value does not fit; all of it is named.
    """
    options, complaints = shape_options(table, kind, key)
    if complaints or options is None:
        listed = "\n".join(f"orch.toml: {path}: {message}" for path, message in complaints)
        raise ConfigError(f"[{key}] cannot be used", listed, "Mend the table.")
    return options


def _point(group: Group, name: str) -> EntryPoint:
    """Finds the one entry point of a name."""
    found = {point.value: point for point in entry_points(group=group, name=name)}
    if len(found) == 1:
        return next(iter(found.values()))
    if found:
        brought = " and ".join(sorted(_package(point) for point in found.values()))
        raise PluginError(f'{_kind(group)} "{name}" is installed twice', brought, "Remove one of the packages.")
    installed = tuple(names(group))
    title = f'there is no {_kind(group)} "{name}"'
    near = did_you_mean(name, installed) if installed else ""
    detail = f"installed: {', '.join(installed) or 'none'}"
    hint = near.removeprefix("; ").capitalize() if "did you mean" in near else "Install the package that brings it."
    raise PluginError(title, detail, hint)


def _package(point: EntryPoint) -> str:
    return f"{point.dist.name} {point.dist.version}" if point.dist else "an unknown package"


def _kind(group: Group) -> str:
    return group.removeprefix("orch_tui.").removesuffix("s")
