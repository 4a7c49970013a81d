"""The built-in agent as a process of its own, against a scripted model, in a real worktree."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

import orch_tui.adapters
from orch_tui.builtins.agent.__main__ import main
from orch_tui.builtins.runners.agentd import start_of
from tests.builtins.model_server import ModelServer, say, use

SCRIPT = Path(orch_tui.adapters.__file__).parent / "orch_report.sh"


@pytest.fixture
def worktree(tmp_path: Path) -> Path:
    root = tmp_path / "work tree"
    (root / ".orch" / "inbox").mkdir(parents=True)
    git = ["git", "-c", "user.name=t", "-c", "user.email=t@example.org"]
    subprocess.run([*git, "init", "-q"], cwd=root, check=True)
    (root / "README.md").write_text("hello\n")
    (root / ".gitignore").write_text(".orch\nTASK.md\nAGENT_NOTES.md\n")
    subprocess.run([*git, "add", "."], cwd=root, check=True)
    subprocess.run([*git, "commit", "-qm", "start"], cwd=root, check=True)
    (root / "TASK.md").write_text("# Say goodbye\n")
    (root / ".orch" / "BLUEPRINT.md").write_text("Be brief.\n")
    bin_dir = tmp_path / "bin"
    bin_dir.mkdir()
    shutil.copy(SCRIPT, bin_dir / "orch-report")
    return root


def environment(root: Path, url: str) -> dict[str, str]:
    return {
        "PATH": f"{root.parent / 'bin'}:{os.environ['PATH']}",
        "HOME": str(root.parent),
        "ORCH_RUN": "abc.1",
        "ORCH_DIR": str(root / ".orch"),
        "ANTHROPIC_BASE_URL": url,
    }


def arguments(root: Path) -> list[str]:
    places = [f"--worktree={root}", f"--task-file={root / 'TASK.md'}", f"--notes-file={root / 'AGENT_NOTES.md'}"]
    return ["--model=m", "--retries=0", *places]


@pytest.fixture
def run(worktree: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    """Runs the agent's main function to its end: exit status and what it printed."""

    def run(url: str, *extra: str) -> tuple[int, str]:
        for name, text in environment(worktree, url).items():
            monkeypatch.setenv(name, text)
        code = main([*arguments(worktree), *extra])
        return code, capsys.readouterr().out

    return run


def claim(root: Path) -> dict[str, Any]:
    return json.loads((root / ".orch" / "status.json").read_text())


def results(request: dict[str, Any]) -> list[str]:
    return [block.get("content", block.get("text")) for block in request["messages"][-1]["content"]]


def test_it_works_with_its_tools_and_reports(worktree: Path, run) -> None:
    commit = ["git", "-c", "user.name=a", "-c", "user.email=a@example.org", "commit", "-qam", "goodbye"]
    with ModelServer(
        [say("I look first."), use("list_files", path="."), use("read_file", path="README.md")],
        [
            use("edit_file", path="README.md", old="hello", new="goodbye"),
            use("write_file", path="a/b.txt", content="x\n"),
        ],
        [use("search", pattern="good.ye", path="."), use("note", text="changed the greeting")],
        [use("run_command", argv=["git", "add", "a"]), use("run_command", argv=commit)],
        [use("report", state="done", summary='said "goodbye"')],
    ) as server:
        code, out = run(server.url)
    assert code == 0, out
    head = subprocess.run(["git", "rev-parse", "HEAD"], cwd=worktree, capture_output=True, text=True, check=True)
    assert claim(worktree) | {"at": ""} == {
        **{"v": 1, "run": "abc.1", "state": "done", "at": "", "commit": head.stdout.strip()},
        "summary": 'said "goodbye"',
    }
    assert (worktree / "AGENT_NOTES.md").read_text() == "changed the greeting\n"
    first = server.asked[0]
    assert "# Say goodbye" in first["messages"][0]["content"][0]["text"]
    assert "Be brief." in first["system"][0]["text"]
    assert {tool["name"] for tool in first["tools"]} == {
        *("read_file", "write_file", "edit_file", "list_files", "search", "run_command", "note", "report")
    }
    assert results(server.asked[1])[1] == "hello\n"
    assert "README.md:1:goodbye" in results(server.asked[3])[0]
    assert server.paths[0].startswith("/r/token/v1/messages")
    assert "tool: read_file README.md" in out
    assert "say: I look first." in out


def test_paths_that_lead_out_are_refused(worktree: Path, run) -> None:
    (worktree / "door").symlink_to(worktree.parent)
    (worktree.parent / "secret").write_text("s3cret")
    bad = ["../secret", "/etc/passwd", "door/secret", ".git/config", "a/../../secret", ".GIT/config", "x\0y"]
    reads = [use("read_file", path=path) for path in bad]
    writes = [use("write_file", path=path, content="x") for path in [*bad, ".orch/status.json"]]
    with ModelServer([*reads, *writes], [use("report", state="failed", summary="locked in")]) as server:
        code, _ = run(server.url)
    assert code == 1
    blocks = server.asked[1]["messages"][-1]["content"]
    assert len(blocks) == len(reads) + len(writes)
    assert all(block["is_error"] for block in blocks)
    assert (worktree.parent / "secret").read_text() == "s3cret"


