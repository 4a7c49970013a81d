"""The errors that cross every border of the program.

    OrchError
    ├── UsageError     the command line or the configuration asks for something impossible   exit 2
    │   └── ConfigError    a file of the operator cannot be used                              exit 2
    ├── Refused        the mission's state forbids the verb; the reason is the title           exit 1
    ├── EnvironmentProblem   the machine lacks something: git, a directory, a permission        exit 3
    │   ├── GitError       git ran and failed
    │   ├── RunnerError    an agent's process could not be started or reached
    │   └── StorageError   the disk refused a record
    ├── PluginError    a plug-in is missing, broken or of another API version                 exit 3
    ├── Busy           somebody else holds what is needed, or time ran out                     exit 4
    └── EngineAway     the engine cannot be reached                                            exit 3

Every error says what happened (`title`), to what (`detail`) and what to do (`hint`). They cross the
socket as (kind, title, detail, hint) and are raised again on the other side.
"""

from __future__ import annotations

from typing import ClassVar


class OrchError(Exception):
    """Something went wrong that a person should read."""

    kind: ClassVar[str] = "error"
    exit_code: ClassVar[int] = 3

    def __init__(self, title: str, detail: str = "", hint: str = "") -> None:
        super().__init__(title)
        self.title = title
        self.detail = detail
        self.hint = hint

    def __str__(self) -> str:
        return ": ".join(part for part in (self.title, self.detail) if part)


class UsageError(OrchError):
    """The command line asks for something impossible."""

    kind = "usage"
    exit_code = 2


class ConfigError(UsageError):
    """A file of the operator cannot be used."""

    kind = "config"


class Refused(OrchError):
    """The mission's state forbids the verb."""

    kind = "refused"
    exit_code = 1


class EnvironmentProblem(OrchError):
    """The machine lacks something that is needed."""

    kind = "environment"


class GitError(EnvironmentProblem):
    """Git ran and failed."""

    kind = "git"


class RunnerError(EnvironmentProblem):
    """An agent's process could not be started or reached."""

    kind = "runner"


class StorageError(EnvironmentProblem):
    """The disk refused a record."""

    kind = "storage"


class PluginError(OrchError):
    """A plug-in is missing, broken or of another API version."""

    kind = "plugin"


class Busy(OrchError):
    """Somebody else holds what is needed, or time ran out."""

    kind = "busy"
    exit_code = 4


class EngineAway(OrchError):
    """The engine cannot be reached."""

    kind = "engine_away"


ERRORS: dict[str, type[OrchError]] = {
    cls.kind: cls
    for cls in (
        OrchError,
        UsageError,
        ConfigError,
        Refused,
        EnvironmentProblem,
        GitError,
        RunnerError,
        StorageError,
        PluginError,
        Busy,
        EngineAway,
    )
}


def raised_again(kind: str, title: str, detail: str, hint: str) -> OrchError:
    """Returns the error that crossed the socket as (kind, title, detail, hint)."""
    return ERRORS.get(kind, OrchError)(title, detail, hint)
