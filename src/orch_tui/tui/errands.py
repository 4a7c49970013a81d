"""Runs verbs for the operator: explains refusals, shows previews, asks for texts, reports answers.

Errands belong to the application, not to a screen: leaving the screen stops none of them.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Literal, Protocol

from orch_tui.core.ports import MissionVerbs
from orch_tui.model.errors import OrchError, Refused
from orch_tui.model.preview import Preview
from orch_tui.model.refusals import refuse
from orch_tui.model.verbs import Verb
from orch_tui.tui.commands import Command, Prompt
from orch_tui.tui.present.answer import said
from orch_tui.tui.selection import Selection

HELD_KEY_SECONDS = 0.4
"""A key that repeats faster is held, not pressed again."""

Tone = Literal["information", "warning", "error"]


class Asker(Protocol):
    """How an errand talks with the operator."""

    async def agree(self, preview: Preview, verb: Verb[Any]) -> bool:
        """Shows what a verb would do; says whether the operator agrees."""

    async def text(self, prompt: Prompt, about: str) -> str:
        """Asks for a text; "" where the operator thought better of it."""

    def tell(self, words: str, *, title: str = "", tone: Tone = "information") -> None:
        """Says something that needs no answer."""


class Errands:
    """What the operator has asked for and is not answered yet."""

    def __init__(
        self,
        mission: MissionVerbs,
        asker: Asker,
        start: Callable[[Awaitable[None]], object],
        monotonic: Callable[[], float],
    ) -> None:
        self._mission = mission
        self._asker = asker
        self._start = start
        self._monotonic = monotonic
        self._open: set[str] = set()
        self._pressed: dict[str, float] = {}

    @property
    def busy(self) -> bool:
        """Says whether an errand is under way."""
        return bool(self._open)

    def run(self, command: Command, selection: Selection) -> None:
        """Starts what the command means for the selection; a held key starts it once."""
        mark = f"{command.id} {selection.agent or selection.stream} {selection.batch}"
        if self._held(mark) or mark in self._open:
            return
        self._open.add(mark)
        self._start(self._finish(mark, command, selection))

    def _held(self, mark: str) -> bool:
        now = self._monotonic()
        before = self._pressed.get(mark)
        self._pressed = {m: at for m, at in self._pressed.items() if now - at < HELD_KEY_SECONDS}
        self._pressed[mark] = now
        return before is not None and now - before < HELD_KEY_SECONDS

    async def _finish(self, mark: str, command: Command, selection: Selection) -> None:
        try:
            verb = await self._verb(command, selection)
            if verb is not None:
                await self._do(verb)
            if command.prompt or (verb is not None and verb.dangerous):
                # A question stood between: the same key afterwards is pressed anew, not held.
                self._pressed.pop(mark, None)
        except Refused as reason:
            self._asker.tell(_words(reason), title=f"Cannot {command.does}", tone="warning")
        except OrchError as problem:
            self._asker.tell(_words(problem), title=f"Failed to {command.does}", tone="error")
        finally:
            self._open.discard(mark)

    async def _verb(self, command: Command, selection: Selection) -> Verb[Any] | None:
        if command.prompt is None:
            verb = command.verb(selection) if command.verb else None
            return self._allowed(command, verb)
        # What would be refused with any text is refused before one is asked for.
        self._allowed(command, command.prompt.verb(selection, "…"))
        text = await self._asker.text(command.prompt, selection.words)
        return command.prompt.verb(selection, text) if text.strip() else None

    def _allowed(self, command: Command, verb: Verb[Any] | None) -> Verb[Any]:
        if verb is None:
            raise Refused(f"Select {command.needs} first.")
        if reason := refuse(self._mission.fleet, verb):
            raise Refused(reason)
        return verb

    async def _do(self, verb: Verb[Any]) -> None:
        agreed = ""
        if verb.dangerous:
            preview = await self._mission.preview(verb)
            if preview.refused:
                raise Refused(preview.refused)
            if not await self._asker.agree(preview, verb):
                return
            agreed = preview.digest
        answer = await self._mission.do(verb, agreed=agreed)
        if words := said(answer):
            self._asker.tell(words)


def _words(problem: OrchError) -> str:
    return "\n".join(part for part in (problem.title, problem.detail, problem.hint) if part)
