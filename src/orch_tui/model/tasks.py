"""The plan: an epic of streams, each of tasks for agents, and everything that can be wrong with it.

Pure. `adapters.taskfile` turns the text of `tasks.md` into an `Outline`; `plan` joins it with `orch.toml` and returns
the epic together with all problems at once.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Literal

import msgspec
from msgspec import Struct

from orch_tui.model.errors import UsageError
from orch_tui.model.ids import StreamKey, slug
from orch_tui.model.problem import Problem as Problem
from orch_tui.model.problem import did_you_mean
from orch_tui.model.settings import Settings, StreamSettings

Size = Literal["mvp", "production", "enterprise"]

SPAN = 20
"""The most agents that one domain orchestrator can look after."""

MOST_AGENTS = 10_000
"""The most agents in one mission; more is a slip of the pen."""

_MVP, _PRODUCTION = 5, 15

_DOMAIN_HINTS = {
    "security": ("auth", "authentication", "encryption", "hardening"),
    "compliance": ("gdpr", "hipaa", "pci", "soc2", "regulatory", "privacy"),
    "infrastructure": ("infra", "platform", "terraform", "kubernetes", "cloud", "network"),
    "frontend": ("ui", "ux", "web", "mobile", "client", "dashboard"),
    "api": ("apis", "integration", "integrations", "gateway", "graphql", "rest"),
    "operations": ("ops", "observability", "monitoring", "sre", "alerting"),
    "backend": ("core", "services", "service", "server", "data"),
}

DOMAINS = tuple(_DOMAIN_HINTS)
"""The domains that a blueprint is shipped for."""


class TaskLine(Struct, frozen=True):
    """A checklist line: work for n agents, done or not, with one part for each agent where the plan has them."""

    title: str
    agents: int
    done: bool
    line: int
    parts: tuple[str, ...] = ()


class Section(Struct, frozen=True):
    """A stream as it stands in `tasks.md`: 0 where the heading gives no number, None where it gives no count."""

    number: int
    name: str
    agents: int | None
    line: int
    tasks: tuple[TaskLine, ...] = ()


class Outline(Struct, frozen=True):
    """What `tasks.md` says, before `orch.toml` is asked."""

    file: str
    title: str
    sections: tuple[Section, ...]
    problems: tuple[Problem, ...] = ()


class StreamPlan(Struct, frozen=True):
    """One domain's work and its place in the order; `after` names the streams that it waits for."""

    number: int
    key: StreamKey
    name: str
    domain: str
    agents: int
    after: tuple[StreamKey, ...]
    line: int
    tasks: tuple[TaskLine, ...]
    backend: str = ""
    gates: tuple[str, ...] = ()
    runner: str = ""


class Epic(Struct, frozen=True):
    """The whole plan of a mission."""

    title: str
    streams: tuple[StreamPlan, ...]
    size: Size
    agents: int


class Plan(Struct, frozen=True):
    """An epic and what is wrong with it; work starts only from a plan without errors."""

    epic: Epic
    problems: tuple[Problem, ...] = ()


def plan(outline: Outline, settings: Settings | None = None) -> Plan:
    """Joins the outline with the configuration; the epic is whole even where there are problems."""
    settings = settings or Settings()
    streams = _streams(outline, settings)
    agents = sum(stream.agents for stream in streams)
    problems = [
        *outline.problems,
        *_heading_problems(outline),
        *_section_problems(outline),
        *_duplicates(outline.file, streams),
        *_total_problems(outline, agents),
        *_configuration_problems(streams, settings),
        *_cycle_problems(outline.file, streams, settings),
    ]
    epic = Epic(title=outline.title, streams=streams, size=size_of(agents), agents=agents)
    problems.sort(key=lambda problem: (problem.file != outline.file, problem.file, problem.line))
    return Plan(epic=epic, problems=tuple(problems))


def size_of(agents: int) -> Size:
    """Returns the stage that a mission of so many agents belongs to."""
    if agents <= _MVP:
        return "mvp"
    return "production" if agents <= _PRODUCTION else "enterprise"


def domain_of(name: str) -> str:
    """Guesses the domain from a stream's name; a name that says nothing is a domain of its own."""
    words = slug(name, limit=200).split("-")
    named = next((word for word in words if word in DOMAINS), "")
    if named:
        return named
    for domain, hints in _DOMAIN_HINTS.items():
        if not set(words).isdisjoint(hints):
            return domain
    return slug(name) or "general"


