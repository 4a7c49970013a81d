from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orch_tui.model.signals import MAX_BYTES, MAX_SUMMARY, Claim, parse_claim

HEAD = "a" * 40
GOOD = {
    "v": 1,
    "run": "f" * 32 + ".1",
    "state": "done",
    "at": "2026-11-23T10:00:00Z",
    "commit": HEAD,
    "summary": "state backend is up",
}


def written(**changes: object) -> bytes:
    return json.dumps({**GOOD, **changes}).encode()


def test_a_claim_is_read():
    assert parse_claim(written()) == Claim("f" * 32 + ".1", "done", 1795428000.0, HEAD, "state backend is up")


def test_the_smallest_claim_a_shell_script_would_write():
    claim = parse_claim(b'{"v":1,"run":"r","state":"working"}')
    assert claim == Claim("r", "working", 0.0, "", "")


def test_unknown_fields_and_a_byte_order_mark_do_not_matter():
    assert parse_claim(b"\xef\xbb\xbf" + written(mood={"deep": [1, 2]})) == parse_claim(written())


@pytest.mark.parametrize(
    "changes",
    [
        {"v": 2},
        {"v": "1"},
        {"v": True},
        {"run": ""},
        {"run": 7},
        {"run": "r" * 201},
        {"state": "finished"},
        {"state": None},
        {"summary": ["x"]},
        {"commit": 12},
        {"at": 1.5},
    ],
)
def test_a_claim_that_is_not_of_the_protocol_is_none(changes):
    assert parse_claim(written(**changes)) is None


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"null",
        b"[]",
        b"DONE",
        b'{"v":1',
        written()[:-5],
        b'{"v":1,"run":"\xff","state":"done"}',
        b'{"v":1,"run":"r","state":"done","x":' + b"[" * 30_000 + b"]" * 30_000 + b"}",
        b" " * (MAX_BYTES + 1),
        written(summary="x" * MAX_BYTES),
    ],
    ids=lambda data: repr(data[:12]),
)
def test_bytes_that_hold_no_claim(data):
    assert parse_claim(data) is None


def test_a_commit_that_is_no_full_object_name_is_dropped():
    for commit in ("abc1234", "HEAD", "A" * 40, "-" * 40, "a" * 41):
        assert parse_claim(written(commit=commit)).commit == ""
    assert parse_claim(written(commit="b" * 64)).commit == "b" * 64


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("1970-01-01T00:01:00Z", 60.0),
        ("1970-01-01T01:01:00+01:00", 60.0),
        ("1970-01-01T00:01:00", 60.0),
        ("yesterday", 0.0),
        ("", 0.0),
        ("0001-01-01T00:00:00+23:59", 0.0),
        ("9999-12-31T23:59:59-23:59", 253402387139.0),
    ],
)
def test_times(text, seconds):
    assert parse_claim(written(at=text)).at == seconds


def test_a_summary_is_one_short_line():
    claim = parse_claim(written(summary="a\nb\r\n  c" + "d" * 1000))
    assert claim.summary.startswith("a b cddd")
    assert len(claim.summary) == MAX_SUMMARY
    assert claim.summary.endswith("…")


def test_a_summary_cannot_act_on_a_terminal():
    claim = parse_claim(written(summary="\x1b[31mred\x07 \u202etxt.exe\u200b\x9b2J \x00 \ud800"))
    assert claim is None or not set(claim.summary) & set("\x1b\x07\u202e\u200b\x9b\x00\ud800")
    assert parse_claim(written(summary="\x1b[31mred \u202etxt")).summary == "␛[31mred ⟨202E⟩txt"


@given(st.binary(max_size=2000))
def test_any_bytes_are_read_without_an_error(data):
    parse_claim(data)


@given(
    st.dictionaries(st.sampled_from(sorted(GOOD)), st.none() | st.booleans() | st.integers() | st.floats() | st.text())
)
def test_any_values_are_read_without_an_error(changes):
    claim = parse_claim(written(**changes))
    assert claim is None or (len(claim.summary) <= MAX_SUMMARY and claim.at >= 0)
