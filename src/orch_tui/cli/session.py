"""What every command is handed: the doors to the mission, and the directory that the person means."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Protocol, TypeVar

import click

from orch_tui.core.ports import MissionVerbs
from orch_tui.model.problem import Problem

T = TypeVar("T")

Job = Callable[[MissionVerbs], Awaitable[T]]


class Doors(Protocol):
    """The ways to a mission; `cli.doors` has the real ones, tests bring their own."""

    def connect(self, directory: Path, *, start_engine: bool = True) -> AbstractAsyncContextManager[MissionVerbs]:
        """Opens the mission in its engine, which is started where none runs and `start_engine` allows it.

        Raises:
            EngineAway: no engine runs and none was to be started.
        """

    def view(self, directory: Path) -> AbstractAsyncContextManager[MissionVerbs]:
        """Opens the mission for reading: its engine if one runs, else its records; starts nothing."""

    def problems(self, directory: Path) -> Sequence[Problem]:
        """Returns what is wrong with the mission's plan and settings as they are on disk now."""

    def now(self) -> float:
        """Returns epoch seconds, UTC."""


class Session:
    """One run of the command line."""

    def __init__(self, doors: Doors, directory: Path) -> None:
        self.doors = doors
        self.directory = directory

    @classmethod
    def of(cls, doors: Doors | None, directory: Path) -> Session:
        """Returns the session with these doors, or with the real ones."""
        if doors is None:
            from orch_tui.cli.doors import EngineDoors

            doors = EngineDoors()
        return cls(doors, directory)

    def ask(self, job: Job[T], *, start_engine: bool = True) -> T:
        """Runs a job with the mission in its engine."""
        return _run(self.doors.connect(self.directory, start_engine=start_engine), job)

    def look(self, job: Job[T]) -> T:
        """Runs a job that only reads; starts no engine."""
        return _run(self.doors.view(self.directory), job)


def _run(door: AbstractAsyncContextManager[MissionVerbs], job: Job[T]) -> T:
    async def inside() -> T:
        async with door as mission:
            return await job(mission)

    return asyncio.run(inside())


pass_session = click.make_pass_decorator(Session)
