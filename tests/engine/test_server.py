from __future__ import annotations

import asyncio
import json

from orch_tui.engine.protocol import REQUEST_CAP, VERSION
from orch_tui.model import verbs as v
from tests.records import AGENTS

HELLO = b'{"type":"hello","v":%d,"program":"test"}\n' % VERSION


async def talk(hosted, *lines: bytes) -> list[dict]:
    reader, writer = await asyncio.open_unix_connection(hosted.socket, limit=2**26)
    for line in lines:
        writer.write(line)
    writer.write_eof()
    answers = (await reader.read()).splitlines()
    writer.close()
    return [json.loads(answer) for answer in answers]


async def test_a_conversation_by_hand(hosted):
    reader, writer = await asyncio.open_unix_connection(hosted.socket)
    writer.write(HELLO + b'{"type":"ask","id":7,"verb":{"type":"ask_engine"}}\n')
    assert json.loads(await reader.readline())["v"] == VERSION
    answer = json.loads(await reader.readline())
    assert (answer["type"], answer["id"], answer["value"]["clients"]) == ("answer", 7, 1)
    writer.close()


async def test_another_version_is_told_so(hosted):
    (answer,) = await talk(hosted, b'{"type":"hello","v":99,"program":"9.9"}\n')
    assert answer["kind"] == "engine_away"
    assert "protocol 99 (9.9)" in answer["detail"]


async def test_whoever_does_not_say_hello_is_sent_away(hosted):
    (answer,) = await talk(hosted, b'{"type":"follow"}\n')
    assert "did not say hello" in answer["title"]


async def test_garbage_ends_one_conversation_and_no_other(hosted):
    client = await hosted.client()
    for garbage in (
        b"\n",
        b"\xff\xfe\n",
        b"{}\n",
        b'{"type":"ask","id":1,"verb":{"type":"no_such_verb"}}\n',
        b'{"type":"ask","id":"\\ud800","verb":{}}\n',
        b"[" * 100_000 + b"\n",
        b"x" * (REQUEST_CAP + 10) + b"\n",
    ):
        answers = await talk(hosted, HELLO, garbage)
        assert [answer["type"] for answer in answers] == ["hello", "failed"], garbage[:40]
        assert answers[1]["id"] == 0
    assert (await client.do(v.AskEngine())).clients == 1


async def test_more_requests_than_are_answered_at_once_wait_their_turn(hosted):
    client = await hosted.client()
    reads = [client.do(v.ReadPage(AGENTS[0], str(n), wait_s=0.01)) for n in range(1000)]
    pages = await asyncio.gather(*reads)
    assert [page.text.split()[1] for page in pages] == [str(n) for n in range(1000)]


async def test_a_client_that_hangs_up_in_the_middle_of_a_line(hosted):
    await talk(hosted, HELLO, b'{"type":"ask","id":1,"ver')
    assert (await (await hosted.client()).do(v.AskEngine())).clients == 1
