"""The command palette's source: the command table, as far as it applies to the screen."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterator
from functools import partial
from typing import Any

from textual.command import DiscoveryHit, Hit, Hits, Provider
from textual.content import Content

from orch_tui.tui.commands import Command, available
from orch_tui.tui.screens.frame import OrchScreen


class MissionCommands(Provider):
    """Finds commands by their title and help."""

    def _commands(self) -> Iterator[tuple[str, Command]]:
        where = self.screen.where if isinstance(self.screen, OrchScreen) else ""
        for command in available(where):
            if not command.widget and command.id != "palette":
                yield f"{command.title}: {command.help}", command

    async def discover(self) -> Hits:
        """Offers everything."""
        for title, command in self._commands():
            yield DiscoveryHit(Content(title), self._callback(command), text=title, help=_keys(command))

    async def search(self, query: str) -> Hits:
        """Offers what matches."""
        matcher = self.matcher(query)
        for title, command in self._commands():
            if (score := matcher.match(title)) > 0:
                yield Hit(score, matcher.highlight(title), self._callback(command), text=title, help=_keys(command))

    def _callback(self, command: Command) -> Callable[[], Coroutine[Any, Any, bool]]:
        return partial(self.app.run_action, f"app.command('{command.id}')")


def _keys(command: Command) -> str:
    return command.key or "no key"
