from __future__ import annotations

import contextlib
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orch_tui.engine import protocol as p
from orch_tui.model import verbs as v
from orch_tui.model.errors import EngineAway
from orch_tui.model.fleet import Fleet
from orch_tui.model.reduce import fold
from tests.records import TEXT, histories


@given(histories)
def test_facts_and_fleets_cross_unchanged(records):
    fleet = fold(Fleet(), records)
    facts = p.decode_reply(p.encode(p.Facts(records)))
    assert facts == p.Facts(records)
    there = p.encode(p.Snapshot(fleet))
    assert p.encode(p.decode_reply(there)) == there
    assert there.count(b"\n") == 1


@given(TEXT, TEXT)
def test_verbs_cross_unchanged_whatever_their_words(agent, text):
    for request in (p.Ask(3, v.Say(agent, text), "digest", text), p.Preview(4, v.Review("changes", note=text))):
        assert p.decode_request(p.encode(request)) == request


def test_every_verb_is_on_the_wire():
    for verb in v.VERBS:
        fields = {name: "x" for name in verb.__struct_fields__ if name not in ("offset", "size", "wait_s")}
        request = p.Ask(1, verb(**fields))
        assert p.decode_request(p.encode(request)) == request
        assert v.answer_type(verb)


@given(st.binary(max_size=100))
def test_any_line_is_a_message_or_a_plain_error(line):
    for decode, kinds in ((p.decode_request, get_args(p.Request)), (p.decode_reply, get_args(p.Reply))):
        with contextlib.suppress(EngineAway):
            assert isinstance(decode(line), kinds)


def test_a_version_that_differs_is_named():
    with pytest.raises(EngineAway, match="speaks protocol 7"):
        p.check_version(p.Hello(7, "2.0"), "engine")
    with pytest.raises(EngineAway, match="too new"):
        p.check_version(p.Failed(0, 0, "engine_away", "too new"), "engine")
    p.check_version(p.Hello(p.VERSION), "engine")
