"""The one table of what the operator can do: keys, footer, palette, help and the README's key table come from it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from msgspec import Struct
from textual.binding import Binding
from textual.keys import format_key

from orch_tui.model import verbs as v
from orch_tui.tui.selection import Selection

Make = Callable[[Selection], v.Verb[Any] | None]
MakeWithText = Callable[[Selection, str], v.Verb[Any] | None]

SCREENS = ("mission", "attention", "review", "train", "cost", "journal")
EVERYWHERE = frozenset(SCREENS)
MISSION = frozenset({"mission"})
REVIEW = frozenset({"review"})
WORK = frozenset({"mission", "attention", "review", "train"})


class Prompt(Struct, frozen=True):
    """A text that a command asks for before it is a verb."""

    title: str
    hint: str
    button: str
    verb: MakeWithText


class Command(Struct, frozen=True, kw_only=True):
    """Something to do: a verb made of the selection, a prompt that leads to one, or an action of the console."""

    id: str
    title: str
    help: str
    group: str
    deed: str = ""
    """What it does, after "cannot"; the title, where that is a verb."""

    needs: str = "an agent"
    """What must be selected."""

    keys: tuple[str, ...] = ()
    where: frozenset[str] = EVERYWHERE
    verb: Make | None = None
    prompt: Prompt | None = None
    action: str = ""
    shown: bool = False
    widget: bool = False
    """The focused list has the key already; it stands here for the help."""

    @property
    def does(self) -> str:
        """Returns what it does, as a verb of a sentence."""
        return self.deed or self.title

    @property
    def key(self) -> str:
        """Returns its first key as people write it."""
        return shown_key(self.keys[0]) if self.keys else ""


_KEYS = {"enter": "enter", "escape": "esc", "space": "space", "question_mark": "?", "slash": "/"}


def shown_key(key: str) -> str:
    """Returns a key as people write it."""
    return _KEYS.get(key) or (key if "+" in key else format_key(key))


def _scope(kind: Callable[..., v.Verb[Any]]) -> Make:
    return lambda s: kind(agent=s.agent) if s.agent else None if s.part else kind(stream=s.stream)


def _agent(kind: Callable[..., v.Verb[Any]]) -> Make:
    return lambda s: kind(agent=s.agent) if s.agent else None


def _approve(s: Selection) -> v.Verb[Any] | None:
    if s.part or not (s.agent or s.stream):
        return None
    return v.Review(
        verdict="approve", agent=s.agent, stream="" if s.agent else s.stream, expect=s.expect if s.agent else ""
    )


def _judge(verdict: str) -> MakeWithText:
    return lambda s, text: v.Review(verdict=verdict, agent=s.agent, note=text, expect=s.expect) if s.agent else None


def _merge(s: Selection) -> v.Verb[Any] | None:
    return v.Merge(stream=s.stream) if s.stream else None


def _rollback(s: Selection) -> v.Verb[Any]:
    stream = s.fleet.stream(s.stream) if s.stream else None
    return v.Rollback(batch=s.batch or (stream.batch if stream else ""))


COMMANDS: tuple[Command, ...] = (
    Command(
        id="open",
        keys=("enter",),
        title="open",
        help="open what is selected; a finished agent opens its review",
        group="Move",
        shown=True,
        widget=True,
    ),
    Command(
        id="back",
        keys=("escape",),
        title="back",
        help="leave the filter, the zoom or the screen",
        group="Move",
        action="back",
    ),
    Command(
        id="fold",
        keys=("space",),
        title="fold",
        help="open or close a node of the tree",
        group="Move",
        where=MISSION,
        widget=True,
    ),
    Command(
        id="filter",
        keys=("slash",),
        title="filter",
        help="show only what matches some words",
        group="Move",
        where=frozenset({"mission", "journal"}),
        action="filter",
        shown=True,
    ),
    Command(
        id="zoom",
        keys=("z",),
        title="zoom",
        help="give the right-hand side the whole width, and back",
        group="Move",
        where=frozenset({"mission", "review"}),
        action="zoom",
    ),
    Command(
        id="agent.launch",
        needs="an agent or a stream",
        keys=("l",),
        title="launch",
        help="start the selected agents",
        group="Fleet",
        where=WORK,
        verb=_scope(v.Launch),
        shown=True,
    ),
    Command(
        id="mission.launch",
        keys=("L",),
        title="launch all",
        deed="launch anyone",
        help="start every agent that can be started",
        group="Fleet",
        verb=lambda _: v.Launch(),
        shown=True,
    ),
    Command(
        id="agent.stop",
        needs="an agent or a stream",
        keys=("x",),
        title="stop",
        help="stop the selected agents; work and notes stay",
        group="Fleet",
        where=WORK,
        verb=_scope(v.Stop),
        shown=True,
    ),
    Command(
        id="agent.restart",
        keys=("r",),
        title="restart",
        help="stop the agent and start it again in its worktree",
        group="Fleet",
        where=WORK,
        verb=_agent(v.Restart),
    ),
    Command(
        id="agent.message",
        keys=("m",),
        title="message",
        help="tell the agent something",
        group="Fleet",
        where=WORK,
        shown=True,
        prompt=Prompt(
            "Message to {}",
            "It reaches the agent's inbox; an agent at rest is started with it.",
            "Send",
            lambda s, text: v.Say(agent=s.agent, text=text) if s.agent else None,
        ),
    ),
    Command(
        id="plan.load",
        title="read the plan again",
        help="read tasks.md, orch.toml and the blueprints again",
        group="Fleet",
        verb=lambda _: v.LoadPlan(),
    ),
    Command(
        id="tab.notes",
        keys=("n",),
        title="notes",
        help="the agent's notes, live",
        group="Look",
        where=MISSION,
        action="tab('notes')",
    ),
    Command(
        id="tab.output",
        keys=("o",),
        title="output",
        help="what the agent's program printed",
        group="Look",
        where=MISSION,
        action="tab('output')",
    ),
    Command(
        id="tab.task",
        keys=("t",),
        title="task",
        help="what the agent was asked to do",
        group="Look",
        where=MISSION,
        action="tab('task')",
    ),
    Command(
        id="tab.diff",
        keys=("d",),
        title="diff",
        help="what the agent or the stream changed",
        group="Look",
        where=MISSION,
        action="tab('diff')",
    ),
    Command(
        id="tab.state",
        keys=("s",),
        title="state",
        help="state, gates, messages and why something waits",
        group="Look",
        where=MISSION,
        action="tab('state')",
    ),
    Command(
        id="tab.usage",
        keys=("u",),
        title="usage",
        help="tokens and dollars of the selection",
        group="Look",
        where=MISSION,
        action="tab('usage')",
    ),
    Command(
        id="review.approve",
        needs="an agent or a stream",
        keys=("a",),
        title="approve",
        help="approve exactly the commit that is shown",
        group="Review",
        where=frozenset({"mission", "review"}),
        verb=_approve,
        shown=True,
    ),
    Command(
        id="review.changes",
        keys=("c",),
        title="changes",
        deed="ask for changes",
        help="ask for changes; the agent goes back to work",
        group="Review",
        where=frozenset({"mission", "review"}),
        shown=True,
        prompt=Prompt(
            "Changes for {}", "The agent gets this text as its next task.", "Request changes", _judge("changes")
        ),
    ),
    Command(
        id="review.reject",
        keys=("R",),
        title="reject",
        help="leave this agent's work out of its stream",
        group="Review",
        where=frozenset({"mission", "review"}),
        prompt=Prompt(
            "Reject the work of {}",
            "Branch and notes stay; the stream lands without it. Say why.",
            "Reject",
            _judge("reject"),
        ),
    ),
    Command(
        id="review.next",
        keys=("right_square_bracket",),
        title="next",
        help="the next agent that waits for review",
        group="Review",
        where=REVIEW,
        action="step(1)",
        shown=True,
    ),
    Command(
        id="review.previous",
        keys=("left_square_bracket",),
        title="previous",
        help="the agent before that waits for review",
        group="Review",
        where=REVIEW,
        action="step(-1)",
    ),
    Command(
        id="diff.hunk",
        keys=("right_curly_bracket",),
        title="block",
        help="the next changed block",
        group="Review",
        where=REVIEW,
        action="hunk(1)",
        shown=True,
    ),
    Command(
        id="diff.hunk_back",
        keys=("left_curly_bracket",),
        title="block back",
        help="the changed block before",
        group="Review",
        where=REVIEW,
        action="hunk(-1)",
    ),
    Command(
        id="diff.file",
        keys=("right_parenthesis",),
        title="file",
        help="the next changed file",
        group="Review",
        where=REVIEW,
        action="file(1)",
    ),
    Command(
        id="diff.file_back",
        keys=("left_parenthesis",),
        title="file back",
        help="the changed file before",
        group="Review",
        where=REVIEW,
        action="file(-1)",
    ),
    Command(
        id="stream.land",
        needs="a stream",
        keys=("M",),
        title="land",
        help="land the selected stream, after a look at the plan",
        group="Train",
        where=frozenset({"mission", "attention", "train"}),
        verb=_merge,
        shown=True,
    ),
    Command(
        id="batch.rollback",
        keys=("B",),
        title="roll back",
        help="take the selected or the newest batch off again",
        group="Train",
        where=frozenset({"mission", "attention", "train"}),
        verb=_rollback,
        shown=True,
    ),
    *(
        Command(id=f"screen.{name}", keys=(str(i),), title=name, help=help_, group="Screens", action=f"go('{name}')")
        for i, (name, help_) in enumerate(
            (
                ("mission", "the live tree"),
                ("attention", "everything that waits for you"),
                ("review", "files, diff and verdict"),
                ("train", "streams in the order in which they land"),
                ("cost", "dollars per agent, stream and model"),
                ("journal", "facts as they happen"),
            ),
            start=1,
        )
    ),
    Command(
        id="palette",
        keys=("ctrl+p",),
        title="commands",
        help="find a command by its name",
        group="Console",
        action="command_palette",
    ),
    Command(id="help", keys=("question_mark",), title="help", help="this page", group="Console", action="help_page"),
    Command(
        id="theme", title="change the colours", help="choose another theme", group="Console", action="change_theme"
    ),
    Command(
        id="quit",
        keys=("q", "ctrl+q"),
        title="quit",
        help="close the console; everything keeps running",
        group="Console",
        action="leave",
    ),
)

BY_ID = {command.id: command for command in COMMANDS}


def bindings() -> Iterator[Binding]:
    """Yields the keys of all commands that no list handles itself."""
    for command in COMMANDS:
        if command.keys and not command.widget:
            yield Binding(
                ",".join(command.keys),
                f"command('{command.id}')",
                command.title,
                show=False,
                id=command.id,
                tooltip=command.help,
            )


def available(where: str) -> tuple[Command, ...]:
    """Returns the commands of a screen."""
    return tuple(command for command in COMMANDS if where in command.where)


_OWN_GROUP = {"mission": "Fleet", "attention": "Fleet", "review": "Review", "train": "Train"}


def offered(where: str) -> list[Command]:
    """Returns what the footer offers on a screen, what the screen is for first."""
    shown = [command for command in available(where) if command.shown]
    return sorted(shown, key=lambda c: (c.id != "open", c.group != _OWN_GROUP.get(where)))


def groups(where: str = "") -> dict[str, list[Command]]:
    """Returns commands that have keys by their group, of one screen or of all."""
    found: dict[str, list[Command]] = {}
    for command in available(where) if where else COMMANDS:
        if command.keys:
            found.setdefault(command.group, []).append(command)
    return found


def key_table() -> str:
    """Returns every key as a Markdown table, for the README."""
    lines = ["| key | does | where |", "| --- | --- | --- |"]
    for members in groups().values():
        for command in members:
            keys = " ".join(f"`{shown_key(key)}`" for key in command.keys)
            where = "everywhere" if command.where == EVERYWHERE else ", ".join(s for s in SCREENS if s in command.where)
            lines.append(f"| {keys} | {command.help} | {where} |")
    return "\n".join(lines) + "\n"
