"""What model requests used: tokens by class, the ledger's rows as values, and spending rates over a sliding window.

A rate is derived from rows, never stored. The rate of a stream or a fleet is the sum of its agents' rates.
"""

from __future__ import annotations

from typing import Literal, TypeAlias

from msgspec import Struct

RowKind: TypeAlias = Literal["open", "start", "settle", "refuse"]


class Tokens(Struct, frozen=True):
    """Tokens of one or more requests, by the class that prices them."""

    fresh: int = 0
    write: int = 0
    read: int = 0
    output: int = 0

    def __add__(self, other: Tokens) -> Tokens:
        """Returns the sum, class by class."""
        return Tokens(
            self.fresh + other.fresh, self.write + other.write, self.read + other.read, self.output + other.output
        )

    @property
    def total(self) -> int:
        """The tokens of all classes together."""
        return self.fresh + self.write + self.read + self.output


class LedgerRow(Struct, frozen=True):
    """One row of the ledger; only rows of kind `settle` are money spent.

    `open` carries what the request may cost, written before it leaves; `start` what its prompt costs, written when
    the answer begins; `settle` what it did cost, written exactly once; `refuse` a request that never left.
    """

    seq: int
    kind: RowKind
    req: str
    at: float
    day: str
    run: str
    agent: str
    stream: str
    task: str
    model: str
    pico: int = 0
    tokens: Tokens = Tokens()
    estimated: bool = False
    partial: bool = False
    priced: bool = True
    simulated: bool = False
    status: int = 0


BUCKET_SECONDS = 15
WINDOW_SECONDS = 600
YOUNGEST_SECONDS = 60

Bucket: TypeAlias = tuple[int, int]
"""When a bucket of 15 seconds starts, and the micro-dollars that settled in it."""

Window: TypeAlias = tuple[Bucket, ...]
"""The buckets of the last ten minutes, oldest first; the empty tuple is a new agent's."""


def window_add(window: Window, at: float, micros: int) -> Window:
    """Returns the window with an amount that settled at a time; buckets that fell out of it are dropped."""
    start = int(at // BUCKET_SECONDS) * BUCKET_SECONDS
    buckets = dict(window)
    buckets[start] = buckets.get(start, 0) + micros
    oldest = max(buckets) - WINDOW_SECONDS
    return tuple(sorted((begin, spent) for begin, spent in buckets.items() if begin > oldest))


def window_rate(window: Window, now: float, since: float) -> int | None:
    """Returns micro-dollars per hour over the last ten minutes, or None while the agent is too young to say.

    Args:
        window: what the agent spent.
        now: the present.
        since: when the agent started; a younger one is measured over its age.
    """
    age = now - since
    if age < YOUNGEST_SECONDS:
        return None
    spent = sum(amount for begin, amount in window if begin > now - WINDOW_SECONDS)
    return round(spent * 3600 / min(WINDOW_SECONDS, age))
