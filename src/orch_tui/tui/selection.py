"""What the operator has selected, as a value that commands turn into verbs."""

from __future__ import annotations

from msgspec import Struct

from orch_tui.model.fleet import Agent, Fleet


class Selection(Struct, frozen=True, eq=False):
    """One thing of a fleet: an agent (with its stream), a stream, or the whole mission; and perhaps a batch.

    `part` says that it is a part of a stream for which there is no verb: a task of several agents. `expect` is the
    commit that the operator is looking at.
    """

    fleet: Fleet
    stream: str = ""
    agent: str = ""
    batch: str = ""
    expect: str = ""
    part: bool = False

    @property
    def one(self) -> Agent | None:
        """Returns the selected agent."""
        return self.fleet.agent(self.agent) if self.agent else None

    @property
    def words(self) -> str:
        """Returns what is selected, for a sentence."""
        return self.agent or self.stream or "the whole mission"
