"""Fifty agents from the first command to the last landing, by command line only."""

from __future__ import annotations

import json
import re

import pytest

from tests.fleet import NOBODY, Mission, plan
from tests.stories.conftest import MakeMission

pytestmark = [pytest.mark.story, pytest.mark.timeout(300)]

STREAMS = {
    "Infrastructure": [3, 3, 2, 2],
    "Core Services": [4, 3, 3, 2, 2, 1],
    "API & Integration": [3, 2, 2, 1],
    "Security & Compliance": [2, 2, 2, 2, 2],
    "Operations": [3, 2, 2],
}
KEYS = ("infrastructure", "core-services", "api-integration", "security-compliance", "operations")

AGENT = """\
#!/bin/sh
# One agent's work: a note, a file of its own, a commit, a report.
set -e
printf '# %s\\nI read %s.\\n' "$ORCH_AGENT" "$1" >>"$2"
mkdir -p work
sed -n 1p "$1" >"work/$ORCH_AGENT.md"
git add work
git commit -q -m "Do the part of $ORCH_AGENT"
printf 'Committed %s.\\n' "$(git rev-parse HEAD)" >>"$2"
orch-report done "work/$ORCH_AGENT.md is there"
"""


@pytest.fixture
def mission(make_mission: MakeMission) -> Mission:
    """An operator's repository: a plan and a script of their own, the rest by `init`."""
    mission = make_mission()
    mission.repo.file("README.md", "# Settlement\n").commit("Begin")
    mission.repo.file("tasks.md", plan(STREAMS)).file("scripts/agent.sh", AGENT)
    mission.ok("init")
    settings = mission.root / "orch.toml"
    text = re.sub(r"(?m)^backend = .*$", 'backend = "command"', settings.read_text())
    argv = ["sh", "{repository}/scripts/agent.sh", "{task_file}", "{notes_file}"]
    settings.write_text(f'{text}\n[backends.command]\nargv = {json.dumps(argv)}\n\n[meter]\nupstream = "{NOBODY}"\n')
    mission.repo.commit("Plan the platform")
    return mission


def test_fifty_agents_land_stream_by_stream(mission: Mission) -> None:
    checked = mission.json("tasks", "check")
    assert (checked["agents"], checked["size"], checked["problems"]) == (50, "enterprise", [])

    mission.ok("launch", "--yes")
    mission.ok("wait", "--timeout", "120", timeout=150)
    early = mission.run("merge", "--stream", "operations", "--yes")
    assert early.returncode == 1
    assert "waits for" in early.stderr

    for number, key in enumerate(KEYS, start=1):
        mission.ok("review", "--stream", str(number), "--approve", "--yes")
        mission.ok("merge", "--stream", key, "--yes")
    mission.ok("wait", "--until", "landed", "--timeout", "10")

    status = mission.json("status")
    batches = sorted(status["batches"], key=lambda batch: batch["at"])
    assert tuple(batch["stream"] for batch in batches) == KEYS
    assert [len(batch["agents"]) for batch in batches] == [10, 15, 8, 10, 7]
    assert status["totals"]["states"] == {"landed": 50}
    tags = mission.repo.git("tag", "--list", "pre-feature-batch-*").split()
    assert sorted(batch["tag"] for batch in batches) == sorted(tags)
    assert len(mission.repo.git("ls-tree", "--name-only", "main", "work/").split()) == 50
    assert mission.repo.status() in ("", " M tasks.md")
    assert "core-services-15" in mission.ok("notes", "core-services-15")
    mission.ok("audit", "verify")
