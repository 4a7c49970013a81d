"""One complaint about a file of the operator, with the place where it can be mended."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from typing import Literal

from msgspec import Struct

Severity = Literal["error", "warning"]


class Problem(Struct, frozen=True):
    """Something in a file that a person should mend; line 0 where the place is not known."""

    file: str
    line: int
    message: str
    severity: Severity = "error"

    @property
    def text(self) -> str:
        """The problem as one line: `file:line: message`."""
        return f"{self.place}: {self.message}"

    @property
    def place(self) -> str:
        """The file, and the line where it is known."""
        return f"{self.file}:{self.line}" if self.line else self.file


def errors(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    """Returns the problems that stop the work."""
    return tuple(problem for problem in problems if problem.severity == "error")


def did_you_mean(word: str, known: Sequence[str]) -> str:
    """Returns a clause that offers the nearest spelling, or lists what there is, to put after a complaint."""
    near = get_close_matches(word, known, n=1, cutoff=0.6)
    if near:
        return f'; did you mean "{near[0]}"?'
    return f"; there is {', '.join(sorted(known))}" if known else ""
