"""The agent's work: ask, use tools, hand back their answers, until it has reported an end.

Knows neither the SDK nor a process; model, tools and inbox are handed in. What it does is printed
as plain lines (`turn:`, `say:`, `tool:`, `waiting:`, `error:`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from orch_tui.builtins.agent.inbox import Inbox
from orch_tui.builtins.agent.model import Answer, ModelError
from orch_tui.builtins.agent.tools import Toolbox, described

NUDGES = 2
NUDGE = "You have not reported an end. Go on with the task, or use `report` with done, blocked or failed."
CUT_OFF = "This call was cut off by the length limit and was not carried out; write less at a time."


class Asks(Protocol):
    """A model."""

    def ask(self, system: str, messages: list[dict[str, Any]], tools: list[dict[str, Any]]) -> Answer:
        """Returns the next answer."""


class Worker:
    """One agent at work on one task."""

    def __init__(self, model: Asks, toolbox: Toolbox, inbox: Inbox, say: Callable[[str], None]) -> None:
        self._model = model
        self._toolbox = toolbox
        self._inbox = inbox
        self._say = say
        self._nudges = 0

    def work(self, system: str, opening: str, max_turns: int) -> int:
        """Works until an end was reported; returns the exit status: 0 when the task is done."""
        unread = [text for text in self._inbox.new() if text.strip() not in opening]
        messages = [{"role": "user", "content": [_text(text) for text in [opening, *unread]]}]
        for turn in range(1, max_turns + 1):
            self._say(f"turn: {turn}")
            try:
                answer = self._model.ask(system, messages, described())
            except ModelError as trouble:
                return give_up(self._toolbox, self._say, str(trouble))
            reply = self._react(answer)
            if self._toolbox.reported in ("done", "failed"):
                return 0 if self._toolbox.reported == "done" else 1
            if answer.stop == "refusal" or self._nudges > NUDGES:
                return give_up(
                    self._toolbox,
                    self._say,
                    "the model refused the task" if answer.stop == "refusal" else "it ended without a report",
                )
            messages += [{"role": "assistant", "content": answer.content}] if answer.content else []
            messages.append({"role": "user", "content": reply})
        return give_up(self._toolbox, self._say, f"not finished after {max_turns} turns")

    def _react(self, answer: Answer) -> list[dict[str, Any]]:
        """Does what the model wants and returns what it is to hear next."""
        for text in answer.texts:
            for line in text.splitlines():
                self._say(f"say: {line}")
        self._toolbox.reported = ""
        reply = [self._result(answer, number) for number in range(len(answer.calls))]
        if self._toolbox.reported == "blocked":
            self._say("waiting: for an answer of the operator")
            reply += [_text(text) for text in self._inbox.wait()]
        elif not self._toolbox.reported or self._toolbox.reported == "working":
            reply += [_text(text) for text in self._inbox.new()]
        self._nudges = 0 if reply else self._nudges + 1
        return reply or [_text(NUDGE)]

    def _result(self, answer: Answer, number: int) -> dict[str, Any]:
        call = answer.calls[number]
        self._say(f"tool: {call.name} {_gist(call.given)}")
        cut = answer.stop == "max_tokens" and number == len(answer.calls) - 1
        text, broken = (CUT_OFF, True) if cut else self._toolbox.use(call.name, call.given)
        if broken:
            self._say(f"error: {_one_line(text)}")
        return {"type": "tool_result", "tool_use_id": call.id, "content": text or "[nothing]", "is_error": broken}


def give_up(toolbox: Toolbox, say: Callable[[str], None], why: str) -> int:
    """Reports the task as failed and returns the exit status for that."""
    say(f"error: {why}")
    answer, broken = toolbox.use("report", {"state": "failed", "summary": why})
    if broken:
        say(f"error: {answer}")
    return 1


def _text(text: str) -> dict[str, Any]:
    return {"type": "text", "text": text}


def _gist(given: object) -> str:
    values = given.values() if isinstance(given, dict) else [given]
    return _one_line(" ".join(" ".join(map(str, one)) if isinstance(one, list) else str(one) for one in values))


def _one_line(text: str) -> str:
    return " ".join(text[:400].split())[:160]
