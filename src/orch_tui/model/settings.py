"""The shape of `orch.toml`: what may be set, what it means, and what each value is when nobody sets it.

Pure. `adapters.config` reads and merges the files; this module alone says which keys exist and which values fit.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Annotated, Any, TypeVar, get_args, get_origin

import msgspec
from msgspec import Meta, Struct

from orch_tui.model.ids import slug
from orch_tui.model.problem import did_you_mean

PROFILES = ("pci-dss", "soc2", "hipaa", "gdpr")
"""The compliance profiles that a mission can put in force."""

_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|s|m|h|d)")
_TYPE = re.compile(r"`([^`]*)`")
_WORDS = {
    "str": "text",
    "int": "a whole number",
    "float": "a number",
    "decimal | null": "a number",
    "bool": "true or false",
    "array": "a list",
    "array | null": "a list",
    "object": "a table",
}
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_LONGEST = 3650 * 86400.0
_SHOWN = (("d", 86400), ("h", 3600), ("m", 60))


class Duration(float):
    """A length of time in seconds, written as "90s", "10m", "2h" or as a plain number of seconds."""

    __slots__ = ()

    @classmethod
    def parse(cls, value: object) -> Duration:
        """Reads a duration from a configuration value.

        Raises:
            ValueError: The value is not a length of time.
        """
        seconds = -1.0
        if isinstance(value, int | float) and not isinstance(value, bool):
            seconds = float(value)
        elif isinstance(value, str) and (match := _DURATION.fullmatch(value.strip())):
            seconds = float(match[1]) * _SECONDS[match[2]]
        if not 0 <= seconds <= _LONGEST:
            raise ValueError('expected a duration such as "90s", "10m" or "2h"')
        return cls(seconds)

    def __str__(self) -> str:
        for unit, seconds in _SHOWN:
            if self and self % seconds == 0:
                return f"{int(self // seconds)}{unit}"
        return f"{self:g}s"


class MissionSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """`[mission]`: where streams land and which rules apply."""

    target: str = "main"
    compliance: tuple[str, ...] = ()


class AgentSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """`[agents]`: how agents are started, how many at once, and when silence is worth a look."""

    backend: str = "builtin"
    runner: str = "local"
    max_running: Annotated[int, Meta(ge=1, le=10_000)] = 50
    quiet: Duration = Duration(180)
    stalled: Duration = Duration(900)


class StreamSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """`[streams.<key>]`: what a stream does otherwise than the rest; `after` unset means the stream before."""

    domain: str = ""
    after: tuple[str, ...] | None = None
    backend: str = ""
    runner: str = ""
    gates: tuple[str, ...] = ()


class GateSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """`[gates.<name>]`: a check; `plugin` names its kind, `options` are that plug-in's own."""

    argv: tuple[str, ...] = ()
    timeout: Duration = Duration(600)
    plugin: str = "command"
    options: dict[str, Any] = {}


class BudgetSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """`[budget]`: dollars a day, the share at which an alert shows, and where a day begins."""

    daily_usd: Annotated[Decimal, Meta()] | None = None
    alert: Annotated[float, Meta(gt=0, le=1)] = 0.8
    timezone: str = "UTC"
    track: bool = True

    @property
    def daily_micros(self) -> int | None:
        """The limit of a day in micro-dollars; None without one."""
        return None if self.daily_usd is None else int(self.daily_usd * 1_000_000)


class MeterSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """`[meter]`: the Messages API behind the meter; `simulated[:FILE]` is the offline stand-in, with plays."""

    upstream: str = "https://api.anthropic.com"


class PathSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """`[paths]`: where the mission's state lies; empty means the user's state directory."""

    state: str = ""


class EngineSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """`[engine]`: how long the engine stays when nothing runs."""

    linger: Duration = Duration(600)


class ConsoleSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """`[console]`: looks."""

    theme: str = ""
    compact: bool = False


class Origin(Struct, frozen=True):
    """Where a value was set; line 0 where there is none."""

    source: str
    line: int = 0

    @property
    def text(self) -> str:
        """The place as `file:line` or as the name of what set it."""
        return f"{self.source}:{self.line}" if self.line else self.source


class Settings(Struct, frozen=True):
    """Everything that can be set, merged and checked, with the origin of each value that somebody set."""

    mission: MissionSettings = MissionSettings()
    agents: AgentSettings = AgentSettings()
    backends: dict[str, dict[str, Any]] = {}
    runners: dict[str, dict[str, Any]] = {}
    streams: dict[str, StreamSettings] = {}
    gates: dict[str, GateSettings] = {}
    budget: BudgetSettings = BudgetSettings()
    meter: MeterSettings = MeterSettings()
    paths: PathSettings = PathSettings()
    engine: EngineSettings = EngineSettings()
    console: ConsoleSettings = ConsoleSettings()
    keymap: dict[str, str] = {}
    origins: dict[str, Origin] = {}

    def origin(self, key: str) -> Origin:
        """Returns what set the value of a dotted key."""
        return self.origins.get(key, Origin("default"))

    def place(self, key: str) -> Origin:
        """Returns where a person would look for a dotted key: at itself, or at the nearest table around it."""
        while key and key not in self.origins:
            key = key.rpartition(".")[0]
        return self.origin(key)


