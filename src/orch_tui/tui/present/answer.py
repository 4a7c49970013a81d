"""What a verb's answer says to the operator, in a sentence. Pure."""

from __future__ import annotations

from orch_tui.model.plain import counted
from orch_tui.model.verbs import Landing, Launched, Outcome, RolledBack

SHOWN = 3


def said(answer: object) -> str:
    """Returns the sentence; "" where the screen says it already."""
    match answer:
        case Outcome():
            return "\n".join((answer.message, *answer.lines[:SHOWN]))
        case Launched():
            return _launched(answer)
        case Landing():
            return _behind(f"{answer.stream} landed as {answer.batch}; before it: {answer.tag}", answer.behind)
        case RolledBack():
            return _behind(f"{answer.batch} is off the target again, by {answer.how}", answer.behind)
    return ""


def _launched(answer: Launched) -> str:
    started = ", ".join(answer.started[:SHOWN])
    more = f" and {len(answer.started) - SHOWN} more" if len(answer.started) > SHOWN else ""
    parts = [f"starting {started}{more}"] if answer.started else []
    if answer.waiting:
        parts.append(f"{counted(len(answer.waiting), 'waits', 'wait')}: {answer.waiting[0].why}")
    return "; ".join(parts) or "nothing to start"


def _behind(sentence: str, behind: tuple[str, ...]) -> str:
    if not behind:
        return sentence
    return f"{sentence}\nyour checkout keeps its own version of {', '.join(behind[:SHOWN])}"
