from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from orch_tui.model.evidence import Judgement, Observation, Thresholds, judge
from orch_tui.model.plain import visible
from orch_tui.model.signals import Claim
from orch_tui.model.states import AgentState

NOW = 10_000.0
HEAD = "a" * 40
OTHER = "b" * 40
T = Thresholds()


def claims(state: str, commit: str = HEAD, summary: str = "") -> Claim:
    return Claim("r.1", state, NOW - 5, commit, summary)


ALIVE = Observation(process="alive", head=HEAD, started=NOW - 60, last_sign=NOW - 1, has_sign=True)
GONE = Observation(process="gone", exit_rc=0, head=HEAD, started=NOW - 60, last_sign=NOW - 1, has_sign=True)


def seen(base: Observation, now: float = NOW, **changes: object) -> Judgement:
    return judge(msgspec.structs.replace(base, **changes), now, T)


def state(base: Observation, **changes: object) -> AgentState:
    return seen(base, **changes).state


def test_before_a_process():
    assert state(Observation()) is AgentState.PLANNED
    assert seen(Observation(process="queued")) == Judgement(AgentState.QUEUED, "waits for a free place")


def test_a_living_agent_starts_then_works():
    assert state(ALIVE, has_sign=False) is AgentState.STARTING
    assert state(ALIVE) is AgentState.WORKING
    assert seen(ALIVE, claim=claims("working", summary="tests")) == Judgement(AgentState.WORKING, "tests")


@pytest.mark.parametrize(
    ("silence", "expected", "reason"),
    [
        (179.9, AgentState.WORKING, ""),
        (180.0, AgentState.QUIET, "quiet for 3 min"),
        (899.0, AgentState.QUIET, "quiet for 14 min"),
        (900.0, AgentState.STALLED, "quiet for 15 min"),
        (7260.0, AgentState.STALLED, "quiet for 2 h 1 min"),
        (-50.0, AgentState.WORKING, ""),
    ],
)
def test_silence(silence, expected, reason):
    assert seen(ALIVE, last_sign=NOW - silence) == Judgement(expected, reason)


def test_an_agent_that_never_gave_a_sign_is_stalled_by_its_start():
    silent = seen(ALIVE, has_sign=False, last_sign=0.0, started=NOW - 960)
    assert silent == Judgement(AgentState.STALLED, "no sign of life since its start for 16 min")


def test_an_open_turn_explains_silence_and_holds_back_a_claim():
    assert state(ALIVE, open_turn=True, last_sign=NOW - 5000) is AgentState.WORKING
    assert state(ALIVE, open_turn=True, claim=claims("done")) is AgentState.WORKING
    assert state(ALIVE, open_turn=True, claim=claims("failed")) is AgentState.WORKING


def test_a_question_or_a_blocked_claim_comes_first():
    asked = seen(ALIVE, question="which region?", held="budget", last_sign=0.0)
    assert asked == Judgement(AgentState.BLOCKED, "blocked: asks which region?")
    assert seen(ALIVE, claim=claims("blocked", summary="no key")).reason == "blocked: no key"
    assert state(GONE, claim=claims("blocked")) is AgentState.BLOCKED


def test_held_says_why():
    assert seen(ALIVE, held="the day's budget is spent", claim=claims("done")) == Judgement(
        AgentState.HELD, "held: the day's budget is spent"
    )
    assert state(GONE, held="budget", exit_rc=1) is AgentState.HELD


@pytest.mark.parametrize("base", [ALIVE, GONE], ids=["alive", "gone"])
class TestDone:
    def test_counts_where_git_agrees(self, base):
        assert seen(base, claim=claims("done", summary="all green")) == Judgement(AgentState.REVIEW, "done: all green")

    def test_with_uncommitted_files(self, base):
        assert seen(base, claim=claims("done"), clean=False, uncommitted=2) == Judgement(
            AgentState.DIRTY, "done, but 2 files are not committed"
        )
        assert (
            seen(base, claim=claims("done"), clean=False, uncommitted=1).reason == "done, but 1 file is not committed"
        )
        assert seen(base, claim=claims("done"), clean=False).reason == "done, but its worktree has uncommitted changes"

    def test_with_the_branch_elsewhere(self, base):
        moved = seen(base, claim=claims("done", commit=OTHER))
        assert moved == Judgement(AgentState.DIRTY, "done at bbbbbbbb, but its branch is at aaaaaaaa")
        assert state(base, claim=claims("done"), head="") is AgentState.DIRTY

    def test_without_a_commit(self, base):
        assert seen(base, claim=claims("done", commit="")).reason == "done, but its report names no commit"

    def test_failure_is_believed_as_it_is(self, base):
        assert seen(base, claim=claims("failed", summary="no disk")) == Judgement(
            AgentState.FAILED, "reports failure: no disk"
        )


