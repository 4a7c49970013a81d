"""The script that agents report with, run by the shells that are there."""

from __future__ import annotations

import datetime
import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

import orch_tui.adapters

SCRIPT = Path(orch_tui.adapters.__file__).parent / "orch_report.sh"
SHELLS = [shell for shell in ("sh", "dash", "bash", "busybox") if shutil.which(shell)]


@pytest.fixture(params=SHELLS)
def report(request, tmp_path):
    shell = [request.param, "sh"] if request.param == "busybox" else [request.param]
    orch = tmp_path / "work tree" / ".orch"
    orch.parent.mkdir()
    env = {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        "ORCH_RUN": "abc.1",
        "ORCH_DIR": str(orch),
        "LANG": "C.UTF-8",
    }

    def run(*arguments: str | bytes, cwd: Path = tmp_path, status: int = 0, **more: str) -> dict[str, object]:
        done = subprocess.run(
            [*shell, str(SCRIPT), *arguments], cwd=cwd, env=env | more, capture_output=True, check=False
        )
        assert done.returncode == status, done.stderr
        if status:
            return {"stderr": done.stderr}
        (left,) = orch.iterdir()
        return json.loads(left.read_bytes())

    run.orch = orch
    return run


def test_whole_claim(report):
    git = ["git", "-C", str(report.orch.parent), "-c", "user.name=t", "-c", "user.email=t@example.org"]
    subprocess.run([*git, "init", "-q"], check=True)
    subprocess.run([*git, "commit", "-q", "--allow-empty", "-m", "x"], check=True)
    head = subprocess.run([*git, "rev-parse", "HEAD"], check=True, capture_output=True, text=True).stdout.strip()
    claim = report("done", "all", "of it")
    at = datetime.datetime.fromisoformat(str(claim.pop("at")))
    assert abs((datetime.datetime.now(datetime.UTC) - at).total_seconds()) < 60
    assert claim == {"v": 1, "run": "abc.1", "state": "done", "commit": head, "summary": "all of it"}


@pytest.mark.parametrize(
    ("summary", "shown"),
    [
        ('say "hi" \\ there', 'say "hi" \\ there'),
        ("two\nlines\tand\rmore\x01\x1b[31m", "two lines and more  [31m"),
        ("äöü 🎉 {x} %s %d \\n $(id) `id`", "äöü 🎉 {x} %s %d \\n $(id) `id`"),
        ("-n", "-n"),
        ("", ""),
        ("é🎉" * 400, "é🎉" * 250),
        (b"latin \xe9 end", "latin  end"),
        ('"' * 600, '"' * 500),
    ],
)
def test_any_summary_is_one_line_of_json(report, summary, shown):
    assert report("blocked", summary)["summary"] == shown


def test_without_a_repository_or_a_summary(report):
    assert report("working") | {"at": ""} == {
        "v": 1,
        "run": "abc.1",
        "state": "working",
        "at": "",
        "commit": "",
        "summary": "",
    }


@pytest.mark.parametrize("arguments", [(), ("nope", "x"), ("",), ("--help",)])
def test_usage(report, arguments):
    assert b"usage: orch-report" in report(*arguments, status=2)["stderr"]


def test_without_orch_dir_it_is_below_the_working_directory(report):
    report("failed", "x", cwd=report.orch.parent, ORCH_DIR="")
    assert (report.orch / "status.json").exists()
