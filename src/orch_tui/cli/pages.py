"""Files of agents, page by page from the mission to stdout."""

from __future__ import annotations

from orch_tui.cli import output
from orch_tui.core.ports import MissionVerbs
from orch_tui.model.errors import Refused
from orch_tui.model.verbs import Page, ReadPage

WAIT_S = 20.0
"""How long one question for more stays open; there is no other pause."""


async def show_file(mission: MissionVerbs, agent: str, file: str, *, follow: bool, as_json: bool) -> None:
    """Writes an agent's file to its end, then what is added where it is followed.

    Raises:
        Refused: there is no such agent.
    """
    if mission.fleet.agent(agent) is None:
        raise Refused(f"there is no agent {agent!r}", hint="`orch-tui status` lists them.")
    offset, wait_s = 0, 0.0
    while True:
        page = await mission.do(ReadPage(agent, file, offset=offset, wait_s=wait_s))
        _show(page, as_json=as_json)
        if page.size < offset:  # written anew: the notes by their agent, the output by its next attempt
            offset, wait_s = 0, 0.0
            continue
        at_end = page.next in (offset, page.size)
        if at_end and not follow:
            return
        offset, wait_s = page.next, WAIT_S if at_end else 0.0


def _show(page: Page, *, as_json: bool) -> None:
    if as_json and (page.text or not page.offset):
        output.json(page, one_line=True)
    elif page.text and not as_json:
        output.text(page.text)
