"""What reading the plan again keeps, adds and drops."""

from __future__ import annotations

from msgspec.structs import replace

from orch_tui.core.planning import planned
from orch_tui.model import verbs as v
from orch_tui.model.facts import MissionOpened, PlanLoaded
from orch_tui.model.fleet import Agent, Fleet
from orch_tui.model.ids import AgentId, BatchId
from orch_tui.model.states import AgentState
from orch_tui.model.tasks import Epic, StreamPlan, TaskLine
from tests.core.world import World


def epic(*tasks: tuple[str, int] | TaskLine, key: str = "infra") -> Epic:
    lines = tuple(t if isinstance(t, TaskLine) else TaskLine(t[0], t[1], False, i) for i, t in enumerate(tasks, 3))
    agents = sum(t.agents for t in lines)
    stream = StreamPlan(1, key, "Infra", "infrastructure", agents, (), 2, lines)
    return Epic("Shop", (stream,), "mvp", agents)


def loaded(plan: Epic, fleet: Fleet | None = None, *ran: str) -> Fleet:
    """Returns the fleet after the plan was read; those who ran have a past from then on."""
    fleet = fleet or Fleet()
    fleet = replace(fleet, streams=planned(fleet, plan).streams)
    for name in ran:
        fleet = fleet.with_agent(name, lambda a: replace(a, run="nonce.1", state=AgentState.WORKING))
    return fleet


def ids(fleet: Fleet) -> list[tuple[str, int]]:
    return [(a.id, a.task) for a in fleet.agents()]


def test_a_first_plan_numbers_its_agents_through():
    fleet = loaded(epic(("Network", 2), ("Disks", 1)))
    assert ids(fleet) == [("infra-1", 0), ("infra-2", 0), ("infra-3", 1)]
    assert [a.part for a in fleet.agents()] == ["1/2", "2/2", "1/1"]


def test_the_same_plan_again_changes_nothing():
    fleet = loaded(epic(("Network", 2), ("Disks", 1)), None, "infra-2")
    assert loaded(epic(("Network", 2), ("Disks", 1)), fleet).streams == fleet.streams


def test_agents_of_a_task_that_moves_keep_their_past():
    fleet = loaded(epic(("Network", 1), ("Disks", 1)), None, "infra-2")
    again = loaded(epic(("Disks", 1), ("Network", 1)), fleet)
    assert ids(again) == [("infra-2", 0), ("infra-1", 1)]
    assert again.agent("infra-2").run == "nonce.1"


def test_a_new_task_gets_an_id_that_nobody_has():
    fleet = loaded(epic(("Network", 2), ("Disks", 1)), None, "infra-3")
    again = loaded(epic(("Disks", 1), ("Racks", 2)), fleet)
    names = [a.id for a in again.agents()]
    assert len(set(names)) == len(names) == 3
    assert again.agent("infra-3").run == "nonce.1"


def test_a_plan_edited_before_anything_ran_still_counts_from_one():
    fleet = loaded(epic(("Netwrok", 2)))
    assert ids(loaded(epic(("Network", 2)), fleet)) == [("infra-1", 0), ("infra-2", 0)]


def test_an_agent_of_a_renamed_task_stays_without_a_task_and_the_new_title_gets_its_own():
    fleet = loaded(epic(("Network", 1)), None, "infra-1")
    again = loaded(epic(("Networks", 1)), fleet)
    assert ids(again) == [("infra-2", 0), ("infra-1", -1)]


def test_fewer_agents_drop_only_who_never_ran():
    fleet = loaded(epic(("Network", 3)), None, "infra-3")
    assert ids(loaded(epic(("Network", 1)), fleet)) == [("infra-1", 0), ("infra-3", 0)]


def test_an_agent_with_a_branch_but_no_run_is_not_dropped():
    fleet = loaded(epic(("Network", 1)))
    fleet = fleet.with_agent("infra-1", lambda a: replace(a, branch="orch/infra/infra-1", worktree="/w"))
    assert ids(loaded(epic(("Disks", 1)), fleet)) == [("infra-2", 0), ("infra-1", -1)]


