"""The mission screen: the live tree on one side, the selection in full on the other."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from msgspec.structs import replace
from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical

from orch_tui.core.ports import MissionVerbs
from orch_tui.model.plain import counted
from orch_tui.tui.bridge import Bridge
from orch_tui.tui.messages import AgentWanted, FilterChanged
from orch_tui.tui.present.cells import safe
from orch_tui.tui.present.fleet import Node
from orch_tui.tui.screens.frame import OrchScreen
from orch_tui.tui.selection import Selection
from orch_tui.tui.widgets.detail import Detail
from orch_tui.tui.widgets.fleet_tree import ColumnHeads, FleetTree
from orch_tui.tui.widgets.lines import TabLine
from orch_tui.tui.widgets.row_list import RowList


class MissionScreen(OrchScreen):
    """The whole hierarchy, and everything about what is selected in it."""

    where: ClassVar[str] = "mission"
    AUTO_FOCUS = "#tree"

    def __init__(self, mission: MissionVerbs, clock: Callable[[], float], bridge: Bridge) -> None:
        super().__init__(mission, clock)
        self._bridge = bridge

    def compose_body(self) -> ComposeResult:
        """Makes tree and detail."""
        with Horizontal(classes="body"):
            with Vertical(id="tree-panel", classes="panel"):
                yield ColumnHeads()
                yield FleetTree(self.clock, id="tree")
            with Vertical(id="detail-panel", classes="panel"):
                yield Detail(self.mission, self.clock, news=self._bridge.newest, id="detail")

    def on_mount(self) -> None:
        """Shows the selection once the tree is there."""
        super().on_mount()
        self._take()

    def watch_fleet(self) -> None:
        """Shows the selection as it is now."""
        if self.is_mounted and self.is_current:
            self._take()

    def _take(self) -> None:
        self.query_one(FleetTree).fleet = self.fleet
        self._show_selection()

    def _show_selection(self) -> None:
        tree, fleet = self.query_one(FleetTree), self.fleet
        node = tree.node
        if fleet is None or node is None:
            return
        self.entitle("#tree-panel", _counted(fleet.size, sum(1 for _ in fleet.agents())))
        node = replace(node, agent=node.agent or _only_agent(node))
        self.entitle("#detail-panel", safe(node.agent or node.stream or fleet.name))
        self.query_one(Detail).show_node(node, fleet)

    def redraw(self) -> None:
        """Draws again what depends on the time."""
        super().redraw()
        self.query_one(FleetTree).redraw()
        self.query_one(Detail).redraw()

    def selection(self) -> Selection:
        """Returns the selected node."""
        node = self.query_one(FleetTree).node
        fleet = self.mission.fleet
        if node is None:
            return Selection(fleet)
        agent = node.agent or _only_agent(node)
        one = fleet.agent(agent) if agent else None
        return Selection(
            fleet,
            stream=node.stream,
            agent=agent,
            expect=one.head if one else "",
            part=node.kind == "task" and not agent,
        )

    def reveal(self, agent: str) -> None:
        """Puts the cursor on an agent."""
        tree = self.query_one(FleetTree)
        tree.reveal_agent(agent)
        tree.focus()

    @on(RowList.Moved, "#tree")
    def _moved(self) -> None:
        self._show_selection()

    @on(RowList.Opened, "#tree")
    def _opened(self) -> None:
        tree = self.query_one(FleetTree)
        node = tree.node
        if node and node.agent:
            self.post_message(AgentWanted(node.agent))
        elif node:
            tree.action_toggle_node()

    def show_inside(self) -> None:
        """Gives the keys to the right-hand side, wide where the screen is narrow."""
        if self.has_class("-narrow"):
            self.add_class("-zoom")
        self.query_one(Detail).focus_pane()

    def action_tab(self, tab: str) -> None:
        """Opens a tab; says what is missing where the selection has none such."""
        detail = self.query_one(Detail)
        detail.show_tab(tab)
        if not detail.fits:
            self.notify(f"Select an agent to see its {tab}.", markup=False)

    def on_tab_line_chosen(self, event: TabLine.Chosen) -> None:
        """Opens the tab that was clicked."""
        self.action_tab(event.tab)

    def action_zoom(self) -> None:
        """Gives the right-hand side the whole width, or takes it back."""
        self.toggle_class("-zoom")
        if self.has_class("-zoom"):
            self.query_one(Detail).focus_pane()
        else:
            self.query_one(FleetTree).focus()

    async def action_filter(self) -> None:
        """Opens the filter."""
        self.remove_class("-zoom")
        await self.open_filter("#tree-panel", "filter by id, title, state, domain")

    def on_filter_changed(self, event: FilterChanged) -> None:
        """Filters as it is typed."""
        self.query_one(FleetTree).query_text = event.words

    def on_filter_left(self) -> None:
        """Goes back to the tree with the filter on."""
        self.query_one(FleetTree).focus()

    async def action_back(self) -> None:
        """Leaves the right-hand side, or takes the filter away."""
        inside = self.has_class("-zoom") or self.query_one(Detail).has_focus_within
        self.remove_class("-zoom")
        if not inside:
            await self.close_filter()
        self.query_one(FleetTree).focus()


def _only_agent(node: Node) -> str:
    """Returns the agent of a task that has just one."""
    parts = node.value if node.kind == "task" and isinstance(node.value, tuple) else ()
    return str(parts[1].id) if len(parts) == 2 else ""


def _counted(size: str, agents: int) -> str:
    return f"{counted(agents, 'agent')}, {size}" if agents else "no agents"
