"""Reads `tasks.md`, and flips one box in it.

This module alone reads and changes the plan's file. markdown-it says which lines are headings and list items, so
prose, code blocks and other headings may surround the plan.
"""

from __future__ import annotations

import re
import stat
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.token import Token
from msgspec.structs import replace

from orch_tui.adapters.files.atomic import write_atomic
from orch_tui.model.errors import ConfigError, Refused
from orch_tui.model.problem import Problem
from orch_tui.model.settings import Settings
from orch_tui.model.tasks import Outline, Plan, Section, TaskLine, plan

LARGEST = 8 * 1024 * 1024
"""The most bytes that a plan may have."""

_EPIC = re.compile(r"epic\s*:\s*", re.IGNORECASE)
_STREAM = re.compile(r"stream\s*(?:\s(\d+)\s*[:.–—-]?|:)\s*", re.IGNORECASE)
_COUNT = re.compile(r"\s*\(\s*(\d+)\s+agents?\s*\)$", re.IGNORECASE)
_ODD_COUNT = re.compile(r"\(([^()]*)\bagents?\s*\)$", re.IGNORECASE)
_BOX = re.compile(r"\[([ xX])\](?:\s+|$)")
_BOX_LINE = re.compile(rb"(\s*(?:[-*+]|\d{1,9}[.)])[ \t]+\[)([ xX])(\][^\r\n]*)")
_LINES = re.compile(rb"[^\r\n]*(?:\r\n?|\n|$)")


def read_plan(path: Path, settings: Settings | None = None, *, shown: str = "") -> Plan:
    """Reads a plan and joins it with the configuration; `shown` is the name that problems call the file by.

    Raises:
        ConfigError: There is no such file, or it cannot be read at all.
    """
    file = shown or path.name
    data = _bytes(path, file)
    odd: tuple[Problem, ...] = ()
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        odd = (Problem(file, line, f"byte 0x{data[error.start]:02x} is not UTF-8; save the file as UTF-8"),)
        text = data.decode("utf-8-sig", "replace")
    outline = parse(text, file)
    return plan(replace(outline, problems=odd + outline.problems), settings)


def parse(text: str, file: str = "tasks.md") -> Outline:
    """Returns the outline of a plan's text."""
    reader = _Reader(file)
    markdown = MarkdownIt("commonmark").disable("inline")
    reader.read(markdown.parse(text.removeprefix("\ufeff")))
    return reader.outline()


def tick(path: Path, line: int, title: str) -> bool:
    """Ticks the box of one task and leaves every other byte as it is; says whether the file changed.

    Raises:
        Refused: The line is no longer that task.
        ConfigError: The file cannot be read.
        StorageError: The file cannot be written.
    """
    data = _bytes(path, path.name)
    target = path.resolve()
    if not target.is_relative_to(path.parent.resolve()):
        raise Refused(f"{path.name} is a link to a file elsewhere", str(target), "Tick the box by hand.")
    lines = _LINES.findall(data)
    if not 0 < line <= len(lines) or not (match := _BOX_LINE.match(lines[line - 1])) or not _is_task(match[3], title):
        place = f"{path.name}:{line}" if line else path.name
        raise Refused(f'{place} is no longer "{title}"', "", "Tick the box by hand.")
    if match[2] != b" ":
        return False
    lines[line - 1] = lines[line - 1][: match.start(2)] + b"x" + lines[line - 1][match.end(2) :]
    write_atomic(target, b"".join(lines), mode=stat.S_IMODE(target.stat().st_mode))
    return True


