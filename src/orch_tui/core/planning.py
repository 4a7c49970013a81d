"""The plan becomes streams, tasks and agents; reading it again keeps every agent's past."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence

from msgspec.structs import replace

from orch_tui.core.parts import Current, Parts
from orch_tui.model.errors import ConfigError
from orch_tui.model.facts import Fact, MissionOpened, PlanLoaded, ProblemSeen
from orch_tui.model.fleet import Agent, Fleet, Stream, Task
from orch_tui.model.ids import AgentId
from orch_tui.model.plain import counted
from orch_tui.model.settings import Settings
from orch_tui.model.tasks import Epic, Problem, StreamPlan, TaskLine, slice_of
from orch_tui.model.verbs import Outcome


class Planner:
    """Reads the operator's files and records what they say."""

    def __init__(self, parts: Parts, current: Current) -> None:
        self._parts = parts
        self._current = current

    async def open(self) -> None:
        """Reads plan and settings at the engine's start; a broken plan leaves the one in force and is shown."""
        try:
            await self.load("engine")
        except ConfigError as error:
            fleet = self._parts.store.fleet
            opened = self._opened(self._current.settings)
            facts: list[Fact] = [opened] if _news(fleet, opened) else []
            await self._parts.store.put(*facts, ProblemSeen("tasks.md", str(error)[:1000]))

    async def load(self, actor: str) -> Outcome:
        """Reads plan and settings; records them where they changed.

        Raises:
            ConfigError: the files have errors; the plan in force stays.
        """
        epic, settings, problems = self._parts.plan.load()
        errors = [p for p in problems if p.severity == "error"]
        if errors:
            raise ConfigError(
                f"the plan has {counted(len(errors), 'error')}",
                "\n".join(_said(p) for p in errors),
                "Mend the files and load the plan again.",
            )
        self._current.settings = settings
        store = self._parts.store
        news: tuple[Fact, ...] = (self._opened(settings), planned(store.fleet, epic))
        facts = [fact for fact in news if _news(store.fleet, fact)]
        if facts:
            await store.put(*facts, actor=actor)
        fleet = store.fleet
        streams, agents = counted(len(fleet.streams), "stream"), counted(sum(1 for _ in fleet.agents()), "agent")
        message = f"{epic.title or 'the plan'}: {streams}, {agents}"
        return Outcome(message, tuple(_said(p) for p in problems))

    def _opened(self, settings: Settings) -> MissionOpened:
        root = self._parts.git.root
        return MissionOpened(
            name=root.name,
            repository=str(root),
            target=settings.mission.target,
            max_running=settings.agents.max_running,
            limit=settings.budget.daily_micros,
            alert=settings.budget.alert,
            budget_source=settings.origin("budget.daily_usd").text,
            metered=self._parts.meter is not None,
        )


def planned(fleet: Fleet, epic: Epic) -> PlanLoaded:
    """Returns the plan as streams; agents, batches and checks that exist are kept."""
    streams = tuple(_stream(fleet.stream(plan.key), plan) for plan in epic.streams)
    return PlanLoaded(epic.title, epic.size, (*streams, *_orphans(fleet, epic)))


def _stream(old: Stream | None, plan: StreamPlan) -> Stream:
    bare = Stream(
        key=plan.key,
        number=plan.number,
        name=plan.name,
        domain=plan.domain,
        after=plan.after,
        line=plan.line,
        backend=plan.backend,
        gates=plan.gates,
        tasks=tuple(Task(t.title, t.agents, t.line, t.done) for t in plan.tasks),
    )
    if old is None:
        return replace(bare, agents=_agents(plan, {}, ()))
    agents = _agents(plan, _by_place(plan, old), old.agents)
    tasks = tuple(replace(t, done=t.done or _landed(agents, place)) for place, t in enumerate(bare.tasks))
    return replace(bare, tasks=tasks, agents=agents, batch=old.batch, conflict=old.conflict, checks=old.checks)


def _landed(agents: Sequence[Agent], place: int) -> bool:
    """Says whether a task is on the target whole: its box counts as ticked, also where we may not tick it."""
    mine = [a for a in agents if a.task == place]
    return bool(mine) and all(a.batch for a in mine)


def _by_place(plan: StreamPlan, old: Stream) -> dict[int, list[Agent]]:
    """Returns who worked at the task in each place; a task is known by its title, equal titles by their order."""
    before = {name: place for place, name in enumerate(_numbered(t.title for t in old.tasks))}
    mine = {place: [a for a in old.agents if a.task == place] for place in before.values()}
    names = enumerate(_numbered(t.title for t in plan.tasks))
    return {place: mine[before[name]] for place, name in names if name in before}


def _numbered(titles: Iterable[str]) -> list[tuple[str, int]]:
    seen: Counter[str] = Counter()
    numbered = []
    for title in titles:
        seen[title] += 1
        numbered.append((title, seen[title]))
    return numbered


def _agents(plan: StreamPlan, by_place: Mapping[int, Sequence[Agent]], old: Sequence[Agent]) -> tuple[Agent, ...]:
    """Keeps the agents of each task that still stands, adds those that are missing, drops only those without a past."""
    kept = {
        place: [a for i, a in enumerate(by_place.get(place, ())) if i < task.agents or _has_past(a)]
        for place, task in enumerate(plan.tasks)
    }
    staying = {a.id for mine in kept.values() for a in mine}
    left = [replace(a, task=-1) for a in old if a.id not in staying and _has_past(a)]
    used = staying | {a.id for a in left}
    free = (name for n in itertools.count(1) if (name := AgentId(f"{plan.key}-{n}")) not in used)
    agents: list[Agent] = []
    for place, task in enumerate(plan.tasks):
        mine = kept[place]
        agents += [replace(a, task=place, part=_part(task, i)) for i, a in enumerate(mine)]
        for i in range(len(mine), 0 if task.done and not mine else task.agents):
            agents.append(Agent(id=next(free), stream=plan.key, task=place, title=task.title, part=_part(task, i)))
    return (*agents, *left)


def _has_past(agent: Agent) -> bool:
    """Says whether an agent was launched, or has at least a branch."""
    return bool(agent.run or agent.branch)


def _part(task: TaskLine, index: int) -> str:
    return slice_of(task, index) if index < task.agents else f"{index + 1}/{task.agents}"


def _orphans(fleet: Fleet, epic: Epic) -> Iterator[Stream]:
    """Yields streams that left the plan but have agents with a past; nothing that ran disappears."""
    keys = {plan.key for plan in epic.streams}
    for stream in fleet.streams:
        if stream.key not in keys and (kept := tuple(a for a in stream.agents if a.run)):
            yield replace(stream, agents=kept)


def _news(fleet: Fleet, fact: Fact) -> bool:
    """Says whether the fact would change the fleet."""
    if isinstance(fact, PlanLoaded):
        return (fact.epic, fact.size, fact.streams) != (fleet.epic, fleet.size, fleet.streams)
    if isinstance(fact, MissionOpened):
        b = fleet.budget
        return (fact.name, fact.repository, fact.target, fact.max_running, fact.limit, fact.alert, fact.metered) != (
            fleet.name,
            fleet.repository,
            fleet.target,
            fleet.max_running,
            b.limit,
            b.alert,
            fleet.metered,
        )
    return True


def _said(problem: Problem) -> str:
    return problem.text
