"""The demo plays to its end where nothing of ours was ever before."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from orch_tui.testing.repo import RepoBuilder
from tests.fleet import Home
from tests.stories.conftest import MakeHome

pytestmark = pytest.mark.story


def test_the_demo_lands_every_stream_in_order_and_pays_for_it(make_home: MakeHome, tmp_path: Path) -> None:
    home: Home = make_home()
    kept = tmp_path / "kept"
    done = home.run("demo", "--headless", "--dir", str(kept), "--json", cwd=tmp_path, timeout=150)
    assert done.returncode == 0, done.stdout + done.stderr
    story = json.loads(done.stdout)

    assert story["ok"]
    assert story["simulated"]
    assert [batch["stream"] for batch in story["landed"]] == ["infrastructure", "backend", "api"]
    assert len(story["rolled_back"]) == 1
    assert story["requests"] > 8
    assert story["usd"] > 0
    assert story["verified"]

    repo = RepoBuilder.at(Path(story["repository"]))
    assert repo.head("main") == story["landed"][-1]["commit"]
    for batch in story["landed"]:
        assert batch["tag"].startswith("pre-feature-batch-")
        assert repo.git("merge-base", "--is-ancestor", batch["tag"], batch["commit"]) == ""
    assert repo.status() == ""
    agents = sorted(agent for batch in story["landed"] for agent in batch["agents"])
    assert agents == [*("api-1", "api-2"), *(f"{s}-{n}" for s in ("backend", "infrastructure") for n in (1, 2, 3))]
