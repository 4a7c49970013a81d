"""What crosses from a screen to the application: where the operator wants to go."""

from __future__ import annotations

from textual.message import Message


class AgentWanted(Message):
    """The operator opened an agent: its review where it waits for one, else its place in the tree."""

    def __init__(self, agent: str) -> None:
        super().__init__()
        self.agent = agent


class StreamWanted(Message):
    """The operator opened a stream or a batch: its place in the train."""

    def __init__(self, stream: str) -> None:
        super().__init__()
        self.stream = stream


class ScreenWanted(Message):
    """The operator wants another screen."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = name


class FilterChanged(Message):
    """The operator typed other words to filter by."""

    def __init__(self, words: str) -> None:
        super().__init__()
        self.words = words


class FilterLeft(Message):
    """The operator is done with the words, which stay."""
