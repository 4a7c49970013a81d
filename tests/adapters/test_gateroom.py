"""Gates in a room of their own: what they see, what they may break, and that nothing of them stays."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import psutil
import pytest

from orch_tui.adapters.gateroom import GateRoom
from orch_tui.adapters.git.repository import GitRepository
from orch_tui.api import API_VERSION
from orch_tui.model.ids import Oid
from orch_tui.model.running import GateResult
from orch_tui.model.settings import Duration, GateSettings
from orch_tui.testing.repo import RepoBuilder

Run = Callable[..., Awaitable[GateResult]]
SECRET = "key of the operator"


@pytest.fixture
async def run(tmp_path: Path) -> AsyncIterator[Run]:
    """Runs a shell script as a gate on a small repository."""
    repo = RepoBuilder(tmp_path / "repo")
    commit = repo.file("kept.txt", "kept\n").file("tool.sh", "echo tool\n", executable=True).commit()
    git = await GitRepository.open(repo.path, tmp_path / "state")
    gates: dict[str, GateSettings] = {}
    env = {"PATH": "/usr/bin:/bin", "ANTHROPIC_API_KEY": SECRET, "GIT_DIR": "/nowhere"}
    room = GateRoom(tmp_path / "gates", git.export, git.unchanged, lambda: gates, env, api_version=API_VERSION)

    async def ran(script: str, *, name: str = "tests", seconds: int = 20, argv: tuple[str, ...] = ()) -> GateResult:
        gates[name] = GateSettings(argv=argv or ("sh", "-c", script), timeout=Duration(seconds))
        return await asyncio.wait_for(room.run(name, Oid(commit), Oid(commit)), 40)

    yield ran
    await git.close()


async def test_a_gate_sees_exactly_the_tree_and_nothing_of_the_operators_environment(run: Run):
    result = await run("cat kept.txt; ./tool.sh; ls -A; env")
    assert result.status == "passed"
    assert result.log.startswith("kept\ntool\nkept.txt\ntool.sh\n")
    assert SECRET not in result.log
    assert "GIT_DIR" not in result.log


@pytest.mark.parametrize(
    ("script", "status"),
    [
        ("exit 1", "failed"),
        ("echo more >>kept.txt", "failed"),
        ("rm kept.txt", "failed"),
        ("chmod -x tool.sh", "failed"),
        ("echo cache >untracked", "passed"),
    ],
)
async def test_what_a_gate_says_and_what_it_leaves_decide(run: Run, script: str, status: str):
    assert (await run(script)).status == status


async def test_each_run_begins_with_a_clean_room(run: Run):
    await run("echo x >left; mkdir d; chmod 500 d")
    assert (await run("test ! -e left && test ! -e d")).status == "passed"


async def test_a_missing_tool_is_an_error_not_a_verdict(run: Run):
    result = await run("", argv=("no-such-tool-here",))
    assert result.status == "error"
    assert "no-such-tool-here" in result.summary


async def test_a_gate_that_hangs_ends_with_all_its_children(run: Run, tmp_path: Path):
    marker = "4713.25"
    result = await run(f"trap '' TERM INT; sleep {marker} & setsid sleep {marker} & sleep {marker}", seconds=1)
    assert result.status == "timeout"
    assert result.seconds < 20
    assert alive(marker) == []


async def test_what_a_gate_leaves_behind_neither_holds_it_up_nor_stays(run: Run):
    marker = "4714.25"
    result = await run(f"setsid sleep {marker} & echo done")
    assert (result.status, result.log) == ("passed", "done\n")
    assert alive(marker) == []


async def test_endless_output_is_read_and_its_end_kept(run: Run):
    result = await run("yes line | head -c 20000000; echo the end; printf '\\377\\033[31m'")
    assert result.status == "passed"
    assert "the end" in result.log
    assert len(result.log) < 1_000_000


async def test_a_gate_that_is_not_configured_or_not_installed_is_an_error(run: Run, tmp_path: Path):
    room = GateRoom(tmp_path / "other", None, None, lambda: {}, {}, api_version=API_VERSION)
    assert (await room.run("unknown", Oid(""), Oid(""))).status == "error"
    strange = {"strange": GateSettings(plugin="nowhere")}
    room = GateRoom(tmp_path / "other", None, None, lambda: strange, {}, api_version=API_VERSION)
    result = await room.run("strange", Oid(""), Oid(""))
    assert (result.status, "nowhere" in result.summary) == ("error", True)


@pytest.mark.parametrize("name", ["../state", "a/b", "..", "with space", "ünï"])
async def test_a_gates_name_leads_nowhere(run: Run, tmp_path: Path, name: str):
    before = sorted((tmp_path / "state").rglob("*"))
    assert (await run("test -f kept.txt", name=name)).status == "passed"
    assert [p for p in before if not p.exists()] == []
    assert {p.parent for p in tmp_path.glob("gates/*")} <= {tmp_path / "gates"}


async def test_gates_run_one_at_a_time(run: Run, tmp_path: Path):
    log = tmp_path / "log"
    await asyncio.gather(*(run(f"echo in >>{log}; sleep 0.1; echo out >>{log}", name=f"g{n}") for n in range(3)))
    assert log.read_text().split() == ["in", "out"] * 3


def alive(marker: str) -> list[int]:
    return [p.pid for p in psutil.process_iter(["cmdline"]) if marker in " ".join(p.info["cmdline"] or ())]
