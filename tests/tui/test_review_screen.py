"""Reviewing an agent's work."""

from __future__ import annotations

from orch_tui.model import facts as f
from orch_tui.model import verbs as v
from orch_tui.model.ids import AgentId
from orch_tui.model.states import AgentState
from tests.tui.driver import console
from tests.tui.sample import NOW, ScriptedMission, oid

REVIEWABLE = ("j",) * 10


async def test_enter_on_a_finished_agent_opens_its_diff(mission: ScriptedMission) -> None:
    async with console(mission) as person:
        await person.press(*REVIEWABLE, "enter")
        assert person.sees(
            "◆ review core-services-2", "ledger/booking.py", "+ from ledger.money import Money", "2 files"
        )
        assert person.sees("[bold]not markup[/bold] and no ␛[31mcolour⟨202E⟩")


async def test_approval_names_the_commit_on_the_screen(mission: ScriptedMission) -> None:
    async with console(mission) as person:
        await person.press(*REVIEWABLE, "enter", "a")
        assert mission.asked == [v.Review(verdict="approve", agent="core-services-2", expect=oid(21))]


async def test_changes_need_a_text(mission: ScriptedMission) -> None:
    async with console(mission) as person:
        await person.press("3", "c", "ctrl+s")
        assert person.sees("Changes for core-services-2")
        await person.type("round half even")
        await person.press("ctrl+s")
        assert mission.asked == [
            v.Review(verdict="changes", agent="core-services-2", note="round half even", expect=oid(21))
        ]


async def test_refused_request_for_changes_is_a_sentence(mission: ScriptedMission) -> None:
    mission.happen(f.AgentJudged(AgentId("core-services-2"), AgentState.WORKING, ""))
    async with console(mission) as person:
        await person.press("3", "c")
        assert person.sees("Cannot ask for changes", "Select an agent first")


async def test_rejection_takes_a_reason(mission: ScriptedMission) -> None:
    async with console(mission) as person:
        await person.press("3", "R")
        await person.type("wrong way")
        await person.press("ctrl+s")
        assert mission.asked == [v.Review(verdict="reject", agent="core-services-2", note="wrong way", expect=oid(21))]


async def test_bracket_goes_to_the_next_that_waits(mission: ScriptedMission) -> None:
    mission.happen(f.AgentJudged(AgentId("edge-api-1"), AgentState.REVIEW, ""), at=NOW - 10)
    async with console(mission) as person:
        await person.press("3")
        assert person.sees("core-services-2  15", "1 of 2 in review")
        await person.press("right_square_bracket")
        assert person.sees("edge-api-1  17", "2 of 2 in review")
        await person.press("right_square_bracket")
        assert person.sees("1 of 2 in review")


async def test_file_list_jumps_in_the_diff(mission: ScriptedMission) -> None:
    mission.patch = mission.patch + b" filler\n" * 200
    async with console(mission, (120, 24)) as person:
        await person.press("3", ")")
        assert person.text().splitlines()[4].count("tests/test_booking.py") == 2
        await person.press("(")
        assert "diff --git a/ledger/booking.py" in person.text().splitlines()[4]


async def test_hunk_keys_walk_through_the_blocks(mission: ScriptedMission) -> None:
    mission.patch = mission.patch + b" filler\n" * 200
    async with console(mission, (120, 24)) as person:
        await person.press("3", "}")
        assert "@@ -1,6 +1,8 @@" in person.text().splitlines()[4]
        await person.press("}")
        assert "@@ -20,4 +22,6 @@" in person.text().splitlines()[4]
        await person.press("{")
        assert "@@ -1,6 +1,8 @@" in person.text().splitlines()[4]


async def test_new_commits_are_read_anew(mission: ScriptedMission) -> None:
    async with console(mission) as person:
        await person.press("3")
        mission.patch = mission.patch.replace(b"ZERO", b"NONE")
        mission.happen(f.BranchMoved(AgentId("core-services-2"), oid(77), True, 3, 2, 9, 1))
        await person.idle()
        assert person.sees("NONE = Money(0)", "4d4d4d4d4d  3 commits", "moved on to 4d4d4d4d4d")


async def test_nothing_to_review_says_so(mission: ScriptedMission) -> None:
    mission.happen(f.AgentJudged(AgentId("core-services-2"), AgentState.WORKING, ""))
    async with console(mission, (80, 24)) as person:
        await person.press("3")
        assert person.sees("Nothing waits for review", "comes here.")
        await person.press("a")
        assert person.sees("Select an agent or a stream first")
