"""Blueprints: instructions for agents, composed from layers by heading.

Pure. A section starts at a heading of level 1 or 2 and takes its sub-headings with it. A later layer replaces a
section of the same name and adds the rest; a layer that tightens never replaces, it adds to the section.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from msgspec import Struct

_HEADING = re.compile(r" {0,3}(#{1,2})[ \t]+(.*?)(?:[ \t]+#+)?[ \t]*$")
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})(.*)")


class Layer(Struct, frozen=True):
    """One source of instructions; `tightens` is true of compliance profiles."""

    name: str
    text: str
    tightens: bool = False


class Section(Struct, frozen=True):
    """A part of a blueprint: its heading, its body, and the layers that it came from."""

    heading: str
    body: str
    sources: tuple[str, ...]


class Blueprint(Struct, frozen=True):
    """What an agent is told, and where each part of it came from."""

    text: str
    sections: tuple[Section, ...]


def compose(layers: Sequence[Layer]) -> Blueprint:
    """Joins layers into one blueprint; the first layer's title is the title of the whole."""
    sections: dict[str, Section] = {}
    title = ""
    for number, layer in enumerate(layers):
        for level, heading, body in split(layer.text):
            if level == 1 and number == 0 and not title:
                title, heading = heading, ""
            if level == 1 and not body and heading:
                continue
            _lay(sections, Section(heading, body, (layer.name,)), layer.tightens)
    kept = tuple(section for section in sections.values() if section.heading or section.body)
    return Blueprint(text=_written(title, kept), sections=kept)


def split(text: str) -> Iterator[tuple[int, str, str]]:
    """Yields (level, heading, body) of each section; text before the first heading has level 0 and no heading."""
    level, heading, body, fence = 0, "", list[str](), ""
    for line in text.removeprefix("\ufeff").splitlines():
        match = None if fence else _HEADING.match(line)
        fence = _fence_after(line, fence)
        if match is None:
            body.append(line.rstrip())
            continue
        if heading or "".join(body):
            yield level, heading, "\n".join(body).strip("\n")
        level, heading, body = len(match[1]), match[2], []
    if heading or "".join(body):
        yield level, heading, "\n".join(body).strip("\n")


def _fence_after(line: str, fence: str) -> str:
    """Returns the fence that is open after a line; empty outside of a code block."""
    match = _FENCE.match(line)
    if match is None:
        return fence
    if not fence:
        return match[1]
    closes = match[1][0] == fence[0] and len(match[1]) >= len(fence) and not match[2].strip()
    return "" if closes else fence


def _lay(sections: dict[str, Section], section: Section, tightens: bool) -> None:
    """Puts one section over what is there: in the place of its namesake, or at the end."""
    key = " ".join(section.heading.casefold().split())
    below = sections.get(key)
    if below and (tightens or not key):
        body = f"{below.body}\n\n{section.body}".strip("\n")
        section = Section(below.heading, body, (*below.sources, *section.sources))
    sections[key] = section


def _written(title: str, sections: Sequence[Section]) -> str:
    """Writes a blueprint: one title, then every section at level 2."""
    parts = [f"# {title}"] if title else []
    for section in sections:
        parts += [f"## {section.heading}"] if section.heading else []
        parts += [section.body] if section.body else []
    return "\n\n".join(parts) + "\n"