def test_bad_calls_are_answers_not_ends(worktree: Path, run) -> None:
    calls = [
        use("nonsense"),
        use("read_file"),
        use("read_file", path="missing"),
        use("run_command", argv=[]),
        use("run_command", argv=["no-such-program"]),
        use("edit_file", path="README.md", old="l", new="L"),
        use("report", state="great", summary=""),
        use("search", pattern="(", path="."),
    ]
    with ModelServer(calls, [use("report", state="done", summary="ok")]) as server:
        code, _ = run(server.url)
    assert code == 0
    assert all(block["is_error"] for block in server.asked[1]["messages"][-1]["content"])


def test_commands_are_limited_and_leave_nothing(worktree: Path, run) -> None:
    script = (
        "import os,time,sys; print(os.environ['ORCH_RUN'], os.environ.get('ANTHROPIC_BASE_URL')); sys.stdout.flush()"
    )
    with ModelServer(
        [
            use("run_command", argv=[sys.executable, "-c", script + "; time.sleep(60)"]),
            use("run_command", argv=["sh", "-c", "sleep 300 & echo $! > child; yes | head -c 200000"]),
            use("run_command", argv=["touch", "x"]),
        ],
        [use("report", state="done", summary="ok")],
    ) as server:
        code, _ = run(server.url, "--command-timeout=1", f"--allow={Path(sys.executable).name}", "--allow=sh")
    assert code == 0
    slow, loud, barred = server.asked[1]["messages"][-1]["content"]
    assert slow["content"] == "[time was up]\nabc.1 None\n"
    assert len(loud["content"]) < 40_000
    assert "may not be run here" in barred["content"]
    child = int((worktree / "child").read_text())
    until = time.monotonic() + 10
    while start_of(child) and time.monotonic() < until:
        time.sleep(0.01)
    assert not start_of(child)


def test_blocked_waits_for_an_answer_and_goes_on_with_it(worktree: Path) -> None:
    (worktree / "json.py").write_text("raise SystemExit('a module of the worktree was imported')")
    with (
        ModelServer(
            [use("report", state="blocked", summary="which colour?")],
            [use("report", state="done", summary="blue it is")],
        ) as server,
        subprocess.Popen(
            [sys.executable, "-P", "-m", "orch_tui.builtins.agent", *arguments(worktree)],
            cwd=worktree,
            env=environment(worktree, server.url),
            stdout=subprocess.PIPE,
            text=True,
        ) as agent,
    ):
        assert agent.stdout
        for line in agent.stdout:
            if line.startswith("waiting:"):
                break
        assert claim(worktree)["state"] == "blocked"
        draft = worktree / ".orch" / "inbox" / ".0001"
        draft.write_text(json.dumps({"v": 1, "id": 1, "text": "blue"}))
        draft.rename(worktree / ".orch" / "inbox" / "0001.json")
        agent.communicate(timeout=60)
    assert agent.returncode == 0
    assert results(server.asked[1])[-1] == "blue"
    assert claim(worktree)["state"] == "done"


def test_messages_that_came_while_it_was_away_open_the_talk_once(worktree: Path, run) -> None:
    (worktree / ".orch" / "inbox" / "0002.json").write_text('{"v": 1, "id": 2, "text": "use tabs"}')
    (worktree / ".orch" / "inbox" / "0003.json").write_text('{"v": 1, "id": 3, "text": "goodbye"}')
    (worktree / ".orch" / "inbox" / "0001.json").write_text("torn{")
    for expected in (["# Say goodbye\n", "use tabs"], ["# Say goodbye\n"]):
        with ModelServer([use("report", state="done", summary="ok")]) as server:
            run(server.url)
        assert results(server.asked[0]) == expected


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ((402, "orch-tui: daily budget"), "the budget is used up (402)"),
        ((401, "who are you"), "does not accept this agent's token (401)"),
        ((500, "oh"), "the model API answered 500"),
        ("cut", "the model's answer broke off"),
    ],
)
def test_api_errors_are_reported_as_failed(worktree: Path, answer: Any, words: str, run) -> None:
    with ModelServer(answer) as server:
        code, _ = run(server.url)
    assert code == 1
    assert claim(worktree)["state"] == "failed"
    assert words in claim(worktree)["summary"]


def test_a_broken_answer_is_asked_for_again(worktree: Path, run) -> None:
    with ModelServer("cut", [use("report", state="done", summary="ok")]) as server:
        code, _ = run(server.url, "--retries=1")
    assert code == 0
    assert server.asked[0] == server.asked[1]


def test_no_meter_no_task_no_end(worktree: Path, run) -> None:
    run("")
    assert "no meter" in claim(worktree)["summary"]
    run("http://127.0.0.1:9/r/t")
    assert "cannot be reached at 127.0.0.1:9" in claim(worktree)["summary"]
    with ModelServer() as server:
        code, _ = run(server.url)
    assert code == 1
    assert "without a report" in claim(worktree)["summary"]
    with ModelServer(*[[use("list_files", path=".")]] * 3) as server:
        run(server.url, "--max-turns=2")
    assert "not finished after 2 turns" in claim(worktree)["summary"]
    (worktree / "TASK.md").unlink()
    run("http://127.0.0.1:9/r/t")
    assert "no task" in claim(worktree)["summary"]
