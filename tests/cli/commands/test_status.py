from __future__ import annotations

import json

from msgspec.structs import replace

from orch_tui.model.errors import EngineAway
from orch_tui.model.facts import AgentJudged, NotesGrew
from orch_tui.model.fleet import Fleet
from orch_tui.model.ids import AgentId
from orch_tui.model.states import AgentState
from orch_tui.model.verbs import AskEngine


def test_json_is_the_tree_that_scripts_rely_on(run, snapshot):
    result = run("status", "--json")
    assert result.exit_code == 0
    assert result.stdout == snapshot


def test_every_agent_has_the_documented_fields(run):
    agents = [a for s in json.loads(run("status", "--json").stdout)["streams"] for a in s["agents"]]
    wanted = {"id", "stream", "task", "branch", "state", "reason", "commit", "usd", "usd_per_hour"}
    assert [a["id"] for a in agents] == ["infra-1", "api-1", "api-2", "web-1"]
    assert all(wanted <= a.keys() for a in agents)


def test_text_shows_streams_agents_money_and_what_waits(run, snapshot):
    result = run("status")
    assert result.exit_code == 0
    assert result.stdout == snapshot


def test_an_agents_control_characters_do_not_reach_the_terminal(run):
    assert "\x1b" not in run("status", color=True).stdout


def test_reading_goes_through_the_view_and_starts_no_engine(run, doors):
    run("-C", "/tmp", "status")
    assert [way for way, _ in doors.opened] == ["view"]
    assert str(doors.opened[0][1]) == "/tmp"


def test_a_mission_without_a_plan_says_so(run, mission):
    mission.fleet = Fleet(name="new", target="main")
    assert "No plan is loaded yet" in run("status").stdout


def test_only_simulated_money_is_marked(run, mission):
    assert "SIMULATED" in run("status").stdout
    mission.fleet = replace(mission.fleet, simulated=False)
    assert "SIMULATED" not in run("status").stdout


def test_watch_prints_a_line_for_each_fact(run, mission, snapshot):
    mission.facts = [AgentJudged(AgentId("api-2"), AgentState.WORKING, "wrote a file"), NotesGrew(AgentId("api-2"), 90)]
    result = run("status", "--watch")
    assert result.stdout.splitlines()[-2:] == snapshot


def test_without_an_engine_the_records_are_shown_and_watching_fails(run, mission):
    mission.answers[AskEngine] = EngineAway("No engine runs")
    result = run("status", "--watch")
    assert result.exit_code == 3
    assert "no engine runs" in result.stdout
    assert "nothing to watch" in result.stderr
    assert json.loads(run("status", "--json").stdout)["engine"] == 0


def test_watch_in_json_is_one_document_a_line(run, mission):
    mission.facts = [NotesGrew(AgentId("api-2"), 90)]
    status, record = map(json.loads, run("status", "--watch", "--json").stdout.splitlines())
    assert status["seq"] == 17
    assert record["seq"] == 18
    assert record["fact"] == {"type": "agent.notes_grew", "agent": "api-2", "to": 90}


def test_reasons_are_whole_where_a_program_reads_them(run, mission):
    reason = "because " * 30 + "of that"
    mission.fleet = mission.fleet.with_agent(AgentId("api-2"), lambda a: replace(a, reason=reason))
    out = run("status").stdout
    assert reason in out
    assert "…" not in out


def test_a_name_stays_on_its_line(run, mission):
    mission.fleet = replace(mission.fleet, name="sh\nop\x1b[2J", epic="")
    assert run("status").stdout.splitlines()[0].startswith("sh␤op␛[2J  main")
