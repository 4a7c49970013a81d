from __future__ import annotations

import msgspec
import pytest

from orch_tui.model import verbs as v
from orch_tui.model.preview import preview, refusal


@pytest.mark.parametrize("verb", v.VERBS, ids=lambda verb: verb.__name__)
def test_a_verb_knows_its_answer_and_its_name(verb):
    assert issubclass(v.answer_type(verb), msgspec.Struct)
    assert verb.__doc__
    assert not (verb.reads and verb.dangerous)
    fields = {field.name: "x" for field in msgspec.structs.fields(verb) if field.type is str}
    assert v.tag_of(verb(**fields)) == verb.__struct_config__.tag


def test_names_on_the_wire_are_unique():
    tags = [verb.__struct_config__.tag for verb in v.VERBS]
    assert len(set(tags)) == len(tags)


def test_a_preview_names_exactly_what_was_shown():
    shown = preview("Land api", steps=("fold",), names=("a", "b"))
    assert shown.digest == preview("Land api", steps=("other words",), names=("a", "b")).digest
    others = [("Land web", ("a", "b")), ("Land api", ("a",)), ("Land api", ("ab",)), ("Land api", ("b", "a"))]
    assert all(preview(title, names=names).digest != shown.digest for title, names in others)
    assert preview("x", names=("\udc80",)).digest
    assert refusal("Land api", "why not").refused == "why not"