class _Reader:
    """Walks over the tokens of a plan and collects its sections."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.title = ""
        self.sections: list[Section] = []
        self.tasks: list[TaskLine] = []
        self.problems: list[Problem] = []
        self.depth = 0  # heading level of the open stream; 0 outside of one
        self.warned = False  # whether a checklist under this foreign heading was reported
        self.task_open = False

    def read(self, tokens: list[Token]) -> None:
        """Takes in all tokens."""
        quoted = 0
        for place, token in enumerate(tokens):
            quoted += {"blockquote_open": 1, "blockquote_close": -1}.get(token.type, 0)
            if quoted:
                continue
            if token.type == "heading_open" and token.level == 0:
                self._heading(token, tokens[place + 1].content)
            elif token.type == "list_item_open" and token.level in (1, 3):
                self._item(token, _first_text(tokens, place))
        self._close()

    def outline(self) -> Outline:
        """Returns what was collected."""
        return Outline(self.file, self.title, tuple(self.sections), tuple(self.problems))

    def _heading(self, token: Token, content: str) -> None:
        level, line, text = int(token.tag[1]), _line(token), " ".join(content.split())
        stream = _STREAM.match(text)
        counted = level > 1 and _COUNT.search(text)
        if stream or counted:
            self._close()
            rest, agents = self._count(text[stream.end() :] if stream else text, line)
            number = int(stream[1][:9]) if stream and stream[1] else 0
            if not rest:
                self.problems.append(Problem(self.file, line, "a stream needs a name"))
            self.sections.append(Section(number, rest or f"Stream {number or len(self.sections) + 1}", agents, line))
            self.depth = level
        elif level <= (self.depth or 6):
            self._close()
            epic = level == 1 and _EPIC.match(text)
            if level == 1 and (epic or not self.title):
                self.title = text[epic.end() :] if epic else text

    def _item(self, token: Token, text: str) -> None:
        if token.level == 3:
            if self.task_open:
                part = _BOX.sub("", text, count=1) if _BOX.match(text) else text
                self.tasks[-1] = replace(self.tasks[-1], parts=(*self.tasks[-1].parts, part))
            return
        box, line = _BOX.match(text), _line(token)
        self.task_open = bool(box and self.depth)
        if box and self.depth:
            title, agents = self._count(text[box.end() :], line)
            self.tasks.append(TaskLine(title, 1 if agents is None else agents, box[1] != " ", line))
        elif box and not self.warned:
            self.warned = True
            self._warn(line, "a checklist outside of a stream is not part of the plan")
        elif self.depth and _COUNT.search(text):
            self._warn(line, 'a bullet for agents without a box is not a task; write "- [ ] ..."')

    def _count(self, text: str, line: int) -> tuple[str, int | None]:
        """Splits "Name (3 agents)"; None where no count is given or readable."""
        match = _COUNT.search(text)
        if match:
            return text[: match.start()].strip(), int(match[1][:9])
        odd = _ODD_COUNT.search(text)
        if odd:
            message = f'"{odd[0]}" is not a number of agents; write "(3 agents)"'
            self.problems.append(Problem(self.file, line, message))
            text = text[: odd.start()]
        return text.strip(), None

    def _warn(self, line: int, message: str) -> None:
        self.problems.append(Problem(self.file, line, message, "warning"))

    def _close(self) -> None:
        if self.depth:
            self.sections[-1] = replace(self.sections[-1], tasks=tuple(self.tasks))
        self.tasks, self.depth, self.warned, self.task_open = [], 0, False, False


def _first_text(tokens: list[Token], place: int) -> str:
    """Returns the text with which a list item starts; "" where it starts with something else."""
    for token in tokens[place + 1 : place + 3]:
        if token.type == "inline":
            return " ".join(token.content.split())
    return ""


def _line(token: Token) -> int:
    return token.map[0] + 1 if token.map else 0


def _is_task(rest: bytes, title: str) -> bool:
    """Tells whether the text after a box is this task's, whose title may go on in the next lines."""
    text = " ".join(rest[1:].decode("utf-8", "replace").replace("\0", "\ufffd").split())
    bare = _COUNT.sub("", text)
    return bool(bare) and (bare == title or title.startswith(f"{text} "))


def _bytes(path: Path, shown: str) -> bytes:
    """Reads a plan's file, as long as it is one."""
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            kind = "a directory" if stat.S_ISDIR(status.st_mode) else "not a regular file"
            raise ConfigError(f"{shown} is {kind}", str(path), "The plan is a Markdown file.")
        if status.st_size > LARGEST:
            raise ConfigError(
                f"{shown} is too large", f"{status.st_size} bytes", f"A plan has at most {LARGEST} bytes."
            )
        return path.read_bytes()
    except FileNotFoundError as error:
        raise ConfigError(f"there is no {shown}", str(path), "`orch-tui init` writes one to start from.") from error
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise ConfigError(
            f"{shown} cannot be read", f"{path}: {reason}", "Check the path and its permissions."
        ) from error
