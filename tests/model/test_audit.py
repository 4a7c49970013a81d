from __future__ import annotations

import contextlib
import json
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orch_tui.model.audit import START, BadRecord, Verdict, decode, digest, encode, exact, verify
from orch_tui.model.facts import ProblemSeen, Record
from tests.records import histories, judged


def chain(records):
    lines, prev = [], START
    for record in records:
        lines.append(encode(record, prev))
        prev = digest(lines[-1])
    return lines


@given(histories)
def test_every_record_comes_back_as_it_was(records):
    lines = chain(records)
    assert tuple(decode(line) for line in lines) == records
    assert verify(lines, head=digest(lines[-1])) == Verdict(True, len(lines), head=digest(lines[-1]))


def test_a_line_is_canonical_ascii_json():
    line = encode(Record(1, 1.5, "op\x1b", ProblemSeen("a\nb", "\udc80 é")), START)
    assert b"\n" not in line
    assert line.isascii()
    fields = json.loads(line)
    assert list(fields) == sorted(fields) == ["act", "actor", "data", "prev", "seq", "ts", "v"]
    assert fields["ts"] == 1_500_000
    assert b'"data":{"message":"\\udc80 \\u00e9","subject":"a\\nb"}' in line


@given(st.floats(0, 4e9))
def test_a_time_that_was_made_exact_survives(at):
    record = Record(1, exact(at), "op", ProblemSeen("a", "b"))
    assert decode(encode(record, START)) == record


TAMPERINGS = {
    "edit": lambda lines, i: [*lines[:i], lines[i].replace(b"number", b"figure"), *lines[i + 1 :]],
    "delete": lambda lines, i: [*lines[:i], *lines[i + 1 :]],
    "duplicate": lambda lines, i: [*lines[: i + 1], *lines[i:]],
    "insert": lambda lines, i: [*lines[:i], encode(judged(i + 1, "planted"), START), *lines[i:]],
    "swap": lambda lines, i: [*lines[:i], lines[i + 1], lines[i], *lines[i + 2 :]],
    "cut a line short": lambda lines, i: [*lines[:i], lines[i][:-3], *lines[i + 1 :]],
    "change the time": lambda lines, i: [*lines[:i], lines[i].replace(b'"ts":1', b'"ts":2'), *lines[i + 1 :]],
    "change the actor": lambda lines, i: [*lines[:i], lines[i].replace(b"engine", b"nobody"), *lines[i + 1 :]],
    "another spelling": lambda lines, i: [*lines[:i], lines[i].replace(b":", b": ", 1), *lines[i + 1 :]],
    "a key twice": lambda lines, i: [*lines[:i], lines[i].replace(b"{", b'{"act":"x",', 1), *lines[i + 1 :]],
    "an empty line": lambda lines, i: [*lines[:i], b"", *lines[i:]],
    "renumber": lambda lines, i: [*lines[:i], lines[i].replace(b'"seq":', b'"seq":1'), *lines[i + 1 :]],
}


@pytest.mark.parametrize("kind", TAMPERINGS)
def test_tampering_is_found_and_its_place_named(kind):
    rng = random.Random(kind)  # noqa: S311  a repeatable choice
    for _ in range(200):
        lines = chain(judged(seq) for seq in range(1, rng.randint(3, 12)))
        place = rng.randrange(len(lines) - 1)
        verdict = verify(TAMPERINGS[kind](lines, place))
        assert not verdict.ok
        assert verdict.kind
        assert verdict.bad_seq in (place + 1, place + 2)
        assert verdict.records == verdict.bad_seq - 1


def test_a_newest_line_that_is_missing_shows_where_the_head_is_known():
    lines = chain(judged(seq) for seq in range(1, 5))
    assert verify(lines[:-1]).ok
    assert verify(lines[:-1], head=digest(lines[-1])) == Verdict(False, 3, 3, "cut", digest(lines[-2]))
    edited = [*lines[:-1], lines[-1].replace(b"number", b"figure")]
    assert verify(edited, head=digest(lines[-1])).kind == "cut"


@given(st.lists(st.binary(max_size=80) | st.sampled_from([b"[" * 5000, b"1" * 5000, b"null", b"\xff\xfe{}"])))
def test_the_verifier_never_raises(lines):
    assert verify(lines).ok == (not lines)


@given(st.binary(max_size=200), st.integers(0, 400), st.integers(0, 50))
def test_a_line_with_garbage_in_it_is_no_sound_chain(garbage, place, length):
    lines = chain(judged(seq) for seq in range(1, 4))
    changed = lines[1][:place] + garbage + lines[1][place + length :]
    assert verify([lines[0], changed, lines[2]]).ok == (changed == lines[1])
    with contextlib.suppress(BadRecord):
        assert decode(changed).seq >= 0


def test_a_record_of_a_newer_version_is_named():
    newer = encode(judged(7), START).replace(b"problem.seen", b"problem.solved")
    with pytest.raises(BadRecord, match=r"record 7 \('problem.solved'\)"):
        decode(newer)
    with pytest.raises(BadRecord, match="version 2"):
        decode(encode(judged(7), START).replace(b'"v":1', b'"v":2'))