def key_of(name: str, number: int) -> StreamKey:
    """Returns the key of a stream; a name without a Latin letter falls back on the number."""
    return StreamKey(slug(name) or f"stream-{number}")


def slice_of(task: TaskLine, index: int) -> str:
    """Returns the share of the agent with this number (from 0): its own part of the task, or "2/3"."""
    if len(task.parts) == task.agents:
        return task.parts[index]
    return f"{index + 1}/{task.agents}"


def find_stream(epic: Epic, text: str) -> StreamPlan:
    """Returns the stream that a number, a slug, a name or a domain means.

    Raises:
        UsageError: No stream is meant, or more than one.
    """
    found = _meant(epic.streams, text)
    if len(found) == 1:
        return found[0]
    known = ", ".join(f"{stream.number} {stream.key} ({stream.domain})" for stream in found or epic.streams)
    if found:
        raise UsageError(f'"{text}" means more than one stream', known, "Name the stream by its number or key.")
    raise UsageError(
        f'there is no stream "{text}"', f"streams: {known or 'none'}", "Name one by number, key or domain."
    )


def find_cycle(after: Mapping[StreamKey, Iterable[StreamKey]]) -> tuple[StreamKey, ...]:
    """Returns a chain of streams in which each waits for the next and the last is the first; empty without one."""
    clear: set[StreamKey] = set()
    for start in after:
        chain: list[StreamKey] = []
        pending = [(start, iter(after[start]))]
        while pending:
            key, rest = pending[-1]
            if len(chain) < len(pending):
                chain.append(key)
            following = next((other for other in rest if other in after and other not in clear), None)
            if following is None:
                clear.add(chain.pop())
                pending.pop()
            elif following in chain:
                return (*chain[chain.index(following) :], following)
            else:
                pending.append((following, iter(after[following])))
    return ()


def _streams(outline: Outline, settings: Settings) -> tuple[StreamPlan, ...]:
    """Builds the streams in two steps: names first, then what each waits for."""
    bare = [_stream(section, place, settings) for place, section in enumerate(outline.sections, 1)]
    whole = []
    for place, stream in enumerate(bare):
        declared = _choice(settings, stream.key).after
        if declared is None:
            after = tuple(other.key for other in bare[:place][-1:] if other.key != stream.key)
        else:
            after = tuple(dict.fromkeys(found[0].key for word in declared if len(found := _meant(bare, word)) == 1))
        whole.append(msgspec.structs.replace(stream, after=after))
    return tuple(whole)


def _stream(section: Section, place: int, settings: Settings) -> StreamPlan:
    number = section.number or place
    key = key_of(section.name, number)
    chosen = _choice(settings, key)
    return StreamPlan(
        number=number,
        key=key,
        name=section.name,
        domain=chosen.domain or domain_of(section.name),
        agents=sum(task.agents for task in section.tasks),
        after=(),
        line=section.line,
        tasks=section.tasks,
        backend=chosen.backend,
        gates=chosen.gates,
        runner=chosen.runner,
    )


def _choice(settings: Settings, key: StreamKey) -> StreamSettings:
    return settings.streams.get(key, StreamSettings())


def _meant(streams: Sequence[StreamPlan], text: str) -> tuple[StreamPlan, ...]:
    """Returns the streams that a word means: by number, else by key or name, else by domain."""
    word = text.strip()
    by_number = tuple(stream for stream in streams if str(stream.number) == word.lstrip("0"))
    if by_number:
        return by_number
    wanted = slug(word)
    by_key = tuple(stream for stream in streams if (wanted and wanted == stream.key) or word == stream.name)
    return by_key or tuple(stream for stream in streams if wanted and wanted == stream.domain)


def _heading_problems(outline: Outline) -> Iterator[Problem]:
    if not outline.sections and not any(problem.severity == "error" for problem in outline.problems):
        yield Problem(
            outline.file, 0, 'no stream found; a stream is a heading such as "## Stream 1: Infrastructure (3 agents)"'
        )
    elif not outline.title:
        yield Problem(outline.file, 1, 'the epic has no title; start with "# Epic: ..."', "warning")


