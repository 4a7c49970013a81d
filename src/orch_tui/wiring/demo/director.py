"""The demo's operator: looks at the fleet and decides the next act by rules. Pure but for the pause between acts."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from orch_tui.core.ports import MissionVerbs
from orch_tui.model import verbs as v
from orch_tui.model.errors import OrchError, Refused
from orch_tui.model.fleet import Agent, Fleet, Stream
from orch_tui.model.refusals import newest_landed, why_not_landable
from orch_tui.model.states import AgentState

MORE = "Please add the release number to the health report, and test that it is there."
ANSWER = "Use version 1.0 for the description and call it stable."
RESOLVE = "Please merge {other} into your branch and keep both halves of the ledger."
ENDING = "All landed. Go to 3 API in the tree (j, k), press B to roll it back and M to land it again; q ends the demo."

Say = Callable[[str], Awaitable[None]]


@dataclass(frozen=True)
class Act:
    """One thing that the operator does, and how the narrator puts it."""

    words: str
    verb: v.Verb[Any]


@dataclass
class Director:
    """Remembers what it asked for once, so that it does not ask twice."""

    roll_back: bool
    """Whether it takes the last batch off again and lands it once more."""

    asked: set[str] = field(default_factory=set)
    rolled_back: bool = False

    def next_act(self, fleet: Fleet) -> Act | None:
        """Returns what to do now; None while the agents are at work."""
        for agent in fleet.agents():
            if act := self._for_agent(agent):
                return act
        for stream in fleet.streams:
            if act := self._for_stream(fleet, stream):
                return act
        return self._rollback(fleet)

    def over(self, fleet: Fleet) -> bool:
        """Says whether the story is told."""
        landed = bool(fleet.streams) and all(s.landed for s in fleet.streams)
        return landed and (self.rolled_back or not self.roll_back)

    def _for_agent(self, agent: Agent) -> Act | None:
        if agent.state == AgentState.PLANNED and "launch" not in self.asked:
            self.asked.add("launch")
            return Act("Launching the mission: eight agents, each with a worktree and a branch.", v.Launch())
        if agent.state == AgentState.BLOCKED and self._once(f"answer {agent.id}"):
            return Act(f"{agent.id} asks: {agent.summary} We answer.", v.Say(agent.id, ANSWER))
        if agent.state == AgentState.REVIEW:
            return self._judged(agent)
        return None

    def _judged(self, agent: Agent) -> Act:
        if agent.title == "Health report" and self._once("more"):
            return Act(
                f"We read the diff of {agent.id} and ask for one change.",
                v.Review("changes", agent=agent.id, note=MORE),
            )
        return Act(f"We read the diff of {agent.id} and approve it.", v.Review("approve", agent=agent.id))

    def _for_stream(self, fleet: Fleet, stream: Stream) -> Act | None:
        if (conflict := stream.conflict) and self._once(f"resolve {stream.key}"):
            note = RESOLVE.format(other=conflict.other_branch)
            words = f"{conflict.agent} conflicts with {conflict.other}; nothing moved. We send it back to resolve that."
            return Act(words, v.Review("changes", agent=conflict.agent, note=note))
        if why_not_landable(fleet, stream) is None:
            return Act(
                f"{stream.name} is approved: gates on the exact tree, a tag, then one step.", v.Merge(stream.key)
            )
        return None

    def _rollback(self, fleet: Fleet) -> Act | None:
        landed = bool(fleet.streams) and all(s.landed for s in fleet.streams)
        if not self.roll_back or self.rolled_back or not landed:
            return None
        self.rolled_back = True
        return Act(
            "One key takes the last batch off again; then we land it once more.", v.Rollback(newest_landed(fleet))
        )

    def _once(self, what: str) -> bool:
        fresh = what not in self.asked
        self.asked.add(what)
        return fresh


async def play(mission: MissionVerbs, director: Director, say: Say, *, pause: float) -> None:
    """Plays the story to its end; a viewer may act too, then a refusal is just news."""
    news = aiter(mission.follow())
    while not director.over(mission.fleet):
        act = director.next_act(mission.fleet)
        if act is None:
            await anext(news, None)
            continue
        await say(act.words)
        await asyncio.sleep(pause)
        await _do(mission, act, say)
    await say(ENDING)


async def _do(mission: MissionVerbs, act: Act, say: Say) -> None:
    try:
        agreed = (await mission.preview(act.verb)).digest if act.verb.dangerous else ""
        await mission.do(act.verb, agreed=agreed)
    except Refused as error:
        await say(f"Refused: {error}")
    except OrchError as error:
        await say(f"{error} {error.hint}".strip())
