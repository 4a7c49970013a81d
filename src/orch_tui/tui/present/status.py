"""The lines at the top and the bottom of every screen: where we are, what it costs, what waits. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from textual.content import Content

from orch_tui.model.attention import Item
from orch_tui.model.fleet import Fleet
from orch_tui.model.plain import counted
from orch_tui.tui import look
from orch_tui.tui.commands import SCREENS, Command
from orch_tui.tui.present import money as price
from orch_tui.tui.present.cells import cell, safe

GAUGE_CELLS = 12
WIDE = 100


def nav(fleet: Fleet, where: str, items: Sequence[Item], width: int) -> Content:
    """Returns the screens with their keys, the one we are on marked, and the mission's name where there is room."""
    reviews = sum(i.kind == "review" for i in items)
    counts = {"attention": len(items), "review": reviews}
    tabs = Content.assemble(
        " ", *(_tab(i, name, name == where, counts.get(name, 0)) for i, name in enumerate(SCREENS, start=1))
    )
    room = width - tabs.cell_length - 1
    title = safe(fleet.name)
    if room < len(title) + 2 or not title:
        return tabs
    return Content.assemble(tabs, " " * (room - len(title)), (title, look.MUTED))


def _tab(number: int, name: str, here: bool, count: int) -> Content:
    badge = f"·{count}" if count else ""
    if here:
        return Content.assemble((f" {number} {name}{badge} ", "bold $background on $primary"))
    return Content.assemble((f" {number} ", look.KEY), (name, look.MUTED), (badge, look.CALL), " ")


def status(fleet: Fleet, items: Sequence[Item], width: int, *, now: float, away: bool) -> Content:
    """Returns the meters of the fleet and what waits for the operator; what matters least is left out first."""
    spent = price.fleet_money(fleet, now)
    left = [part for part in (_away(away), _simulated(fleet), Content.styled(price.rate(spent), look.STRONG)) if part]
    left.append(price.budget(fleet, spent, GAUGE_CELLS if width >= WIDE else 0))
    if words := price.forecast(fleet, spent):
        left.append(Content.styled(words, look.MUTED))
    running = Content.styled(f"{price.running(fleet)} {'running' if width >= WIDE else 'run'}", look.MUTED)
    right = [running, _call(items)]
    gap = Content.styled("  ", look.FAINT)
    tail = gap.join(right)
    head = Content.assemble(" ", gap.join(left))
    room = width - tail.cell_length - 2
    return Content.assemble(cell(head, room), " ", tail, " ")


def _away(away: bool) -> Content | None:
    return Content.styled(" engine away, reconnecting ", look.BADGE) if away else None


def _simulated(fleet: Fleet) -> Content | None:
    return Content.styled(" SIMULATED ", look.BADGE) if fleet.simulated else None


def _call(items: Sequence[Item]) -> Content:
    if not items:
        return Content.styled("nothing waits for you", look.MUTED)
    state = look.attention(items[0].kind)
    return Content.styled(f"{state.glyph} {counted(len(items), 'needs', 'need')} you", state.tone)


def keys(commands: Sequence[Command], width: int) -> Content:
    """Returns the keys of a screen as far as they fit; help and quit are always there."""
    always = Content.assemble((" ?", look.KEY), (" help ", look.MUTED), (" q", look.KEY), (" quit ", look.MUTED))
    room = width - always.cell_length
    line = Content("")
    for command in commands:
        piece = Content.assemble((f" {command.key}", look.KEY), (f" {command.title} ", look.MUTED))
        if line.cell_length + piece.cell_length > room:
            break
        line = line + piece
    return Content.assemble(cell(line, room), always)


def tabs(names: Sequence[str], here: str) -> Content:
    """Returns tabs, the open one marked; the first letter of each is its key."""
    return Content.assemble(*(_name(name, name == here) for name in names))


def _name(name: str, here: bool) -> Content:
    if here:
        return Content.styled(f" {name} ", "bold $foreground on $primary 35%")
    return Content.assemble(" ", (name[0], look.KEY), (f"{name[1:]} ", look.MUTED))
