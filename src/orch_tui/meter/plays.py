"""What the offline model says next: pure, and decided anew from each request, so any number of agents share it.

Three sources, the first that fits: a script written into a prompt between `<<stub` and `stub>>`; a play whose key
stands in the prompt; and, for an agent that brings file tools, a play that does any coding task by writing it up.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from orch_tui.model.errors import ConfigError
from orch_tui.model.ids import slug


class ApiError(Struct, frozen=True, forbid_unknown_fields=True):
    """An error instead of an answer."""

    status: int
    type: str = "api_error"
    message: str = "scripted"
    times: int | None = None
    """How many attempts fail, counted by the client's own retry header; None: all."""
    headers: dict[str, str] = {}


class Step(Struct, frozen=True, forbid_unknown_fields=True):
    """One answer of the model: words, and perhaps one call of a tool."""

    say: str = ""
    tool: str = ""
    input: dict[str, Any] = {}
    think: str = ""
    delay: float = 0.0
    """Seconds before the answer begins."""
    chunk_delay: float = 0.0
    """Seconds before each piece of a streamed answer."""
    usage: dict[str, Any] = {}
    """Fields of `usage` that replace the computed ones."""
    headers: dict[str, str] = {}
    error: ApiError | None = None
    drop_after: int | None = None
    """The connection breaks after this many events."""
    in_stream_error: bool = False


class Content(Struct, frozen=True):
    """A block of a message, as far as a play looks at it."""

    type: str = ""
    text: str = ""
    content: Any = None
    name: str = ""
    input: Any = None


class Message(Struct, frozen=True):
    """A turn of the conversation that a client sends along."""

    role: str = ""
    content: str | list[Content] = ""


class Tool(Struct, frozen=True):
    """A tool that a client offers."""

    name: str = ""


class Ask(Struct, frozen=True):
    """A request to the Messages API, as far as a play looks at it."""

    model: str = "claude-sonnet-5-5"
    messages: list[Message] = []
    system: Any = None
    tools: list[Tool] = []
    stream: bool = False
    max_tokens: int = 0


Plays = Mapping[str, Sequence[Step]]
"""Steps by a text that stands in the prompt; the longest key that fits wins."""

_STUB = re.compile(r"<<stub\s+(.*?)\s*stub>>", re.DOTALL)
_AGENT = re.compile(r"\b[Yy]ou are agent `([a-z0-9-]+)`")
_TOOLS = frozenset({"read_file", "write_file", "run_command", "note", "report"})
_REMINDER = "not reported"
"""What an agent says to a model that stopped without a report."""

_END = Step(say="Done.")


def read_plays(path: Path) -> dict[str, list[Step]]:
    """Returns the plays of a JSON file: an object of lists of steps.

    Raises:
        ConfigError: the file cannot be read or is not of that shape.
    """
    hint = 'Write {"a text of the prompt": [{"say": "…", "tool": "write_file", "input": {…}}, …]}.'
    try:
        return msgspec.json.decode(path.read_bytes(), type=dict[str, list[Step]])
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError) as problem:
        raise ConfigError("The plays cannot be read", f"{path}: {problem}", hint) from problem


def next_step(ask: Ask, plays: Plays) -> Step:
    """Returns what the model says to a request."""
    scripted = _inline(ask.messages)
    if scripted is not None:
        return scripted
    played = _keyed(ask.messages, plays)
    if played is not None:
        return played
    if {tool.name for tool in ask.tools} >= _TOOLS:
        return _at(list(_general(ask.messages)), _turns(_since_prompt(ask.messages)))
    return Step(say="This is the offline stand-in: no model was asked.")


def _at(steps: Sequence[Step], turn: int) -> Step:
    return steps[turn] if turn < len(steps) else _END


def _turns(messages: Sequence[Message]) -> int:
    return sum(message.role == "assistant" for message in messages)


def _inline(messages: Sequence[Message]) -> Step | None:
    """Returns the step of the newest script in the conversation that can be read, None if there is none."""
    for index in range(len(messages) - 1, -1, -1):
        if messages[index].role != "user":
            continue
        for text in _texts(messages[index]):
            steps = _script(text)
            if steps is not None:
                return _at(steps, _turns(messages[index:]))
    return None


