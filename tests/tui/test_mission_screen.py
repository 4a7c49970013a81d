"""The mission screen as its user lives it."""

from __future__ import annotations

from typing import Any

import pytest

from orch_tui.model import facts as f
from orch_tui.model import verbs as v
from orch_tui.model.ids import AgentId
from orch_tui.model.preview import Preview, refusal
from orch_tui.model.states import AgentState
from orch_tui.tui.app import FAREWELL, OrchApp
from tests.tui.driver import Person, console
from tests.tui.sample import NOW, ScriptedMission

WORKING = ("j",) * 9
PLANNED = ("G",)


async def test_row_changes_when_the_agent_does(mission: ScriptedMission) -> None:
    async with console(mission) as person:
        assert "working" in person.line("● core-services-1")
        mission.happen(f.AgentJudged(AgentId("core-services-1"), AgentState.FAILED, "exit 1"))
        await person.idle()
        assert "failed" in person.line("✗ core-services-1")


async def test_cursor_stays_on_its_agent_when_the_plan_grows(mission: ScriptedMission) -> None:
    async with console(mission) as person:
        await person.press(*WORKING)
        fleet = mission.fleet
        first, *others = fleet.streams
        grown = f.PlanLoaded(fleet.epic, fleet.size, (type(first)(
            key="extra", number=0, name="Extra", domain="extra"), first, *others))  # fmt: skip
        mission.happen(grown)
        await person.idle()
        assert person.sees("0 Extra", "╭─ core-services-1 ")


async def test_notes_of_the_selected_agent_show_and_grow(mission: ScriptedMission) -> None:
    async with console(mission) as person:
        await person.press(*WORKING)
        assert person.sees("Notes of core-services-1", "[amounts]")
        mission.write("core-services-1", "notes", "\nAll [green]green[/green]. \x1b[31mDone\x1b[0m\n")
        await person.comes_to_see("All [green]green[/green]. Done")


async def test_notes_stand_still_while_the_reader_has_scrolled_up(mission: ScriptedMission) -> None:
    mission.files["core-services-1", "notes"] = "".join(f"line {i}\n" for i in range(200))
    async with console(mission, (120, 30)) as person:
        await person.press(*WORKING)
        assert person.sees("line 199")
        await person.press("z", "g")
        assert person.sees("line 0")
        mission.write("core-services-1", "notes", "one more\n")
        await person.idle()
        assert person.sees("line 0")
        await person.press("G")
        assert person.sees("one more")


async def test_odd_pages_do_no_harm(mission: ScriptedMission) -> None:
    mission.files["core-services-1", "output"] = "x" * 100_000 + "\r\n\u202eevil\x00 end"
    async with console(mission) as person:
        await person.press(*WORKING, "o")
        assert person.sees("⟨202E⟩evil␀ end")


async def test_launch_makes_the_verb_of_what_is_selected(mission: ScriptedMission) -> None:
    mission.answers[v.Launch] = lambda _: v.Launched((AgentId("edge-api-2"),))
    async with console(mission) as person:
        await person.press(*PLANNED, "l")
        assert mission.asked == [v.Launch(agent="edge-api-2")]
        assert person.sees("starting edge-api-2")


async def test_held_key_acts_once(mission: ScriptedMission) -> None:
    async with console(mission) as person:
        await person.press(*PLANNED)
        await person.hold("l")
        assert mission.asked == [v.Launch(agent="edge-api-2")]


async def test_refusal_says_why(mission: ScriptedMission) -> None:
    async with console(mission) as person:
        await person.press(*WORKING, "l")
        assert mission.asked == []
        assert person.sees("Cannot launch", "core-services-1 is working; nothing to")


async def test_stop_asks_first_and_the_safe_answer_has_the_focus(mission: ScriptedMission) -> None:
    async with console(mission) as person:
        await person.press(*WORKING, "x")
        assert person.sees("Stop core-services-1?", "stop the process", "No, keep it")
        await person.press("enter")
        assert mission.asked == []
        await person.press("x", "y")
        assert mission.asked == [v.Stop(agent="core-services-1")]
        assert mission.agreed[0]


async def test_message_reaches_the_agent(mission: ScriptedMission) -> None:
    async with console(mission) as person:
        await person.press(*WORKING, "m")
        assert person.sees("Message to core-services-1")
        await person.type("use Money")
        await person.press("enter")
        await person.type("please")
        await person.press("ctrl+s")
        assert mission.asked == [v.Say(agent="core-services-1", text="use Money\nplease")]


async def test_message_is_dropped_by_escape(mission: ScriptedMission) -> None:
    async with console(mission) as person:
        await person.press(*WORKING, "m")
        await person.type("never mind")
        await person.press("escape")
        assert mission.asked == []


async def test_filter_keeps_what_matches_and_escape_takes_it_away(mission: ScriptedMission) -> None:
    async with console(mission) as person:
        await person.press("slash")
        await person.type("blocked")
        await person.press("enter")
        assert person.sees("core-services-3")
        assert person.misses("edge-api-1", "infrastructure-1")
        await person.press("slash", "escape")
        assert person.sees("edge-api-1")


async def test_stream_folds_and_unfolds(mission: ScriptedMission) -> None:
    async with console(mission) as person:
        await person.press("j", "space")
        assert person.misses("State backend and locks")
        await person.press("space")
        assert person.sees("State backend and locks")


