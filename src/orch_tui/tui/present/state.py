"""The state of a selection in full: process, claim, gates, messages, and why something waits. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from textual.content import Content

from orch_tui.model.fleet import Agent, Check, Fleet, Stream, money
from orch_tui.model.plain import counted
from orch_tui.model.refusals import why_not_landable
from orch_tui.model.states import AgentState
from orch_tui.tui import look
from orch_tui.tui.present import money as price
from orch_tui.tui.present import when
from orch_tui.tui.present.cells import safe

LABEL = 11

_SETTLED = frozenset({AgentState.APPROVED, AgentState.LANDED})
"""Why is said by the stream's own lines."""


def field(label: str, value: str | Content, tone: str = look.PLAIN) -> Content:
    """Returns a labelled line."""
    shown = value if isinstance(value, Content) else Content.styled(value, tone)
    return Content.assemble((f"{label:<{LABEL}}", look.MUTED), shown)


def lines(parts: Iterator[Content] | Sequence[Content]) -> Content:
    """Returns lines as one text."""
    return Content("\n").join(list(parts))


def agent(one: Agent, fleet: Fleet, now: float) -> Content:
    """Returns everything that is known of an agent but its texts."""
    stream = fleet.stream(one.stream)
    return lines([*_agent(one, now), *_messages(one, now), *(_checks(stream.checks) if stream else ())])


def _agent(one: Agent, now: float) -> Iterator[Content]:
    state = look.AGENT[one.state]
    since = f" for {when.age(one.since, now)}" if one.since else ""
    yield field("state", Content.assemble((state.text, state.tone), (since, look.MUTED)))
    if one.reason:
        yield field("because", safe(one.reason))
    yield field("task", safe(f"{one.title} {one.part}".strip()))
    if one.claim:
        yield field("says", Content.assemble((one.claim, look.STRONG), (f"  {safe(one.summary)}", look.PLAIN)))
    if one.branch:
        yield field("branch", safe(one.branch))
        yield field("commit", Content.assemble((one.head[:10], look.PLAIN), (_branch_words(one), look.MUTED)))
    if one.verdict:
        yield field("verdict", f"{one.verdict} at {one.verdict_oid[:10]} by {safe(one.verdict_by)}")
    if one.run:
        pid = f"pid {one.pid}" if one.pid else "no process"
        yield field("process", f"{pid}, attempt {one.attempt}, {safe(one.backend) or 'no backend'}", look.MUTED)
    if one.worktree:
        yield field("worktree", safe(one.worktree), look.MUTED)


def _branch_words(one: Agent) -> str:
    clean = "clean" if one.clean else "not clean"
    return f"  {one.ahead} ahead, {counted(one.files, 'file')}, {clean}"


def _messages(one: Agent, now: float) -> Iterator[Content]:
    if one.messages:
        yield heading("Messages")
    for message in one.messages[-8:]:
        mark, tone = ("✓", look.GOOD) if message.state == "delivered" else ("◌", look.MUTED)
        yield Content.assemble(
            (f"{mark} ", tone),
            (f"{message.state:<10}", tone),
            (f"{when.age(message.at, now):>4}  ", look.MUTED),
            (safe(message.head), look.PLAIN),
        )


def heading(words: str) -> Content:
    """Returns a heading with an empty line above it."""
    return Content.assemble("\n", (words, look.TITLE))


def _checks(checks: Sequence[Check]) -> Iterator[Content]:
    if checks:
        yield heading("Gates of the stream")
    for one in checks:
        yield check(one)


def check(one: Check) -> Content:
    """Returns a gate's result as a line."""
    state = look.check(one.status)
    took = f" {one.seconds:.1f}s" if one.seconds else ""
    return Content.assemble(
        (f"{state.glyph} {safe(one.gate)} {state.word}", state.tone),
        (f"{took}  on {one.tree[:10]}  ", look.MUTED),
        (safe(one.summary), look.PLAIN),
    )


def stream(one: Stream, fleet: Fleet, now: float, news: Sequence[Content] = ()) -> Content:
    """Returns a stream at a glance: what it waits for, its conflict, its agents, its gates, and the news."""
    return lines([*_stream(one, fleet), *_conflict(one), *_members(one, now), *_checks(one.checks), *_news(news)])


def _news(news: Sequence[Content]) -> Iterator[Content]:
    if news:
        yield heading("Lately")
        yield from news


