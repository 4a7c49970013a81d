"""Every screen as plain text, at the smallest and at a wide size; the wide ones are the README's pictures."""

from __future__ import annotations

from pathlib import Path

import pytest
from syrupy.assertion import SnapshotAssertion

from orch_tui.model import facts as f
from orch_tui.model.fleet import Fleet
from orch_tui.model.ids import AgentId, Oid, StreamKey
from tests.tui.driver import console
from tests.tui.sample import NOW, ScriptedMission, with_simulated

PICTURES = Path(__file__).parent / "pictures"
PICTURED = ("mission", "review", "train")
SIZES = {"small": (80, 24), "wide": (160, 48)}
AGENT = ("j",) * 9

SCENES: dict[str, tuple[str, ...]] = {
    "mission": AGENT,
    "mission_state": (*AGENT, "s"),
    "mission_diff": (*AGENT, "d"),
    "mission_cost": ("u",),
    "attention": ("2",),
    "review": ("3",),
    "train": ("4", "j", "j", "j", "j"),
    "cost": ("5",),
    "journal": ("6",),
    "help": ("question_mark",),
    "land": ("4", "j", "j", "j", "j", "M"),
    "message": (*AGENT, "m"),
}


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("scene", SCENES)
async def test_screen_looks_as_it_should(
    scene: str, size: str, mission: ScriptedMission, snapshot: SnapshotAssertion
) -> None:
    if scene == "land":
        mission = ready_to_land(mission)
    async with console(mission, SIZES[size]) as person:
        if scene == "journal":
            mission.happen(f.NotesGrew(AgentId("core-services-1"), 1200), f.ProblemSeen("edge-api-1", "odd [output]"))
            await person.idle()
        await person.press(*SCENES[scene])
        assert person.text() == snapshot
        if size == "wide" and scene in PICTURED:
            picture(scene, person.app.screenshot_svg("orch-tui"))


def picture(scene: str, svg: str) -> None:
    path = PICTURES / f"{scene}.svg"
    if not path.exists() or path.read_text() != svg:
        path.write_text(svg)


def ready_to_land(mission: ScriptedMission) -> ScriptedMission:
    for n in (1, 2, 3):
        agent = mission.fleet.agent(f"core-services-{n}")
        assert agent
        head = agent.head if agent.ahead else Oid("ab" * 20)
        mission.happen(
            f.BranchMoved(agent.id, head, True, 1, 1, 5, 1),
            f.VerdictGiven(agent.id, "approved", head),
            f.AgentJudged(agent.id, agent.state.APPROVED, ""),
        )
    return mission


@pytest.mark.parametrize("size", SIZES)
async def test_mission_without_a_plan_says_what_to_do(size: str, snapshot: SnapshotAssertion) -> None:
    async with console(ScriptedMission(Fleet(name="new", target="main")), SIZES[size]) as person:
        assert person.sees("No plan yet", "tasks.md")
        assert person.text() == snapshot


async def test_planned_mission_says_which_key_launches(mission: ScriptedMission) -> None:
    from tests.tui.sample import STREAMS

    async with console(ScriptedMission(Fleet(name="new", streams=STREAMS)), (100, 30)) as person:
        assert person.sees("Nothing is launched", "Press L to launch")


async def test_simulated_mission_says_so_on_every_screen(mission: ScriptedMission) -> None:
    async with console(ScriptedMission(with_simulated(mission.fleet)), (80, 24)) as person:
        for key in "123456":
            await person.press(key)
            assert person.sees("SIMULATED")


async def test_conflict_shows_files_and_both_branches(mission: ScriptedMission, snapshot: SnapshotAssertion) -> None:
    mission.happen(
        f.ConflictFound(
            StreamKey("core-services"), AgentId("core-services-2"), "core-services-1",
            ("ledger/booking.py", "a [b].py"), "orch/core-services/core-services-2",
            "orch/core-services/core-services-1",
        ), at=NOW,
    )  # fmt: skip
    async with console(mission, (160, 48)) as person:
        await person.press("4", "j", "j", "j", "j")
        assert person.sees("orch/core-services/core-services-2", "orch/core-services/core-services-1", "a [b].py")
        assert person.text() == snapshot