async def test_enter_on_an_agent_gives_the_keys_to_its_notes(mission: ScriptedMission) -> None:
    async with console(mission, (80, 24)) as person:
        await person.press(*WORKING, "enter")
        assert person.misses("Settlement ledger")
        assert person.sees("Notes of core-services-1")
        await person.press("escape")
        assert person.sees("Settlement ledger")


async def test_lost_engine_is_a_label(mission: ScriptedMission) -> None:
    async with console(mission) as person:
        mission.lose_engine()
        await person.comes_to_see("engine away, reconnecting")
        await person.press("4")
        assert person.sees("engine away, reconnecting")


async def test_quit_leaves_everything_running_and_says_so(mission: ScriptedMission) -> None:
    async with console(mission) as person:
        await person.pilot.press("q")
        await person.pilot.pause()
    assert mission.asked == []
    assert "everything keeps running" in FAREWELL


async def test_palette_finds_a_command(mission: ScriptedMission) -> None:
    mission.answers[v.Launch] = lambda _: v.Launched((AgentId("edge-api-2"),))
    async with console(mission) as person:
        await person.press("ctrl+p")
        await person.type("launch all")
        await person.comes_to_see("start every agent")
        await person.press("enter", "enter")
        await person.idle()
        assert mission.asked == [v.Launch()]


async def test_mouse_selects_and_changes_the_screen(mission: ScriptedMission) -> None:
    async with console(mission) as person:
        await person.pilot.click(offset=(10, 12))
        await person.idle()
        assert person.sees("╭─ core-services-1 ")
        await person.pilot.click(offset=(15, 0))
        await person.idle()
        assert person.sees("Waits for you")


async def test_task_of_several_agents_is_not_taken_for_its_stream(mission: ScriptedMission) -> None:
    async with console(mission) as person:
        await person.press(*["j"] * 8, "x")
        assert mission.asked == []
        assert person.sees("Select an agent or a stream first")


async def test_stop_that_is_refused_opens_no_dialog(mission: ScriptedMission, monkeypatch: pytest.MonkeyPatch) -> None:
    async def gone(_: v.Verb[Any]) -> Preview:
        return refusal("stop", "core-services-1 has no process")

    monkeypatch.setattr(mission, "preview", gone)
    async with console(mission) as person:
        await person.press(*WORKING, "x")
        assert person.sees("Cannot stop", "core-services-1 has no process")
        assert person.misses("No, keep it")


async def test_stop_of_what_has_no_process_is_refused_at_once(mission: ScriptedMission) -> None:
    async with console(mission) as person:
        await person.press(*PLANNED, "x")
        assert person.sees("Cannot stop", "edge-api-2 has no process")
        assert person.misses("No, keep it")


async def test_tab_of_an_agent_asks_for_one_on_other_rows(mission: ScriptedMission) -> None:
    async with console(mission) as person:
        await person.press("j", "n")
        assert person.sees("Select an agent to see its notes")
        await person.press(*["j"] * 7, "o")
        assert person.sees("Select an agent to see its output")


async def test_task_of_one_agent_shows_its_tabs(mission: ScriptedMission) -> None:
    async with console(mission) as person:
        await person.press("G", "k", "n")
        assert person.sees("╭─ edge-api-2 ", "No notes yet")
        assert person.misses("Select an agent")


async def test_toasts_leave_caption_and_keys_free(mission: ScriptedMission) -> None:
    async with console(mission, (80, 24)) as person:
        person.app.narrate("The narrator speaks up to the very edge of the line, and all of it can be read")
        for tab in "not":
            await person.press(tab)
        lines = person.text().splitlines()
        assert "Select an agent" in "".join(lines[:12])
        assert person.sees("and all of it can be read", "need you", "q quit")


async def test_rows_out_of_sight_are_not_older_than_those_in_sight(mission: ScriptedMission) -> None:
    now = NOW
    app = OrchApp(mission, clock=lambda: now)
    async with app.run_test(size=(160, 14), notifications=True) as pilot:
        person = Person(app, pilot, mission)
        await person.press("G")
        assert " 2m " in person.line("edge-api-1 ")
        await person.press("g", "4")
        now += 7200
        await person.press("1", "G")
        assert " 2h " in person.line("edge-api-1 ")


async def test_ages_are_of_one_moment_between_two_drawings(mission: ScriptedMission) -> None:
    now = NOW
    app = OrchApp(mission, clock=lambda: now)
    async with app.run_test(size=(160, 48), notifications=True) as pilot:
        person = Person(app, pilot, mission)
        await person.idle()
        now += 7200
        mission.happen(f.AgentJudged(AgentId("edge-api-1"), AgentState.FAILED, "exit 1"), at=NOW - 300)
        await person.idle()
        assert " 5m " in person.line("✗ edge-api-1 ")
        assert " 5m " in person.line("▲ core-services-3 ")
        await person.press("4", "1")
        assert " 2h " in person.line("✗ edge-api-1 ")
        assert " 2h " in person.line("▲ core-services-3 ")


async def test_task_of_one_agent_stands_for_it(mission: ScriptedMission) -> None:
    async with console(mission) as person:
        await person.press("G", "k", "l")
        assert mission.asked == [v.Launch(agent="edge-api-2")]
