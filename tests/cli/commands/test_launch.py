from __future__ import annotations

import json

import pytest
from msgspec.structs import replace

from orch_tui.model.ids import AgentId
from orch_tui.model.problem import Problem
from orch_tui.model.verbs import Launch, Launched, Restart, Waiting

LAUNCHED = Launched((AgentId("web-1"),), (Waiting(AgentId("web-2"), "web waits for api"),))


def test_without_yes_it_prints_agents_limit_and_reference(run, mission, snapshot):
    result = run("launch")
    assert result.exit_code == 1
    assert result.stdout == snapshot
    assert "add --yes" in result.stderr
    assert mission.done == []


def test_the_plan_in_json_counts_only_those_that_can_run_at_once(run, mission):
    mission.fleet = replace(mission.fleet, max_running=1)
    plan = json.loads(run("launch", "--stream", "web", "--json").stdout)
    assert plan["agents"] == ["web-1"]
    assert (plan["running"], plan["max_running"], plan["usd_per_hour"]) == (1, 1, 0.0)


def test_yes_launches_and_says_what_waits_and_why(run, mission):
    mission.answers[Launch] = LAUNCHED
    result = run("launch", "--stream", "3", "--yes")
    assert result.exit_code == 0
    assert result.stdout == "Started 1 agent.\n  web-1\nWaiting:\n  web-2: web waits for api\n"
    assert mission.done == [(Launch(stream="3"), "")]


def test_the_answer_in_json(run, mission):
    mission.answers[Launch] = LAUNCHED
    answer = json.loads(run("launch", "--agent", "web-1", "--yes", "--json").stdout)
    assert answer == {"started": ["web-1"], "waiting": [{"agent": "web-2", "why": "web waits for api"}]}


def test_what_cannot_be_launched_is_refused_with_the_reason(run):
    for args, reason in (
        (["--agent", "api-2"], "api-2 is blocked; nothing to launch"),
        (["--agent", "x-1"], "there is no agent 'x-1'"),
        (["--stream", "infra"], "infra-1 is landed"),
    ):
        for way in ([], ["--yes"]):
            result = run("launch", *args, *way)
            assert result.exit_code == 1
            assert reason in result.stderr


def test_restart_says_who_starts_again(run, mission):
    mission.answers[Restart] = Launched((AgentId("api-2"),))
    assert run("restart", "api-2").stdout == "api-2 starts again.\n"
    assert run("restart", "web-1").exit_code == 1
    assert "was never launched" in run("restart", "web-1").stderr


@pytest.mark.parametrize("yes", [[], ["--yes"]])
def test_files_that_cannot_work_stop_a_launch_before_it(run, mission, doors, yes):
    doors.complaints = (Problem("orch.toml", 2, "no such backend"), Problem("tasks.md", 0, "no title", "warning"))
    result = run("launch", *yes)
    assert (result.exit_code, result.stdout, mission.done, doors.opened) == (2, "", [], [])
    assert result.stderr == "orch.toml:2: no such backend\ntasks.md: warning: no title\n"