TABLES = tuple(field.name for field in msgspec.structs.fields(Settings) if field.name != "origins")
"""The top-level tables of `orch.toml`."""

T = TypeVar("T", bound=Struct)

Complaint = tuple[str, str]
"""A dotted key and what is wrong with it."""


def shape(data: Mapping[str, object]) -> tuple[Settings, tuple[Complaint, ...]]:
    """Turns merged tables into settings; what does not fit is left at its default and complained about, all at once."""
    complaints: list[Complaint] = []
    kinds = {field.name: field.type for field in msgspec.structs.fields(Settings) if field.name in TABLES}
    values = _fields(data, kinds, "", complaints)
    settings = Settings(**values)
    complaints += _misfits(settings)
    return settings, tuple(complaints)


def shape_options(table: Mapping[str, object], kind: type[T], key: str) -> tuple[T | None, tuple[Complaint, ...]]:
    """Turns a plug-in's own table, found under a dotted key, into its options; None where they cannot be made."""
    complaints: list[Complaint] = []
    options = _table(table, kind, key, complaints)
    return (options if isinstance(options, kind) else None), tuple(complaints)


def _fields(
    data: Mapping[str, object], kinds: Mapping[str, Any], prefix: str, complaints: list[Complaint]
) -> dict[str, Any]:
    """Converts the known keys of one table one by one."""
    values = {}
    for key, value in data.items():
        path = f"{prefix}{key}"
        if key not in kinds:
            complaints.append((path, f"unknown key{did_you_mean(key, tuple(kinds))}"))
            continue
        before = len(complaints)
        converted = _convert(value, kinds[key], path, complaints)
        if len(complaints) == before or isinstance(converted, Struct | dict):
            values[key] = converted
    return values


def _convert(value: object, kind: Any, path: str, complaints: list[Complaint]) -> Any:
    """Converts one value, going into tables so that each complaint names its whole key."""
    if get_origin(kind) is dict and get_args(kind)[1] is not Any:
        entry = get_args(kind)[1]
        if not isinstance(value, Mapping):
            complaints.append((path, "expected a table"))
            return {}
        return _entries(value, entry, path, complaints)
    if isinstance(kind, type) and issubclass(kind, Struct):
        if not isinstance(value, Mapping):
            complaints.append((path, "expected a table"))
            return kind()
        return _table(value, kind, path, complaints)
    try:
        return msgspec.convert(value, kind, dec_hook=_custom)
    except msgspec.ValidationError as error:
        complaints.append((path, _plain(str(error))))
        return None


def _entries(table: Mapping[str, object], kind: Any, path: str, complaints: list[Complaint]) -> dict[str, Any]:
    """Converts a table of named entries, without those that do not fit."""
    converted = {name: _convert(value, kind, f"{path}.{name}", complaints) for name, value in table.items()}
    return {name: value for name, value in converted.items() if value is not None}


def _table(table: Mapping[str, object], kind: type[Struct], path: str, complaints: list[Complaint]) -> Struct | None:
    """Converts a table into its struct; None where a key that has no default is missing."""
    fields = msgspec.structs.fields(kind)
    values = _fields(table, {field.name: field.type for field in fields}, f"{path}.", complaints)
    missing = [field.name for field in fields if field.required and field.name not in values]
    complaints += [(f"{path}.{name}", "is needed") for name in missing if name not in table]
    return None if missing else kind(**values)


def _custom(kind: type, value: object) -> object:
    """Converts the types that msgspec does not know."""
    if kind is Duration:
        return Duration.parse(value)
    raise TypeError(f"no rule turns a value into {kind.__name__}")


def _plain(message: str) -> str:
    """Rewrites a message of the converter for a person: `Expected `int`, got `str` - at `$[0]`."""
    what, _, where = message.partition(" - at `$")
    item = re.match(r"\[(\d+)\]", where)
    text = _TYPE.sub(lambda match: _WORDS.get(match[1], match[1]), what).replace("Expected", "expected", 1)
    return f"item {int(item[1]) + 1}: {text}" if item else text


def _misfits(settings: Settings) -> Iterable[Complaint]:
    """Finds values of the right type that cannot work."""
    for profile in settings.mission.compliance:
        if profile not in PROFILES:
            yield "mission.compliance", f'unknown profile "{profile}"{did_you_mean(profile, PROFILES)}'
    if not settings.mission.target.strip():
        yield "mission.target", "a branch is needed"
    daily = settings.budget.daily_usd
    if daily is not None and not (daily.is_finite() and daily >= 0):
        yield "budget.daily_usd", "expected an amount of dollars, 0 or more"
    upstream = settings.meter.upstream
    if upstream != "simulated" and not upstream.startswith(("https://", "http://", "simulated:")):
        yield "meter.upstream", 'expected an address that starts with https:// or http://, or "simulated"'
    if settings.agents.stalled < settings.agents.quiet:
        yield "agents.stalled", f"expected at least agents.quiet ({settings.agents.quiet})"
    for key, stream in settings.streams.items():
        if stream.domain and stream.domain != slug(stream.domain):
            yield (
                f"streams.{key}.domain",
                f'a domain is made of lower-case letters, digits and dashes: "{slug(stream.domain)}"',
            )
    for name, gate in settings.gates.items():
        if gate.plugin == "command" and not gate.argv:
            yield f"gates.{name}.argv", "a command is needed, as a list of words"
