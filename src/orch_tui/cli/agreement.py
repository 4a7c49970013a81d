"""The one way to a dangerous verb on the command line: its plan first, and only with --yes the deed."""

from __future__ import annotations

from typing import TypeVar

from orch_tui.cli import diagnostics, output
from orch_tui.core.ports import MissionVerbs
from orch_tui.model.errors import Refused
from orch_tui.model.preview import Preview
from orch_tui.model.verbs import Verb

R = TypeVar("R")


async def previewed(mission: MissionVerbs, verb: Verb[R]) -> Preview:
    """Returns the verb's preview.

    Raises:
        Refused: the verb cannot be done now.
    """
    preview = await mission.preview(verb)
    if preview.refused:
        raise Refused(preview.refused)
    return preview


async def agreed(mission: MissionVerbs, verb: Verb[R], *, yes: bool, as_json: bool) -> R | None:
    """Does the verb where the person said yes; else shows its plan and returns None.

    Raises:
        Refused: the verb cannot be done now, or the mission changed since the plan was made.
    """
    preview = await previewed(mission, verb)
    if yes:
        return await mission.do(verb, agreed=preview.digest)
    show(preview, as_json=as_json)
    return None


def show(preview: Preview, *, as_json: bool) -> None:
    """Writes a plan."""
    if as_json:
        output.json(preview)
        return
    output.line(preview.title, bold=True)
    output.lines(f"  {step}" for step in preview.steps)
    if preview.losses:
        output.line("What goes:")
        output.lines(f"  {loss}" for loss in preview.losses)


def not_agreed(*, plan: bool) -> int:
    """Returns the exit code after a plan was shown; says how to go on where that was not all that was asked for."""
    if plan:
        return diagnostics.DONE
    diagnostics.say("orch-tui: nothing was done; add --yes to do it")
    return diagnostics.REFUSED
