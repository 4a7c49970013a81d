"""What every mission must do, wherever it runs: the same suite on the core's `Mission` and on `MissionClient`.

A test module subclasses `MissionContract` and brings a fixture `mission`: a mission just opened whose plan has a stream
`infra` of two agents and a stream `api` of one after it, none of them launched, and room to launch them all.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from orch_tui.core.ports import MissionVerbs
from orch_tui.model import verbs as v
from orch_tui.model.errors import OrchError, Refused
from orch_tui.model.fleet import Fleet
from orch_tui.model.refusals import refuse
from orch_tui.model.states import AgentState

PATIENCE_S = 10.0


class MissionContract:
    """Tests of one mission, seen only through `MissionVerbs`."""

    async def test_it_has_its_plan_at_once(self, mission: MissionVerbs) -> None:
        """The fleet is whole as soon as the mission is there."""
        assert [stream.key for stream in mission.fleet.streams] == ["infra", "api"]
        assert [agent.id for agent in mission.fleet.agents()] == ["infra-1", "infra-2", "api-1"]
        assert {agent.state for agent in mission.fleet.agents()} == {AgentState.PLANNED}
        assert mission.fleet.seq > 0

    async def test_what_a_verb_did_is_in_the_fleet_when_it_returns(self, mission: MissionVerbs) -> None:
        """No second look is needed."""
        launched = await mission.do(v.Launch(agent="infra-1"))
        assert launched == v.Launched(("infra-1",))  # type: ignore[arg-type]
        assert _state(mission, "infra-1") != AgentState.PLANNED
        assert _state(mission, "infra-2") == AgentState.PLANNED

    async def test_facts_come_in_order_after_the_fleet_took_them_in(self, mission: MissionVerbs) -> None:
        """Each batch continues the one before, and the fleet is never behind a batch."""
        facts = mission.follow()
        start = mission.fleet.seq
        await mission.do(v.Launch(stream="infra"), actor="somebody")
        seen: list[int] = []
        actors: set[str] = set()
        while len(seen) < mission.fleet.seq - start:
            batch = await asyncio.wait_for(anext(facts), PATIENCE_S)
            assert batch[-1].seq <= mission.fleet.seq
            seen += [record.seq for record in batch]
            actors |= {record.actor for record in batch}
        assert seen == list(range(start + 1, start + 1 + len(seen)))
        assert "somebody" in actors

    async def test_a_refusal_gives_the_reason_that_the_rules_give(self, mission: MissionVerbs) -> None:
        """The faces can explain it before they ask."""
        for verb in (v.Restart("infra-1"), v.Merge("api"), v.Rollback(), v.Say("nobody-1", "x"), v.Launch("nowhere")):
            reason = refuse(mission.fleet, verb)
            assert reason
            refused = await _refused(mission, verb)
            assert refused.title == reason
            assert (await mission.preview(verb)).refused == reason

    async def test_a_refused_verb_is_a_record_and_nothing_else(self, mission: MissionVerbs) -> None:
        """Who asked for what stands in the journal."""
        facts = mission.follow()
        before = mission.fleet
        await _refused(mission, v.Merge("infra"), actor="somebody")
        (record,) = await asyncio.wait_for(anext(facts), PATIENCE_S)
        assert (record.actor, type(record.fact).__name__) == ("somebody", "VerbRefused")
        assert mission.fleet.streams == before.streams

    async def test_a_preview_changes_nothing(self, mission: MissionVerbs) -> None:
        """Looking is free."""
        before = mission.fleet.seq
        for verb in (v.Launch(), v.Stop(), v.Merge("infra"), v.Rollback()):
            assert (await mission.preview(verb)).title
        assert mission.fleet.seq == before

    async def test_what_was_agreed_to_must_still_hold(self, mission: MissionVerbs) -> None:
        """A dangerous verb is done as it was shown, or not at all."""
        await mission.do(v.Launch(stream="infra"))
        await _until(mission, lambda fleet: all(a.pid for a in fleet.agents() if a.stream == "infra"))
        shown = await mission.preview(v.Stop(stream="infra"))
        assert shown.digest
        await _refused(mission, v.Stop(stream="infra"), agreed="something else")
        assert all(a.pid for a in mission.fleet.agents() if a.stream == "infra")
        await mission.do(v.Stop(stream="infra"), agreed=shown.digest)
        await _until(mission, lambda fleet: not any(a.pid for a in fleet.agents()))

    async def test_verbs_at_the_same_time_all_come_to_an_end(self, mission: MissionVerbs) -> None:
        """Each gets its own answer."""
        verbs: list[v.Verb[Any]] = [v.Launch(agent=a) for a in ("infra-1", "infra-2", "api-1")]
        answers = await asyncio.gather(
            *(mission.do(verb) for verb in verbs), *(mission.preview(v.Launch()) for _ in verbs)
        )
        assert [answer.started for answer in answers[:3]] == [("infra-1",), ("infra-2",), ("api-1",)]

    async def test_an_unknown_agent_is_an_error_for_reading_too(self, mission: MissionVerbs) -> None:
        """A reading verb leaves no record."""
        before = mission.fleet.seq
        try:
            await mission.do(v.ReadPage("nobody-1", "notes"))
        except OrchError as error:
            assert "nobody-1" in error.title  # noqa: PT017  no pytest in the kit
        else:
            raise AssertionError("a page of nobody's notes")
        assert mission.fleet.seq == before

    async def test_an_unknown_agent_is_not_made(self, mission: MissionVerbs) -> None:
        """Any words may be asked with."""
        for name in ("", "infra-", "../x", "\udc80", "a" * 10_000):
            await _refused(mission, v.Restart(name))
        assert len(list(mission.fleet.agents())) == 3


def _state(mission: MissionVerbs, agent: str) -> AgentState:
    found = mission.fleet.agent(agent)
    assert found is not None
    return found.state


async def _refused(mission: MissionVerbs, verb: v.Verb[Any], *, agreed: str = "", actor: str = "operator") -> Refused:
    try:
        await mission.do(verb, agreed=agreed, actor=actor)
    except Refused as refused:
        return refused
    raise AssertionError(f"{verb} was not refused")


async def _until(mission: MissionVerbs, holds: Callable[[Fleet], bool]) -> None:
    facts = mission.follow()
    async with asyncio.timeout(PATIENCE_S):
        while not holds(mission.fleet):
            await anext(facts)
