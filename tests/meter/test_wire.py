from __future__ import annotations

import pytest

from orch_tui.meter import wire
from orch_tui.model.errors import StorageError, raised_again
from orch_tui.model.usage import LedgerRow, Tokens

ROW = LedgerRow(1, "settle", "r", 1.5, "2026-11-18", "run", "a", "s", "tä\nsk", "m", 5, Tokens(1, 2, 3, 4), True)
STATUS = wire.MeterStatus("http://127.0.0.1:9", 1, "id", "simulated", "UTC", "", simulated=True)


@pytest.mark.parametrize(
    "ask",
    [
        wire.AskStatus(),
        wire.AskGrant("r", "a", "s", "line\nbreak"),
        wire.AskRevoke("r"),
        wire.AskRows(3),
        wire.AskFollow(4),
        wire.AskStop(),
    ],
)
def test_a_request_survives_its_line(ask: wire.Ask) -> None:
    text = wire.line(ask)
    assert text.count(b"\n") == 1
    assert wire.read_ask(text) == ask


@pytest.mark.parametrize(
    "answer", [STATUS, wire.Granted("u"), wire.Done(), wire.Rows([ROW]), wire.Failed("", "", "", "")]
)
def test_an_answer_survives_its_line(answer: wire.Answer) -> None:
    assert wire.read_answer(wire.line(answer)) == answer


def test_an_error_is_raised_again_as_it_was() -> None:
    failed = wire.failed(StorageError("title", "detail", "hint"))
    again = raised_again(failed.kind, failed.title, failed.detail, failed.hint)
    assert type(again) is StorageError
    assert (again.title, again.detail, again.hint) == ("title", "detail", "hint")


def test_a_fingerprint_tells_keys_apart_and_holds_no_part_of_them() -> None:
    assert wire.fingerprint("sk-one") != wire.fingerprint("sk-two")
    assert wire.fingerprint("") == ""
    assert len(wire.fingerprint("sk-one")) == 16