def test_a_ticked_task_without_agents_needs_none():
    assert ids(loaded(epic(TaskLine("Network", 2, True, 3)))) == []


def test_a_task_ticked_by_hand_keeps_who_worked_at_it():
    fleet = loaded(epic(("Network", 2)), None, "infra-1")
    assert ids(loaded(epic(TaskLine("Network", 2, True, 3)), fleet)) == [("infra-1", 0), ("infra-2", 0)]


def test_two_tasks_of_one_title_keep_their_own_agents():
    plan = epic(("Network", 1), ("Network", 1))
    fleet = loaded(plan, None, "infra-1", "infra-2")
    assert ids(loaded(plan, fleet)) == [("infra-1", 0), ("infra-2", 1)]


def test_a_task_whose_work_is_all_on_the_target_counts_as_ticked():
    fleet = loaded(epic(("Network", 1)), None, "infra-1")
    fleet = fleet.with_agent("infra-1", lambda a: replace(a, batch=BatchId("20270115-infra-1")))
    assert loaded(epic(("Network", 1)), fleet).streams[0].tasks[0].done


def test_a_stream_that_left_the_plan_stays_while_its_agents_have_a_past():
    fleet = loaded(epic(("Network", 2)), None, "infra-1")
    again = loaded(epic(("Accounts", 1), key="backend"), fleet)
    assert [(s.key, [a.id for a in s.agents]) for s in again.streams] == [
        ("backend", ["backend-1"]),
        ("infra", ["infra-1"]),
    ]
    back = loaded(epic(("Network", 2)), again)
    assert back.agent("infra-1").run == "nonce.1"
    assert ids(back) == [("infra-1", 0), ("infra-2", 0)]


def test_what_a_new_agent_is():
    agent = next(loaded(epic(("Network", 1))).agents())
    assert agent == Agent(id=AgentId("infra-1"), stream="infra", task=0, title="Network", part="1/1")


async def test_a_plan_that_did_not_change_is_recorded_once(world: World):
    await world.open()
    for _ in range(3):
        await world.mission.do(v.LoadPlan())
    assert len(world.facts(PlanLoaded)) == len(world.facts(MissionOpened)) == 1


async def test_a_broken_plan_leaves_the_one_in_force_and_names_every_error(world: World):
    await world.open()
    world.plan("# Epic: Shop\n\n## Stream 1: Infra (9 agents)\n- [ ] Network (1 agent)\n", streams={"nowhere": {}})
    await world.refused(v.LoadPlan(), "tasks.md:3", "nowhere")
    assert world.fleet.epic == "Shop"
    assert len(tuple(world.fleet.agents())) == 3


async def test_an_engine_that_starts_on_a_broken_plan_opens_and_shows_it(world: World):
    world.plan("# Epic: Shop\n\n## Stream 1: Infra (9 agents)\n- [ ] Network (1 agent)\n")
    await world.open()
    assert any("tasks.md" in problem for problem in world.problems)
    assert world.fleet.target == "main"


async def test_a_plan_that_is_a_directory_or_missing_is_a_problem(world: World):
    (world.repo.path / "tasks.md").unlink()
    await world.open()
    await world.refused(v.LoadPlan(), "tasks.md")
    (world.repo.path / "tasks.md").mkdir()
    await world.refused(v.LoadPlan(), "tasks.md")


async def test_settings_of_the_plan_come_into_force(world: World):
    await world.open()
    world.settings["agents"] = {"backend": "command", "max_running": 3}
    world.plan((world.repo.path / "tasks.md").read_text(), budget={"daily_usd": 5, "track": False})
    await world.mission.do(v.LoadPlan())
    assert (world.fleet.max_running, world.fleet.budget.limit) == (3, 5_000_000)
