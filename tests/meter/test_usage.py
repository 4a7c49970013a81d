from __future__ import annotations

import json
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from orch_tui.meter.usage import JsonReader, Reading, StreamReader, tokens_of
from orch_tui.model.usage import Tokens


def event(kind: str, **fields: object) -> bytes:
    return f"event: {kind}\ndata: {json.dumps({'type': kind, **fields}, ensure_ascii=False)}\n\n".encode()


START = event(
    "message_start",
    message={
        "model": "claude-sonnet-5-5",
        "usage": {
            "input_tokens": 12,
            "cache_creation_input_tokens": 300,
            "cache_read_input_tokens": 4000,
            "output_tokens": 1,
        },
    },
)
DELTAS = event("ping") + b"".join(
    event("content_block_delta", index=0, delta={"type": "text_delta", "text": text}) for text in ("héllo ", "wörld ✓")
)
END = event(
    "message_delta", delta={"stop_reason": "end_turn"}, usage={"output_tokens": 57, "input_tokens": None}
) + event("message_stop")
ANSWER = START + DELTAS + END


def read(*chunks: bytes) -> Reading:
    reader = StreamReader()
    for chunk in chunks:
        reader.feed(chunk)
    return reader.reading()


def test_a_stream_says_model_and_usage() -> None:
    reading = read(ANSWER)
    assert reading.model == "claude-sonnet-5-5"
    assert tokens_of(reading.usage) == Tokens(12, 300, 4000, 57)
    assert reading.whole
    assert reading.started
    assert not reading.failed


def test_a_stream_cut_in_two_at_any_byte_says_the_same() -> None:
    expected = read(ANSWER)
    for cut in range(len(ANSWER) + 1):
        assert read(ANSWER[:cut], ANSWER[cut:]) == expected


@given(st.lists(st.integers(0, len(ANSWER)), max_size=12))
def test_a_stream_cut_anywhere_says_the_same(cuts: list[int]) -> None:
    edges = [0, *sorted(cuts), len(ANSWER)]
    assert read(*(ANSWER[a:b] for a, b in pairwise(edges))) == read(ANSWER)


def test_line_ends_of_windows_and_comments_are_understood() -> None:
    assert read(b": hello\r\n\r\n" + ANSWER.replace(b"\n", b"\r\n")) == read(ANSWER)


def test_cumulative_usage_replaces_and_null_changes_nothing() -> None:
    later = event("message_delta", usage={"output_tokens": 90, "cache_read_input_tokens": 4000, "input_tokens": None})
    assert tokens_of(read(START, later, later).usage) == Tokens(12, 300, 4000, 90)


def test_a_cut_answer_counts_the_characters_that_came() -> None:
    reading = read(START, event("content_block_delta", delta={"type": "text_delta", "text": "x" * 402}))
    assert not reading.whole
    assert tokens_of(reading.usage).output == 101


def test_asking_at_any_byte_disturbs_nothing() -> None:
    reader = StreamReader()
    for number in range(len(ANSWER)):
        reader.feed(ANSWER[number : number + 1])
        reader.reading()
    assert reader.reading() == read(ANSWER)


def test_usage_is_read_from_a_last_event_without_its_empty_line() -> None:
    assert tokens_of(read(START, event("message_delta", usage={"output_tokens": 40}).rstrip()).usage).output == 40


def test_malformed_events_are_passed_over() -> None:
    noise = (
        b"data: {not json\n\n",
        b'data: {"type": 7, "usage": 3}\n\n',
        b'data: [1]\n\ndata: {"type":"message_delta","usage":["a"]}\n\n',
        b"data: \xff\xfe\n\n",
        b'event\n\ndata: {"type":"message_start","message":null}\n\n',
    )
    assert tokens_of(read(START, *noise, END).usage) == Tokens(12, 300, 4000, 57)


def test_an_endless_line_is_dropped_and_the_rest_is_read() -> None:
    reader = StreamReader()
    reader.feed(START + b"data: ")
    for _ in range(10):
        reader.feed(b"x" * (1 << 20))
    reader.feed(b"\n\n" + END)
    assert tokens_of(reader.reading().usage).output == 57


def test_an_error_in_mid_stream_is_seen() -> None:
    reading = read(START, event("error", error={"type": "overloaded_error"}))
    assert reading.failed
    assert reading.started


def test_absurd_counts_count_nothing() -> None:
    assert tokens_of({"input_tokens": -4, "output_tokens": 10**30, "cache_read_input_tokens": True}) == Tokens()


def test_compactions_are_added() -> None:
    usage = {"input_tokens": 1, "output_tokens": 2, "iterations": [{"type": "compaction", "input_tokens": 10}, {}]}
    assert tokens_of(usage) == Tokens(fresh=11, output=2)


def test_a_json_answer_is_read_when_whole() -> None:
    body = json.dumps({"type": "message", "model": "m", "usage": {"input_tokens": 3, "output_tokens": 4}}).encode()
    reader = JsonReader()
    reader.feed(body[:10])
    assert not reader.reading().whole
    reader.feed(body[10:])
    assert reader.reading() == Reading("m", {"input_tokens": 3, "output_tokens": 4}, whole=True, started=True)


@given(st.binary(max_size=300))
@settings(max_examples=60)
def test_no_bytes_make_a_reader_fail(data: bytes) -> None:
    for reader in (JsonReader(), StreamReader()):
        reader.feed(data)
        reader.reading()
