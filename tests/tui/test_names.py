"""No class of ours takes a name that Textual uses for something else."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import re

from textual.message_pump import MessagePump

import orch_tui.tui

MEANT = {
    "AUTO_FOCUS",
    "BINDINGS",
    "COMMANDS",
    "COMMAND_PALETTE_BINDING",
    "COMPONENT_CLASSES",
    "CSS_PATH",
    "DEFAULT_CSS",
    "HORIZONTAL_BREAKPOINTS",
    "TITLE",
    "animation_level",
    "can_focus",
    "can_focus_children",
    "can_replace",
    "check_action",
    "compose",
    "control",
    "cursor_blink",
    "get_theme_variable_defaults",
    "notify_style_update",
    "render",
    "render_line",
    "theme",
    "virtual_size",
    "watch_has_focus",
    "watch_scroll_y",
}
"""What Textual asks those who use it to define or to set."""

MADE = re.compile(r"__\w+__|_css.*|_decorated.*|_inherit.*|_reactives|_merged_bindings|_computes|_abc_impl")
"""Names that Textual itself gives to every class."""

_ASSIGNED = re.compile(r"^\s+self\.(\w+)(?:: [^=\n]+)? = ", re.MULTILINE)


def _classes() -> list[type]:
    found = []
    for module in pkgutil.walk_packages(orch_tui.tui.__path__, "orch_tui.tui."):
        loaded = importlib.import_module(module.name)
        found += [c for _, c in inspect.getmembers(loaded, inspect.isclass) if c.__module__ == module.name]
    return [c for c in found if issubclass(c, MessagePump)]


def _names(cls: type) -> set[str]:
    return set(vars(cls)) | set(_ASSIGNED.findall(inspect.getsource(cls)))


def test_no_name_of_textual_is_shadowed() -> None:
    clashes = []
    for cls in _classes():
        bases = [base for base in cls.__mro__[1:] if base.__module__.startswith("textual")]
        theirs = set[str]().union(*(_names(base) for base in bases))
        ours = {name for name in _names(cls) if not MADE.fullmatch(name)}
        clashes += [f"{cls.__name__}.{name}" for name in sorted(ours & theirs - MEANT)]
    assert clashes == []