def _stream(one: Stream, fleet: Fleet) -> Iterator[Content]:
    state = look.STREAM[one.state]
    yield field("stream", Content.assemble((f"{one.number} {safe(one.name)}", look.STRONG)))
    yield field("state", state.text, state.tone)
    yield field("domain", safe(one.domain), look.MUTED)
    yield field("after", ", ".join(one.after) or "nothing", look.MUTED)
    if one.gates:
        yield field("gates", ", ".join(one.gates), look.MUTED)
    if batch := fleet.batch(one.batch):
        yield field("batch", f"{batch.id}, tag {safe(batch.tag)}")
    why = why_not_landable(fleet, one)
    if why and not one.landed:
        yield field("waits", safe(why), look.WARN)
    elif not why:
        yield field("ready", Content.assemble(("M", look.KEY), (" lands it", look.GOOD)))


def _members(one: Stream, now: float) -> Iterator[Content]:
    yield heading("Agents")
    for agent_ in one.agents:
        state = look.AGENT[agent_.state]
        yield Content.assemble(
            (f"{state.glyph} {state.word:<9}", state.tone),
            (f"{agent_.id}  ", look.PLAIN),
            (f"{when.age(agent_.since, now)}  ", look.MUTED),
            ("" if agent_.state in _SETTLED else safe(agent_.reason or agent_.summary), look.MUTED),
        )


def _conflict(one: Stream) -> Iterator[Content]:
    if one.conflict is None:
        return
    conflict = one.conflict
    yield heading("Conflict")
    yield Content.assemble(
        ("≠ ", look.BAD),
        (safe(conflict.branch or conflict.agent), look.BAD),
        (" against ", look.MUTED),
        (safe(conflict.other_branch or conflict.other), look.BAD),
    )
    for name in conflict.files[:20]:
        yield Content.styled(f"  {safe(name)}", look.PLAIN)
    yield Content.styled("Message one of them (m) to merge the other's branch, or reject one (R).", look.MUTED)


def mission(fleet: Fleet, now: float, news: Sequence[Content] = ()) -> Content:
    """Returns the mission at a glance; says what to do where nothing was begun."""
    return lines([*_mission(fleet, now), *_news(news)])


def _mission(fleet: Fleet, now: float) -> Iterator[Content]:
    if hint := what_to_do(fleet):
        yield hint
        yield Content("")
    yield field("epic", safe(fleet.epic) or "none", look.STRONG)
    yield field("repository", safe(fleet.repository), look.MUTED)
    yield field("target", f"{safe(fleet.target)} at {fleet.target_head[:10] or 'nothing'}", look.MUTED)
    yield field("size", fleet.size, look.MUTED)
    if fleet.engine.pid:
        yield field("engine", f"pid {fleet.engine.pid}, up {when.age(fleet.engine.since, now)}", look.MUTED)
    if fleet.problems:
        yield heading("Problems")
    for problem in fleet.problems[-8:]:
        yield Content.assemble(
            (f"{when.age(problem.at, now):>4}  ", look.MUTED),
            (f"{safe(problem.subject)}: ", look.WARN),
            (safe(problem.message), look.PLAIN),
        )


def what_to_do(fleet: Fleet) -> Content | None:
    """Returns the next step of somebody who has not begun."""
    if not fleet.streams:
        return Content.assemble(
            ("No plan yet.", look.STRONG),
            (" Write streams and tasks into tasks.md, or run ", look.MUTED),
            ("orch-tui init", look.KEY),
            (" for an example.", look.MUTED),
        )
    if all(not a.run and a.state == "planned" for a in fleet.agents()):
        return Content.assemble(
            ("Nothing is launched.", look.STRONG),
            (" Press ", look.MUTED),
            ("L", look.KEY),
            (" to launch the mission, or ", look.MUTED),
            ("l", look.KEY),
            (" for the selected stream.", look.MUTED),
        )
    return None


def cost(agents: Sequence[Agent], words: str, fleet: Fleet, now: float) -> Content:
    """Returns what a selection costs."""
    spent = money(tuple(agents), now=now, day=fleet.day)
    if not spent.requests:
        metered = "No request was metered yet." if fleet.metered else "Metering is off."
        return lines([field("of", words), Content(""), Content.styled(metered, look.MUTED)])
    parts = [
        field("of", words),
        field("rate", price.rate(spent), look.STRONG),
        field("today", price.today(spent)),
        field("in all", price.total(spent)),
        field("requests", price.count(spent.requests)),
        field("tokens", price.tokens(spent.tokens)),
    ]
    if spent.simulated:
        parts.append(field("", "SIMULATED: no money was spent", look.WARN))
    if spent.unpriced:
        parts.append(field("", "~ some models have no known price", look.WARN))
    elif spent.estimated:
        parts.append(field("", "~ some answers broke off and were estimated", look.MUTED))
    return lines(parts)
