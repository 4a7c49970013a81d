"""What each process loads: a fresh interpreter does its work, then `sys.modules` is checked."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

HEAVY = ("git", "anthropic", "aiohttp", "pydantic", "watchfiles", "textual", "rich")
SCREEN = ("textual", "rich")

COLD = """
import json, sys
{work}
print(json.dumps(sorted(sys.modules)))
"""

HELP = """
import contextlib, io
from orch_tui import main
with contextlib.redirect_stdout(io.StringIO()), contextlib.suppress(SystemExit):
    sys.argv = ["orch-tui", "--help"]
    main.main()
"""

NO_ENGINE = """
import asyncio, contextlib
from pathlib import Path
from orch_tui.model.errors import OrchError
from orch_tui.wiring.client import connect
with contextlib.suppress(OrchError):
    asyncio.run(connect(Path({place!r}), start_engine=False))
"""

OFFLINE = """
import asyncio
from pathlib import Path
from orch_tui.wiring.offline import view
asyncio.run(asyncio.wait_for(view(Path({place!r})), 30))
"""

PROCESSES = {
    "the command line's help": (HELP, (*HEAVY, "asyncio", "msgspec.json", "orch_tui.wiring")),
    "the client": (NO_ENGINE, (*HEAVY, "sqlite3", "orch_tui.engine.server")),
    "looking without an engine": (OFFLINE, (*SCREEN, "anthropic", "pydantic", "git", "aiohttp")),
    "the engine": ("import orch_tui.wiring.engine", (*SCREEN, "anthropic", "pydantic")),
    "the meter": ("import orch_tui.wiring.meter", (*SCREEN, "git", "watchfiles", "anthropic", "orch_tui.engine")),
    "an agent's supervisor": ("import orch_tui.builtins.runners.agentd", (*HEAVY, "msgspec", "asyncio")),
}


@pytest.fixture
def repository(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", tempfile.mkdtemp(prefix="orch-h-", dir=tmp_path))
    place = tmp_path / "repository"
    subprocess.run(["git", "init", "-q", str(place)], check=True)
    return place


def loaded(work: str) -> frozenset[str]:
    done = subprocess.run([sys.executable, "-c", COLD.format(work=work)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return frozenset(json.loads(done.stdout.splitlines()[-1]))


@pytest.mark.parametrize("process", PROCESSES)
def test_a_process_loads_only_what_it_uses(process, repository):
    work, unwanted = PROCESSES[process]
    if "{place" in work:
        work = work.format(place=str(repository))
    modules = loaded(work)
    assert [name for name in unwanted if name in modules] == []


def test_importing_anything_touches_nothing(tmp_path):
    """Each module is imported where no file may be opened for writing, no process started, nothing connected to."""
    package = Path(__file__).parents[2] / "src" / "orch_tui"
    modules = [
        ".".join(path.relative_to(package.parent).with_suffix("").parts)
        for path in sorted(package.rglob("*.py"))
        if path.name not in ("__main__.py", "__init__.py") and "library" not in path.parts
    ]
    work = f"""
import importlib, pathlib
seen = []
def watch(event, args):
    if event in ("subprocess.Popen", "os.posix_spawn", "os.fork", "socket.connect", "os.mkdir", "os.remove"):
        seen.append((event, str(args)))
    elif event == "open" and isinstance(args[1], str) and set(args[1]) & set("wax+"):
        seen.append((event, str(args)))
sys.dont_write_bytecode = True
sys.addaudithook(watch)
for name in {modules!r}:
    importlib.import_module(name)
    ours = [event for event in seen if "__pycache__" not in event[1]]
    assert not ours, (name, ours)
"""
    loaded(work)
