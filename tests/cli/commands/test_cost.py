from __future__ import annotations

import json

from msgspec.structs import replace

from orch_tui.model.fleet import Budget


def test_json_has_agents_streams_models_total_and_budget(run, snapshot):
    assert run("cost", "--json").stdout == snapshot


def test_text(run, snapshot):
    assert run("cost").stdout == snapshot


def test_the_whole_is_the_sum_of_its_parts(run):
    costs = json.loads(run("cost", "--json").stdout)
    for field in ("usd", "usd_today", "usd_per_hour"):
        total = costs["total"][field]
        assert total == sum(each["cost"][field] or 0 for each in costs["streams"])
        assert total == sum(each["cost"][field] or 0 for each in costs["agents"])


def test_doubtful_figures_are_marked(run, mission):
    def doubt(agent):
        return replace(agent, spend=replace(agent.spend, estimated=True, unpriced=True))

    mission.fleet = mission.fleet.with_agent("api-1", doubt)
    (row,) = [line for line in run("cost").stdout.splitlines() if "api-1" in line]
    assert row.endswith("~ ?")


def test_an_alert_and_a_missing_limit_are_told(run, mission):
    mission.fleet = replace(mission.fleet, budget=replace(mission.fleet.budget, alerted_day="2027-01-15"))
    assert "ALERT" in run("cost").stdout
    mission.fleet = replace(mission.fleet, budget=Budget())
    assert json.loads(run("cost", "--json").stdout)["budget"]["daily_usd"] is None


def test_an_unmetered_mission_says_so(run, mission):
    mission.fleet = replace(mission.fleet, metered=False)
    assert "Nothing is metered" in run("cost").stdout
