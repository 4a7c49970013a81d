from __future__ import annotations

import json

from orch_tui.model.verbs import Outcome, StopEngine


def test_status_names_pid_since_socket_and_clients(run):
    answer = json.loads(run("engine", "status", "--json").stdout)
    assert {"pid", "since", "socket", "clients"} <= answer.keys()
    assert (answer["running"], answer["pid"], answer["clients"]) == (True, 4711, 2)
    assert run("engine", "status").stdout == "engine 4711, for 15m, 2 clients, /run/e.sock\n"


def test_no_engine_is_a_negative_answer_and_none_is_started(run, doors):
    doors.runs = False
    result = run("engine", "status", "--json")
    assert (result.exit_code, json.loads(result.stdout)["running"]) == (1, False)
    assert "no engine runs" in result.stderr


def test_stop_ends_it_and_twice_is_no_error(run, mission, doors):
    mission.answers[StopEngine] = Outcome("The engine ends.")
    assert run("engine", "stop").stdout == "The engine ends.\n"
    doors.runs = False
    result = run("engine", "stop")
    assert (result.exit_code, result.stdout) == (0, "No engine runs.\n")
