"""No widget, screen or app of ours takes a name that Textual uses for itself."""

from __future__ import annotations

import ast
import importlib
import inspect
import pkgutil
import textwrap
from collections.abc import Iterator
from functools import cache

import pytest
from textual.dom import DOMNode
from textual.widget import Widget

import orch_tui.tui


class Plain(Widget):
    """Shows what Textual itself writes into every subclass."""


MACHINERY = {*vars(Plain), "_reactives", "_decorated_handlers"}


def our_classes() -> Iterator[type]:
    for info in pkgutil.walk_packages(orch_tui.tui.__path__, "orch_tui.tui."):
        module = importlib.import_module(info.name)
        for _, kind in inspect.getmembers(module, inspect.isclass):
            if issubclass(kind, DOMNode) and kind.__module__ == info.name:
                yield kind


@cache
def set_on_self(kind: type) -> frozenset[str]:
    """Returns the names of attributes that the methods in this class's body assign."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(kind)))
    targets = (node for node in ast.walk(tree) if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store))
    return frozenset(node.attr for node in targets if isinstance(node.value, ast.Name) and node.value.id == "self")


def own_names(kind: type) -> set[str]:
    return {name for name in {*vars(kind), *set_on_self(kind)} - MACHINERY if not name.startswith("__")}


def of_textual(kind: type) -> list[type]:
    return [base for base in kind.__mro__ if base.__module__.startswith("textual")]


OURS = sorted(our_classes(), key=lambda kind: (kind.__module__, kind.__qualname__))


@pytest.mark.parametrize("kind", OURS, ids=lambda kind: kind.__qualname__)
def test_no_private_name_of_textual_is_taken(kind):
    theirs = {name for base in of_textual(kind) for name in {*vars(base), *set_on_self(base)}}
    assert {name for name in own_names(kind) & theirs if name.startswith("_")} == set()


@pytest.mark.parametrize("kind", OURS, ids=lambda kind: kind.__qualname__)
def test_what_is_overridden_stays_what_it_was(kind):
    """A method stays a method: no attribute of ours hides one, and no method of ours hides an attribute."""
    for name in own_names(kind):
        theirs = next((vars(base)[name] for base in of_textual(kind) if name in vars(base)), None)
        if theirs is None:
            continue
        ours = vars(kind).get(name)
        assert inspect.isfunction(theirs) == inspect.isfunction(ours), (name, theirs)
