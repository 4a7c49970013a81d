"""A small mission for the engine's tests: a store and a few verbs, hosted in this process or in one of its own."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path
from typing import Any

from orch_tui.adapters.clock import SystemClock
from orch_tui.adapters.state.journal import SqliteJournal
from orch_tui.core.store import Store
from orch_tui.engine.lifecycle import hold
from orch_tui.model import facts as f
from orch_tui.model import verbs as v
from orch_tui.model.errors import OrchError, Refused
from orch_tui.model.fleet import Fleet
from orch_tui.model.ids import AgentId
from orch_tui.model.preview import Preview, preview, refusal
from orch_tui.model.refusals import refuse
from tests.records import AGENTS, plan


class TinyMission:
    """Messages become facts; a launch takes as long as a test wants; the rest is refused by the rules."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.gate = asyncio.Event()
        self.launches = 0
        self.idle = True
        self.closed = ""

    @classmethod
    async def open(cls, journal: Any) -> TinyMission:
        store = await Store.open(journal, SystemClock())
        mission = cls(store)
        if not store.fleet.streams:
            await store.put(plan, f.AgentPrepared(AgentId(AGENTS[0]), "orch/infra/infra-1", "a" * 40, "/w/infra-1"))
        await store.put(f.EngineStarted(os.getpid(), "tiny"))
        return mission

    @property
    def fleet(self) -> Fleet:
        return self.store.fleet

    def follow(self):
        return self.store.follow()

    async def preview(self, verb: v.Verb[Any]) -> Preview:
        if reason := refuse(self.fleet, verb):
            return refusal(v.tag_of(verb), reason)
        return preview(v.tag_of(verb), steps=("one",), names=(self.fleet.target_head,))

    async def do(self, verb: v.Verb[Any], *, agreed: str = "", actor: str = "operator") -> Any:
        if reason := refuse(self.fleet, verb):
            await self.store.put(f.VerbRefused(v.tag_of(verb), reason), actor=actor)
            raise Refused(reason, verb.__class__.__name__, "do something else")
        return await self._done(verb, actor)

    async def _done(self, verb: v.Verb[Any], actor: str) -> Any:
        match verb:
            case v.Say(agent, text):
                if text == "crash":
                    raise ZeroDivisionError("a bug")
                await self.store.put(*(f.ProblemSeen(agent, line) for line in text.splitlines()), actor=actor)
                return v.Outcome(f"said to {agent}")
            case v.ReadDiff():
                return object()
            case v.Launch():
                self.launches += 1
                await self.gate.wait()
                await self.store.put(f.AgentsQueued((AgentId(AGENTS[0]),)), actor=actor)
                return v.Launched((AgentId(AGENTS[0]),))
            case v.ReadPage(agent, file, offset, size, wait_s):
                await asyncio.sleep(wait_s)
                return v.Page(f"{agent} {file} \udc80", offset, offset + 5, size)
        raise OrchError("unexpected verb", v.tag_of(verb))

    async def close(self, reason: str) -> None:
        self.closed = reason
        await self.store.put(f.EngineStopped(reason))
        await self.store.close()


async def host(state: Path, linger_s: float) -> str:
    async def make() -> TinyMission:
        return await TinyMission.open(SqliteJournal(state / "state.db"))

    return await hold(
        lock=state / "engine.lock", socket=state / "engine.sock", make=make, linger_s=linger_s, patience_s=3.0
    )


if __name__ == "__main__":
    try:
        asyncio.run(host(Path(sys.argv[1]), float(sys.argv[2])))
    except OrchError as problem:
        sys.stderr.write(f"{problem}\n")
        sys.exit(problem.exit_code)
