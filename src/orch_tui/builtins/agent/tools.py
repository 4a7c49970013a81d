"""What the model can do: eight tools, each a description for it and a function for us.

One table makes the list that is sent and the dispatch; a tool's trouble is an answer, never an end.
"""

from __future__ import annotations

import fnmatch
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from orch_tui.builtins.agent import commands
from orch_tui.builtins.agent.workspace import ToolError, Workspace

STATES = ("working", "blocked", "done", "failed")
SEARCH_S = 30.0
REPORT_S = 30.0
NOT_FOR_COMMANDS = ("ANTHROPIC_BASE_URL", "ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN")


class Limits(NamedTuple):
    """How far commands may go."""

    command_timeout: float = 300.0
    allow: tuple[str, ...] = ("*",)


class Toolbox:
    """The tools over one worktree; `reported` is the state that the agent claimed last."""

    def __init__(self, workspace: Workspace, notes: Path, environ: Mapping[str, str], limits: Limits) -> None:
        self.workspace = workspace
        self.notes = notes
        self.limits = limits
        self.reported = ""
        self._environ = dict(environ)

    def use(self, name: str, given: object) -> tuple[str, bool]:
        """Returns a tool's answer and whether it is an error."""
        tool = TOOLS.get(name)
        if tool is None:
            return f"there is no tool {name!r}; there are {', '.join(TOOLS)}", True
        try:
            return tool.run(self, _checked(tool, given)), False
        except ToolError as trouble:
            return str(trouble), True

    def search(self, pattern: str, path: str) -> str:
        """Returns the lines that match an extended regular expression, as `file:line:text`."""
        where = self.workspace.inside(path).relative_to(self.workspace.root)
        argv = ["grep", "-rnIE", "--exclude-dir=.git", "-e", pattern, "--", str(where)]
        done = self._started(argv, SEARCH_S)
        if done.rc == 1:
            return "[no match]"
        if done.rc != 0:
            raise ToolError(f"the search failed: {done.output[:500] or 'its time was up'}")
        return done.output

    def run_command(self, argv: list[str]) -> str:
        """Runs one program in the worktree and returns its exit status and output."""
        if not argv:
            raise ToolError("`argv` is empty")
        if not any(fnmatch.fnmatch(Path(argv[0]).name, allowed) for allowed in self.limits.allow):
            raise ToolError(f"{argv[0]!r} may not be run here; allowed: {', '.join(self.limits.allow)}")
        done = self._started(argv, self.limits.command_timeout)
        how = "time was up" if done.rc is None else f"exit status {done.rc}"
        return f"[{how}]\n{done.output}"

    def note(self, text: str) -> str:
        """Appends to the agent's notes."""
        try:
            descriptor = os.open(self.notes, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW, 0o644)
            with os.fdopen(descriptor, "ab") as stream:
                stream.write(text.rstrip("\n").encode(errors="replace") + b"\n")
        except OSError as trouble:
            raise ToolError(f"the notes cannot be written: {trouble.strerror}") from trouble
        return "noted"

    def report(self, state: str, summary: str) -> str:
        """Claims a state through the `orch-report` program."""
        if state not in STATES:
            raise ToolError(f"`state` is one of {', '.join(STATES)}")
        done = self._started(["orch-report", state, summary], REPORT_S)
        if done.rc != 0:
            raise ToolError(f"orch-report failed: {done.output[:500]}")
        self.reported = state
        return f"reported {state}"

    def _started(self, argv: list[str], timeout: float) -> commands.Done:
        env = {name: text for name, text in self._environ.items() if name not in NOT_FOR_COMMANDS}
        try:
            return commands.run(argv, self.workspace.root, env, timeout)
        except (OSError, ValueError) as trouble:
            raise ToolError(f"{argv[0]!r} cannot be started: {trouble}") from trouble


class Tool(NamedTuple):
    """A tool as the model sees it and as it runs."""

    about: str
    fields: dict[str, dict[str, Any]]
    run: Callable[[Toolbox, dict[str, Any]], str]


def _text(about: str) -> dict[str, Any]:
    return {"type": "string", "description": about}


PATH = _text("a path relative to the worktree")
ARGV = {"type": "array", "items": {"type": "string"}, "description": "the program and its arguments, one item each"}
STATE = {"type": "string", "enum": list(STATES)}


def _write(box: Toolbox, given: dict[str, Any]) -> str:
    return f"{box.workspace.write(given['path'], given['content'])} bytes written"


def _edit(box: Toolbox, given: dict[str, Any]) -> str:
    box.workspace.edit(given["path"], given["old"], given["new"])
    return "edited"


TOOLS: dict[str, Tool] = {
    "read_file": Tool("Returns the text of a file.", {"path": PATH}, lambda b, g: b.workspace.read(g["path"])),
    "write_file": Tool("Writes a whole file.", {"path": PATH, "content": _text("the file's text")}, _write),
    "edit_file": Tool(
        "Replaces text that stands in a file exactly once.",
        {"path": PATH, "old": _text("what stands there now"), "new": _text("what is to stand there")},
        _edit,
    ),
    "list_files": Tool("Lists files below a directory.", {"path": PATH}, lambda b, g: b.workspace.listing(g["path"])),
    "search": Tool(
        "Finds lines by an extended regular expression.",
        {"pattern": _text("the expression"), "path": PATH},
        lambda b, g: b.search(g["pattern"], g["path"]),
    ),
    "run_command": Tool(
        "Runs one program in the worktree: no shell, no input, nothing keeps running.",
        {"argv": ARGV},
        lambda b, g: b.run_command(g["argv"]),
    ),
    "note": Tool(
        "Appends to your notes, which the operator reads live.",
        {"text": _text("Markdown")},
        lambda b, g: b.note(g["text"]),
    ),
    "report": Tool(
        "Tells the mission how you stand. After `blocked` you get an answer; `done` and `failed` end your work.",
        {"state": STATE, "summary": _text("one line, at most 500 characters")},
        lambda b, g: b.report(g["state"], g["summary"]),
    ),
}


def described() -> list[dict[str, Any]]:
    """Returns the tools in the words of the Messages API."""
    return [
        {
            "name": name,
            "description": tool.about,
            "input_schema": {"type": "object", "properties": tool.fields, "required": list(tool.fields)},
        }
        for name, tool in TOOLS.items()
    ]


def _checked(tool: Tool, given: object) -> dict[str, Any]:
    """Returns the input if each field is there and of its type."""
    if not isinstance(given, dict):
        raise ToolError("the input must be an object")
    for name, schema in tool.fields.items():
        value = given.get(name)
        items = isinstance(value, list) and all(isinstance(item, str) for item in value)
        if not (items if schema["type"] == "array" else isinstance(value, str)):
            raise ToolError(f"`{name}` must be {'a list of strings' if schema['type'] == 'array' else 'a string'}")
    return given
