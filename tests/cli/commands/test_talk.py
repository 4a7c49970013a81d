"""notes, log and message."""

from __future__ import annotations

import json

import pytest

from orch_tui.model.errors import EngineAway
from orch_tui.model.verbs import Outcome, Page, ReadPage, Say

TEXT = "first\nsecond \x1b[2Jthird\n"


def pages(size: int, *, ends: bool = False):
    """Serves TEXT in pages of some bytes; at its end the mission goes away where that ends the test."""

    def page(verb: ReadPage):
        if ends and verb.wait_s:
            return EngineAway("the engine ended")
        piece = TEXT[verb.offset : verb.offset + size]
        return Page(piece, verb.offset, verb.offset + len(piece), len(TEXT))

    return page


@pytest.mark.parametrize("size", [1, 7, 1000])
def test_notes_come_whole_and_harmless(run, mission, doors, size):
    mission.answers[ReadPage] = pages(size)
    result = run("notes", "api-1")
    assert (result.exit_code, result.stdout) == (0, TEXT.replace("\x1b", "␛"))
    assert doors.opened[0][0] == "view"


@pytest.mark.parametrize("file", ["notes", "log"])
def test_following_goes_on_until_no_more_can_come(run, mission, doors, file):
    mission.answers[ReadPage] = pages(7, ends=True)
    result = run(file, "api-1", "-f")
    assert (result.exit_code, result.stdout) == (3, TEXT.replace("\x1b", "␛"))
    assert doors.opened[0][0] == "connect"
    assert mission.done[-1][0].wait_s > 1


def test_a_followed_file_that_was_begun_anew_is_shown_from_its_start(run, mission):
    asked = iter([Page("before\n", 0, 7, 7), Page("", 7, 7, 3), Page("new", 0, 3, 3), EngineAway("the engine ended")])
    mission.answers[ReadPage] = lambda _: next(asked)
    assert run("log", "api-1", "-f").stdout == "before\nnew"
    assert [verb.offset for verb, _ in mission.done] == [0, 7, 0, 3]


def test_log_reads_output_or_errors(run, mission):
    mission.answers[ReadPage] = pages(1000)
    run("log", "api-1")
    run("log", "api-1", "--stderr")
    assert [verb.file for verb, _ in mission.done] == ["output", "errors"]


def test_pages_in_json_are_one_a_line(run, mission):
    mission.answers[ReadPage] = pages(20)
    first, second = map(json.loads, run("log", "api-1", "--json").stdout.splitlines())
    assert (first["offset"], first["next"]) == (0, 20)
    assert second["next"] == second["size"] == len(TEXT)


def test_an_empty_file_is_no_error(run, mission):
    mission.answers[ReadPage] = Page("", 0, 0, 0)
    assert (run("notes", "api-1").exit_code, run("notes", "api-1").stdout) == (0, "")


def test_an_unknown_agent_is_refused(run):
    for file in ("notes", "log"):
        result = run(file, "nope-1")
        assert result.exit_code == 1
        assert "there is no agent 'nope-1'" in result.stderr


def test_a_message_is_said(run, mission):
    mission.answers[Say] = Outcome("Sent to api-2.")
    assert run("message", "api-2", "use Postgres").stdout == "Sent to api-2.\n"
    assert run("message", "api-2", "-", input="a long\nanswer").exit_code == 0
    assert [verb.text for verb, _ in mission.done] == ["use Postgres", "a long\nanswer"]


def test_a_message_that_cannot_be_said_is_refused(run):
    assert "the message is empty" in run("message", "api-2", " ").stderr
    assert "never launched" in run("message", "web-1", "hello").stderr
