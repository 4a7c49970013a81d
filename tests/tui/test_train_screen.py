"""Landing and rolling back, and what waits for the operator."""

from __future__ import annotations

from orch_tui.model import verbs as v
from orch_tui.model.ids import BatchId, Oid
from tests.tui.driver import console
from tests.tui.sample import ScriptedMission
from tests.tui.test_screens import ready_to_land


async def test_stream_lands_after_a_look_at_the_plan(mission: ScriptedMission) -> None:
    ready_to_land(mission)
    mission.answers[v.Merge] = lambda verb: v.Landing(BatchId("b-1"), verb.stream, "pre-b-1", Oid("c" * 40), ())
    async with console(mission) as person:
        await person.press("4", "j", "j", "j", "j", "M")
        assert person.sees("Land core-services?", "merge 3 branches", "No, keep it", "Yes, land it")
        await person.press("y")
        assert mission.asked == [v.Merge(stream="core-services")]
        assert mission.agreed[0]
        assert person.sees("core-services landed as b-1")


async def test_landing_too_early_is_refused_with_the_reason(mission: ScriptedMission) -> None:
    async with console(mission) as person:
        await person.press("4", "G", "k", "k", "M")
        assert person.sees("Cannot land", "waits for core-services")
        assert mission.asked == []


async def test_batch_rolls_back(mission: ScriptedMission) -> None:
    async with console(mission) as person:
        await person.press("4", "G")
        assert person.sees("pre-feature-batch-20270115-infrastructure-1", "takes it off the target again")
        await person.press("B", "y")
        assert mission.asked == [v.Rollback(batch="20270115-infrastructure-1")]


async def test_attention_opens_the_place(mission: ScriptedMission) -> None:
    async with console(mission) as person:
        await person.press("2")
        assert person.sees("asks: which currency rounds first", "m answer it")
        await person.press("G", "enter")
        assert person.sees("◆ review core-services-2")
        await person.press("2", "g", "enter")
        assert person.sees("╭─ core-services-3 ")


async def test_attention_answers_the_blocked_agent(mission: ScriptedMission) -> None:
    async with console(mission) as person:
        await person.press("2", "m")
        await person.type("JPY")
        await person.press("ctrl+s")
        assert mission.asked == [v.Say(agent="core-services-3", text="JPY")]
