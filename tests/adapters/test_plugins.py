from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from msgspec import Struct

from orch_tui.adapters.plugins import BACKENDS, GATES, RUNNERS, load, names, read_options
from orch_tui.model.errors import ConfigError, PluginError

MODULE = """
class Fits:
    name = "fits"
    api_version = 1

class Silent:
    name = "silent"

class Old:
    name = "old"
    api_version = 0

def function(): ...
"""


def install(where: Path, package: str, points: dict[str, str]) -> None:
    info = where / f"{package.replace('-', '_')}-1.2.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.2\n")
    lines = "\n".join(f"{name} = {value}" for name, value in points.items())
    (info / "entry_points.txt").write_text(f"[orch_tui.gates]\n{lines}\n")


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.syspath_prepend(str(tmp_path))
    return tmp_path


def test_what_we_ship_comes_in_by_the_same_door() -> None:
    assert {"builtin", "command"} <= set(names(BACKENDS))
    assert names(RUNNERS)["local"].startswith("orch-tui ")


def test_listing_imports_nothing() -> None:
    code = (
        "import sys; from orch_tui.adapters.plugins import *; print(len(names(BACKENDS)));"
        "print([m for m in sys.modules if m.startswith('orch_tui.builtins')])"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.split("\n")[1] == "[]"


def test_a_plug_in_of_a_stranger_is_listed_and_loaded(site: Path) -> None:
    (site / "their_gate_a.py").write_text(MODULE)
    install(site, "their-gate-a", {"fits": "their_gate_a:Fits", "silent": "their_gate_a:Silent"})
    assert names(GATES)["fits"] == "their-gate-a 1.2"
    assert load(GATES, "fits", api_version=1).name == "fits"
    assert load(GATES, "silent", api_version=1).name == "silent"


@pytest.mark.parametrize(
    ("name", "title", "detail"),
    [
        ("old", "made for another plug-in API", "their-gate-b 1.2 is made for version 0; this is version 1"),
        ("function", "is not a class", "their_gate_b:function"),
        ("missing", "cannot be loaded", "AttributeError"),
        ("nowhere", "cannot be loaded", "ModuleNotFoundError"),
        ("raises", "cannot be loaded", "ZeroDivisionError"),
        ("commnd", 'there is no gate "commnd"', "installed:"),
    ],
)
def test_a_plug_in_that_cannot_be_used_is_explained(site: Path, name: str, title: str, detail: str) -> None:
    (site / "their_gate_b.py").write_text(MODULE)
    (site / "their_gate_raises.py").write_text("1 / 0\n")
    points = {"old": "their_gate_b:Old", "function": "their_gate_b:function", "missing": "their_gate_b:None_"}
    install(site, "their-gate-b", points | {"nowhere": "no_such_module:X", "raises": "their_gate_raises:X"})
    with pytest.raises(PluginError, match=title) as caught:
        load(GATES, name, api_version=1)
    assert detail in caught.value.detail
    assert caught.value.hint


def test_two_packages_with_one_name_are_refused(site: Path) -> None:
    install(site, "their-gate-c", {"twin": "c:C"})
    install(site, "their-gate-d", {"twin": "d:D"})
    with pytest.raises(PluginError, match="installed twice") as caught:
        load(GATES, "twin", api_version=1)
    assert caught.value.detail == "their-gate-c 1.2 and their-gate-d 1.2"


class Options(Struct, frozen=True):
    argv: tuple[str, ...]
    retries: int = 0


def test_options_are_read_from_their_table() -> None:
    assert read_options(Options, {"argv": ["x"]}, "backends.x") == Options(("x",))
    with pytest.raises(ConfigError, match=r"\[backends\.x\] cannot be used") as caught:
        read_options(Options, {"argvs": []}, "backends.x")
    assert 'backends.x.argvs: unknown key; did you mean "argv"?' in caught.value.detail