def _keyed(messages: Sequence[Message], plays: Plays) -> Step | None:
    """Returns the step of the play whose key stands in the newest prompt that has one, None if there is none.

    A key that only a tool brought, as by reading `TASK.md`, counts where it came first: a play that repeats its own
    key must not begin again.
    """
    prompts = [(index, _prompt(message)) for index, message in enumerate(messages)]
    brought = [(index, "\n".join(_texts(message))) for index, message in enumerate(messages) if message.role == "user"]
    for index, text in [*reversed(prompts), *brought]:
        fitting = [key for key in plays if key in text]
        if fitting:
            return _at(plays[max(fitting, key=len)], _turns(messages[index:]))
    return None


def _script(text: str) -> list[Step] | None:
    found = _STUB.search(text)
    if found is None:
        return None
    raw = found[1].encode()
    try:
        if not raw.startswith(b"["):
            raw = base64.b64decode(raw, validate=True)
        return msgspec.json.decode(raw, type=list[Step])
    except (binascii.Error, msgspec.MsgspecError, UnicodeDecodeError):
        return None


def _texts(message: Message) -> Iterator[str]:
    """Yields every text of a turn, results of tools included."""
    if isinstance(message.content, str):
        yield message.content
        return
    for block in message.content:
        if block.type == "text":
            yield block.text
        elif block.type == "tool_result":
            yield from _result_texts(block.content)


def _result_texts(content: object) -> Iterator[str]:
    if isinstance(content, str):
        yield content
    for part in content if isinstance(content, list) else ():
        if isinstance(part, dict) and isinstance(part.get("text"), str):
            yield part["text"]


def _prompt(message: Message) -> str:
    """Returns what a person or a program asked in a turn, "" if it only brings results of tools."""
    if message.role != "user":
        return ""
    if isinstance(message.content, str):
        return message.content
    return "\n".join(block.text for block in message.content if block.type == "text")


def _since_prompt(messages: Sequence[Message]) -> Sequence[Message]:
    """Returns the conversation from its newest prompt on."""
    for index in range(len(messages) - 1, -1, -1):
        if _prompt(messages[index]):
            return messages[index:]
    return messages


def _general(messages: Sequence[Message]) -> Iterator[Step]:
    """Yields the play for any coding task: read it, write it up, commit, report."""
    recent = _since_prompt(messages)
    asked = _prompt(recent[0]) if recent else ""
    task = next((text for message in recent[1:] if message.role == "user" for text in _texts(message)), asked)
    title = _title(task)
    path = f"docs/{_name(title, task + asked)}.md"
    if _REMINDER in asked:
        yield _report(_title(_prompt(messages[0])))
        return
    yield Step(say="I read the task first.", tool="read_file", input={"path": "TASK.md"})
    yield Step(tool="note", input={"text": f"Read the task: {title}"})
    yield Step(say="I look at what is there.", tool="list_files", input={"path": "."})
    yield Step(
        say=f"I write {path}.", tool="write_file", input={"path": path, "content": _document(title, task, asked)}
    )
    yield Step(tool="note", input={"text": f"Wrote {path}; committing it."})
    yield Step(tool="run_command", input={"argv": ["git", "add", "-A"]})
    yield Step(tool="run_command", input={"argv": ["git", "commit", "-m", f"Document {title}"[:72]]})
    yield _report(f"{title} in {path}")
    yield Step(say=f"The task is done: {path} is written and committed.")


def _report(what: str) -> Step:
    return Step(tool="report", input={"state": "done", "summary": f"Documented {what}"[:200]})


def _title(task: str) -> str:
    """Returns the first line of a task that says something, without its Markdown."""
    lines = (re.sub(r"^[#\s>*-]+(\[.\]\s*)?(Task:\s*)?", "", line).strip() for line in task.splitlines())
    return next((line for line in lines if slug(line)), "the task")[:80]


def _name(title: str, text: str) -> str:
    """Returns a file name that agents with slices of one task do not share."""
    agent = _AGENT.search(text)
    mark = agent[1] if agent else hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:6]
    return f"{slug(title)}-{mark}" if mark not in slug(title) else slug(title)


def _document(title: str, task: str, asked: str) -> str:
    parts = [("The task", task, 40)] + ([("What was asked", asked, 20)] if asked != task else [])
    sections = (f"## {heading}\n\n{_quoted(text, lines)}\n" for heading, text, lines in parts)
    return "\n".join(
        (f"# {title}\n", "Written by the offline stand-in for the model: no model was asked.\n", *sections)
    )


def _quoted(text: str, lines: int) -> str:
    return "\n".join(f"> {line}".rstrip() for line in text.strip().splitlines()[:lines])
