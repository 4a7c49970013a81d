from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Struct

from orch_tui.model.settings import TABLES, Duration, Origin, Settings, shape, shape_options

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.dates(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@pytest.mark.parametrize(
    ("text", "seconds"), [("90s", 90), ("10m", 600), ("1.5h", 5400), ("2d", 172800), ("250ms", 0.25), (45, 45), (0, 0)]
)
def test_a_duration_is_a_number_with_a_unit(text: object, seconds: float) -> None:
    assert Duration.parse(text) == seconds


@pytest.mark.parametrize(
    "text", ["", "10", "ten minutes", "10 minutes", "-3m", True, -1, float("nan"), "9" * 400 + "d", []]
)
def test_what_is_no_duration_is_refused(text: object) -> None:
    with pytest.raises(ValueError, match="expected a duration"):
        Duration.parse(text)


@pytest.mark.parametrize(
    ("seconds", "text"), [(600, "10m"), (90, "90s"), (7200, "2h"), (172800, "2d"), (0.25, "0.25s"), (0, "0s")]
)
def test_a_duration_reads_as_it_is_written(seconds: float, text: str) -> None:
    assert str(Duration(seconds)) == text


def test_nothing_set_is_the_defaults() -> None:
    settings, complaints = shape({})
    assert settings == Settings()
    assert not complaints
    assert (settings.agents.backend, settings.agents.runner, settings.mission.target) == ("builtin", "local", "main")
    assert settings.budget.daily_micros is None


def test_the_whole_file_of_the_design_fits() -> None:
    settings, complaints = shape(
        {
            "mission": {"target": "trunk", "compliance": ["pci-dss"]},
            "agents": {"backend": "claude", "runner": "local", "max_running": 50},
            "backends": {"command": {"argv": ["sh", "{task_file}"]}},
            "runners": {"ray": {"address": "auto"}},
            "streams": {
                "core-services": {"domain": "backend", "after": ["infrastructure"], "gates": ["tests", "human"]}
            },
            "gates": {"tests": {"argv": ["pytest", "-q"], "timeout": "10m"}},
            "budget": {"daily_usd": 49.99, "alert": 0.8},
            "meter": {"upstream": "https://api.anthropic.com"},
            "paths": {"state": "/var/tmp/state"},
            "engine": {"linger": "10m"},
            "console": {"theme": "nord"},
            "keymap": {"agent.stop": "X"},
        }
    )
    assert not complaints
    assert settings.streams["core-services"].after == ("infrastructure",)
    assert settings.gates["tests"].timeout == 600
    assert settings.budget.daily_usd == Decimal("49.99")
    assert settings.budget.daily_micros == 49_990_000
    assert settings.backends["command"]["argv"] == ["sh", "{task_file}"]


def test_all_complaints_come_at_once_each_with_its_whole_key() -> None:
    _, complaints = shape(
        {
            "strems": {},
            "mission": 5,
            "agents": {"bakend": "x", "max_running": 0, "quiet": "soon"},
            "streams": {"core": {"aftr": ["a"], "after": ["a", 1]}, "api": 3},
            "keymap": {"agent.stop": 1},
            "backends": {"command": "sh"},
            "budget": {"alert": 2, "daily_usd": "much"},
        }
    )
    said = dict(complaints)
    assert said["strems"] == 'unknown key; did you mean "streams"?'
    assert said["mission"] == "expected a table"
    assert said["agents.bakend"] == 'unknown key; did you mean "backend"?'
    assert said["agents.max_running"] == "expected a whole number >= 1"
    assert said["agents.quiet"].startswith("expected a duration")
    assert said["streams.core.aftr"] == 'unknown key; did you mean "after"?'
    assert said["streams.core.after"] == "item 2: expected text, got a whole number"
    assert said["streams.api"] == "expected a table"
    assert said["keymap.agent.stop"] == "expected text, got a whole number"
    assert said["backends.command"] == "expected a table, got text"
    assert said["budget.alert"] == "expected a number <= 1.0"
    assert "budget.daily_usd" in said
    assert len(complaints) == 12


def test_a_mistake_leaves_the_good_values_in_force() -> None:
    settings, complaints = shape({"agents": {"backend": "command", "max_running": "many"}})
    assert settings.agents.backend == "command"
    assert settings.agents.max_running == 50
    assert [key for key, _ in complaints] == ["agents.max_running"]


@pytest.mark.parametrize(
    ("table", "key", "words"),
    [
        ({"mission": {"compliance": ["pci-ds"]}}, "mission.compliance", 'did you mean "pci-dss"'),
        ({"mission": {"target": " "}}, "mission.target", "a branch is needed"),
        ({"budget": {"daily_usd": -1}}, "budget.daily_usd", "0 or more"),
        ({"budget": {"daily_usd": float("nan")}}, "budget.daily_usd", "0 or more"),
        ({"meter": {"upstream": "ftp://x"}}, "meter.upstream", "https://"),
        ({"agents": {"quiet": "1h"}}, "agents.stalled", "at least agents.quiet"),
        ({"streams": {"a": {"domain": "../../etc"}}}, "streams.a.domain", "lower-case letters"),
        ({"gates": {"tests": {"timeout": "1m"}}}, "gates.tests.argv", "a command is needed"),
    ],
)
def test_values_that_cannot_work_are_named(table: dict[str, Any], key: str, words: str) -> None:
    _, complaints = shape(table)
    assert [found for found, message in complaints if words in message] == [key]


@given(st.dictionaries(st.sampled_from(TABLES) | st.text(max_size=5), VALUES, max_size=4))
def test_no_table_at_all_makes_it_raise(data: dict[str, Any]) -> None:
    settings, _ = shape(data)
    assert isinstance(settings, Settings)


def test_a_value_names_its_origin_and_a_key_its_nearest_place() -> None:
    settings = Settings(origins={"streams.core": Origin("orch.toml", 4), "agents.backend": Origin("command line")})
    assert settings.origin("agents.backend").text == "command line"
    assert settings.origin("streams.core.after").text == "default"
    assert settings.place("streams.core.after").text == "orch.toml:4"
    assert settings.place("budget.alert").text == "default"


class PlugInOptions(Struct, frozen=True):
    argv: tuple[str, ...]
    wait: Duration = Duration(5)


def test_a_plug_ins_table_becomes_its_options() -> None:
    options, complaints = shape_options({"argv": ["x"], "wait": "1m"}, PlugInOptions, "backends.x")
    assert options == PlugInOptions(("x",), Duration(60))
    assert not complaints


def test_a_plug_ins_table_without_a_needed_key_is_complained_about() -> None:
    options, complaints = shape_options({"agv": ["x"]}, PlugInOptions, "backends.x")
    assert options is None
    assert set(complaints) == {
        ("backends.x.agv", 'unknown key; did you mean "argv"?'),
        ("backends.x.argv", "is needed"),
    }