def test_endings():
    assert seen(GONE) == Judgement(AgentState.ENDED, "exited with status 0 without a report")
    assert state(GONE, claim=claims("working")) is AgentState.ENDED
    assert seen(GONE, exit_rc=3) == Judgement(AgentState.FAILED, "exited with status 3 without a report")
    assert seen(GONE, exit_rc=None, exit_signal=9).reason == "ended by signal 9 without a report"
    assert seen(GONE, exit_rc=1, claim=claims("done")) == Judgement(
        AgentState.FAILED, "exited with status 1 after it reported done"
    )


def test_who_ended_it_is_asked_before_the_code():
    assert state(GONE, stopped_by_operator=True) is AgentState.STOPPED
    assert state(GONE, stopped_by_operator=True, exit_rc=None, exit_signal=15) is AgentState.STOPPED


def test_no_record_of_the_end_is_lost():
    assert state(GONE, lost=True, claim=claims("done")) is AgentState.LOST
    assert state(GONE, exit_rc=None) is AgentState.LOST


def test_an_approval_counts_for_its_commit_only():
    done = {"claim": claims("done"), "verdict": "approved"}
    assert seen(GONE, **done, verdict_oid=HEAD) == Judgement(AgentState.APPROVED, "approved at aaaaaaaa")
    assert state(GONE, **done, verdict_oid=OTHER) is AgentState.REVIEW
    assert state(GONE, verdict="approved", verdict_oid="", head="") is AgentState.ENDED


def test_a_rejection_counts_for_its_commit_only():
    assert state(GONE, verdict="rejected", verdict_oid=HEAD) is AgentState.REJECTED
    assert state(GONE, verdict="rejected", verdict_oid=OTHER) is AgentState.ENDED


def test_requested_changes_wait_until_the_agent_is_back_at_work():
    asked = {"verdict": "changes", "verdict_oid": HEAD}
    assert state(GONE, **asked, claim=claims("done")) is AgentState.CHANGES
    assert state(ALIVE, **asked, claim=claims("done")) is AgentState.CHANGES
    assert state(ALIVE, **asked, claim=claims("working")) is AgentState.WORKING
    assert state(ALIVE, **asked, claim=claims("done"), open_turn=True) is AgentState.WORKING
    assert state(GONE, **asked, exit_rc=2) is AgentState.FAILED


def test_landed_is_landed():
    assert state(ALIVE, landed=True, question="?") is AgentState.LANDED


def test_an_agents_words_cannot_act_on_a_terminal():
    assert seen(ALIVE, question="\x1b[2J\u202ego?").reason == "blocked: asks ␛[2J⟨202E⟩go?"


CLAIMS = st.builds(
    Claim,
    st.text(max_size=5),
    st.sampled_from(["working", "blocked", "done", "failed"]),
    st.floats(),
    st.sampled_from(["", HEAD, OTHER]),
    st.text(),
)
OBSERVATIONS = st.builds(
    Observation,
    process=st.sampled_from(["none", "queued", "alive", "gone", "odd"]),
    exit_rc=st.none() | st.integers(),
    exit_signal=st.integers(),
    stopped_by_operator=st.booleans(),
    lost=st.booleans(),
    claim=st.none() | CLAIMS,
    head=st.sampled_from(["", HEAD, OTHER]),
    clean=st.booleans(),
    uncommitted=st.integers(),
    open_turn=st.booleans(),
    question=st.text(),
    held=st.text(),
    last_sign=st.floats(),
    started=st.floats(),
    has_sign=st.booleans(),
    verdict=st.sampled_from(["", "approved", "changes", "rejected"]),
    verdict_oid=st.sampled_from(["", HEAD, OTHER]),
    landed=st.booleans(),
)


@given(OBSERVATIONS, st.floats(), st.builds(Thresholds, st.floats(), st.floats()))
def test_every_observation_has_a_state(observation, now, thresholds):
    judged = judge(observation, now, thresholds)
    assert isinstance(judged.state, AgentState)
    assert judged.reason == visible(judged.reason)
    assert "\n" not in judged.reason
    assert judged == judge(observation, now, thresholds)


@given(OBSERVATIONS)
def test_review_is_never_reached_without_git_agreeing(observation):
    if judge(observation, NOW, T).state is AgentState.REVIEW:
        assert observation.clean
        assert observation.claim.commit == observation.head
        assert not (observation.process == "alive" and observation.open_turn)


@pytest.mark.parametrize(
    ("reason", "words"),
    [
        ("exec: no such program in PATH: codex", "could not be started: no such program in PATH: codex"),
        ("placeholder: unknown placeholder {bogus}", "could not be started: unknown placeholder {bogus}"),
        ("log_limit", "stopped: it printed more than its output may hold"),
    ],
)
def test_what_the_supervisor_did_is_said(reason, words):
    assert seen(GONE, exit_rc=127, exit_reason=reason) == Judgement(AgentState.FAILED, words)