def _section_problems(outline: Outline) -> Iterator[Problem]:
    for section in outline.sections:
        total = sum(task.agents for task in section.tasks)
        if not section.tasks:
            yield Problem(outline.file, section.line, f'stream "{section.name}" has no tasks', "warning")
        if section.agents is not None and section.agents != total:
            said = f'stream "{section.name}" says {_agents(section.agents)}, its tasks add up to {total}'
            yield Problem(outline.file, section.line, said)
        if total > SPAN:
            yield Problem(outline.file, section.line, _split_offer(section, total), "warning")
        for task in section.tasks:
            yield from _task_problems(outline.file, task)


def _task_problems(file: str, task: TaskLine) -> Iterator[Problem]:
    if not task.title:
        yield Problem(file, task.line, "a task needs a title")
    if task.agents < 1:
        yield Problem(file, task.line, f'task "{task.title}" needs at least 1 agent')
    if task.agents > 1 and task.parts and len(task.parts) != task.agents:
        parts = f"{len(task.parts)} sub-bullet{'s' if len(task.parts) > 1 else ''} for {_agents(task.agents)}"
        yield Problem(file, task.line, f'task "{task.title}" has {parts}; it is sliced by number instead', "warning")


def _split_offer(section: Section, total: int) -> str:
    """Says how the tasks of a stream that is too large could be dealt to streams of a fitting size."""
    shares = [0]
    for task in section.tasks:
        if shares[-1] and shares[-1] + task.agents > SPAN:
            shares.append(0)
        shares[-1] += task.agents
    start = f'stream "{section.name}" has {_agents(total)}; one orchestrator looks after 10 to {SPAN}'
    if len(shares) == 1:
        return f"{start}; split its task"
    return f"{start}; split it in the order of its tasks into {len(shares)} streams of {_listed(shares)} agents"


def _duplicates(file: str, streams: Sequence[StreamPlan]) -> Iterator[Problem]:
    keys: dict[StreamKey, int] = {}
    for stream in streams:
        if stream.key in keys:
            yield Problem(
                file, stream.line, f'stream "{stream.name}" has the same key "{stream.key}" as line {keys[stream.key]}'
            )
        keys.setdefault(stream.key, stream.line)
    for number, count in Counter(stream.number for stream in streams).items():
        if count > 1:
            line = [stream.line for stream in streams if stream.number == number][1]
            yield Problem(file, line, f"stream number {number} is used {count} times", "warning")


def _total_problems(outline: Outline, agents: int) -> Iterator[Problem]:
    if agents > MOST_AGENTS:
        yield Problem(outline.file, 0, f"the plan has {agents} agents; a mission has at most {MOST_AGENTS}")


def _configuration_problems(streams: Sequence[StreamPlan], settings: Settings) -> Iterator[Problem]:
    """Finds what `[streams]` says about streams that the plan does not have."""
    keys = [stream.key for stream in streams]
    for key, chosen in settings.streams.items():
        if key not in keys:
            yield _at(settings, f"streams.{key}", f'the plan has no stream "{key}"{did_you_mean(key, keys)}')
        for word in chosen.after or ():
            found = _meant(streams, word)
            where = f"streams.{key}.after"
            if not found:
                yield _at(settings, where, f'the plan has no stream "{word}"{did_you_mean(word, keys)}')
            elif len(found) > 1:
                listed = ", ".join(stream.key for stream in found)
                yield _at(settings, where, f'"{word}" means more than one stream: {listed}')


def _cycle_problems(file: str, streams: Sequence[StreamPlan], settings: Settings) -> Iterator[Problem]:
    cycle = find_cycle({stream.key: stream.after for stream in streams})
    if not cycle:
        return
    message = f"streams wait for each other: {' -> '.join(cycle)}"
    declared = [f"streams.{key}.after" for key in cycle if _choice(settings, key).after is not None]
    yield _at(settings, declared[0], message) if declared else Problem(file, 0, message)


def _at(settings: Settings, key: str, message: str) -> Problem:
    """Returns a problem at the place where a key was set."""
    origin = settings.place(key)
    return Problem(origin.source if origin.source != "default" else "orch.toml", origin.line, f"{key}: {message}")


def _agents(count: int) -> str:
    return f"{count} agent" if count == 1 else f"{count} agents"


def _listed(counts: Sequence[int]) -> str:
    return f"{', '.join(str(count) for count in counts[:-1])} and {counts[-1]}"
