"""The right-hand side of the mission screen: one tab of the selected node; a tab is mounted when it is first shown."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from textual.app import ComposeResult
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Static

from orch_tui.core.ports import MissionVerbs
from orch_tui.model.facts import Record
from orch_tui.model.fleet import Agent, Fleet
from orch_tui.model.verbs import ReadDiff
from orch_tui.tui.present import notes, state
from orch_tui.tui.present.feed import headlines
from orch_tui.tui.present.fleet import Node
from orch_tui.tui.widgets.diff_pane import DiffPane
from orch_tui.tui.widgets.lines import TabLine
from orch_tui.tui.widgets.text_tail import TextTail

TABS = ("notes", "output", "task", "diff", "state", "usage")
"""Their first letters are their keys."""

TAILS = ("notes", "output", "task")

_EMPTY = {
    "notes": "No notes yet. The agent appends them to AGENT_NOTES.md; they show here as they are written.",
    "output": "No output yet.",
    "task": "No task file yet; the engine writes it when the agent is launched.",
}


class FactsPane(VerticalScroll):
    """A text that is a function of the fleet; it scrolls when it is longer than the pane."""

    DEFAULT_CSS = """
    FactsPane { height: 1fr; padding: 0 1; scrollbar-size-vertical: 1; }
    """

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002  Textual's word
        super().__init__(id=id)
        self._shown = Content("")

    def compose(self) -> ComposeResult:
        """Makes the text's place."""
        yield Static(markup=False)

    def put(self, content: Content) -> None:
        """Shows a text; it is painted only where it is another one."""
        if not self.children:
            self.call_after_refresh(self.put, content)
        elif not content.is_same(self._shown):
            self._shown = content
            self.query_one(Static).update(content)


class Detail(Vertical):
    """Notes, output, task, diff, state and usage of the selection."""

    DEFAULT_CSS = """
    Detail > .tab { display: none; }
    Detail > .tab.-open { display: block; }
    """

    def __init__(
        self,
        mission: MissionVerbs,
        clock: Callable[[], float],
        *,
        news: Callable[[], Iterable[Record]],
        id: str | None = None,  # noqa: A002  Textual's word
    ) -> None:
        super().__init__(id=id)
        self._mission = mission
        self._clock = clock
        self._news = news
        self._tab = "notes"
        self._node: Node | None = None
        self._fleet: Fleet | None = None
        self._panes: dict[str, Widget] = {}

    def compose(self) -> ComposeResult:
        """Makes the tabs' line; the panes come when they are needed."""
        yield TabLine(TABS, self._tab)

    @property
    def tab(self) -> str:
        """Returns the open tab."""
        return self._tab

    @property
    def fits(self) -> bool:
        """Says whether the selection has what the open tab shows: a stream has no notes, only its agents have."""
        return self._open_name() == self._tab

    def show_tab(self, tab: str) -> None:
        """Opens a tab."""
        self._tab = tab
        self.query_one(TabLine).tab = tab
        self._update()

    def show_node(self, node: Node | None, fleet: Fleet) -> None:
        """Shows what is selected, as it is now."""
        self._node, self._fleet = node, fleet
        self._update()

    def redraw(self) -> None:
        """Draws again what depends on the time."""
        if self._open_name() not in (*TAILS, "diff"):
            self._update()

    def focus_pane(self) -> None:
        """Gives the keys to the open tab."""
        pane = self._panes.get(self._open_name())
        if pane:
            pane.focus()

    def _open_name(self) -> str:
        """Returns which pane shows the open tab: where the selection has no file, its state is shown."""
        is_agent = bool(self._node and self._node.agent)
        if self._tab in TAILS and not is_agent:
            return "state"
        return self._tab

    def _update(self) -> None:
        if self._node is None or self._fleet is None:
            return
        name = self._open_name()
        pane = self._pane(name)
        for other_name, other in self._panes.items():
            other.set_class(other_name == name, "-open")
        self._fill(pane, name, self._node, self._fleet)

    def _pane(self, name: str) -> Widget:
        if name not in self._panes:
            pane = self._make(name)
            pane.add_class("tab", "-open")
            self._panes[name] = pane
            self.mount(pane)
        return self._panes[name]

    def _make(self, name: str) -> Widget:
        if name in TAILS:
            tone = notes.plain_tone if name == "output" else notes.markdown_tone
            return TextTail(self._mission, name, tone=tone, empty=_EMPTY[name], follow=name != "task", id=f"tab-{name}")
        if name == "diff":
            return DiffPane(self._mission, id="tab-diff")
        return FactsPane(id=f"tab-{name}")

    def _fill(self, pane: Widget, name: str, node: Node, fleet: Fleet) -> None:
        if isinstance(pane, TextTail):
            pane.show(node.agent)
        elif isinstance(pane, DiffPane):
            self._fill_diff(pane, node, fleet)
        elif isinstance(pane, FactsPane):
            pane.put(self._facts(name, node, fleet))

    def _fill_diff(self, pane: DiffPane, node: Node, fleet: Fleet) -> None:
        agent, stream = fleet.agent(node.agent), fleet.stream(node.stream)
        if agent and agent.ahead:
            pane.ask(ReadDiff(agent=agent.id), agent.head)
        elif agent:
            pane.forget(f"{agent.id} has no commits yet.")
        elif stream and any(a.ahead for a in stream.agents):
            pane.ask(ReadDiff(stream=stream.key), " ".join(a.head for a in stream.agents))
        else:
            pane.forget("No commits yet. Select a stream or an agent that has some.")

    def _facts(self, name: str, node: Node, fleet: Fleet) -> Content:
        now = self._clock()
        agent, stream = fleet.agent(node.agent) if node.agent else None, fleet.stream(node.stream)
        if name == "usage":
            return state.cost(_agents(node, fleet), node.agent or node.stream or "the whole mission", fleet, now)
        if agent:
            return state.agent(agent, fleet, now)
        news = headlines(self._news(), node.stream, now)
        return state.stream(stream, fleet, now, news) if stream else state.mission(fleet, now, news)


def _agents(node: Node, fleet: Fleet) -> tuple[Agent, ...]:
    stream = fleet.stream(node.stream)
    if node.kind == "task" and isinstance(node.value, tuple):
        return tuple(part for part in node.value if isinstance(part, Agent))
    if node.agent:
        return tuple(a for a in fleet.agents() if a.id == node.agent)
    return stream.agents if stream else tuple(fleet.agents())
