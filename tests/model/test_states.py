from __future__ import annotations

from orch_tui.model.states import (
    ACTIVE,
    BATCH_MOVES,
    FINISHED,
    WAITING_FOR_OPERATOR,
    AgentState,
    BatchState,
    may_move,
)


def test_an_agent_with_a_process_is_not_finished():
    assert not ACTIVE & FINISHED


def test_every_state_that_asks_for_a_person_is_one_a_person_can_change():
    assert AgentState.LANDED not in WAITING_FOR_OPERATOR
    assert AgentState.STOPPED not in WAITING_FOR_OPERATOR


def test_every_batch_state_has_its_moves():
    assert set(BATCH_MOVES) == set(BatchState)


def test_a_batch_lands_only_after_the_intent_was_recorded():
    assert not may_move(BatchState.PLANNED, BatchState.LANDED)
    assert may_move(BatchState.PLANNED, BatchState.LAND_INTENT)
    assert may_move(BatchState.LAND_INTENT, BatchState.LANDED)


def test_a_landing_is_undone_only_after_the_intent_was_recorded():
    assert not may_move(BatchState.LANDED, BatchState.ROLLED_BACK)
    assert may_move(BatchState.ROLLBACK_INTENT, BatchState.ROLLED_BACK)


def test_an_undone_or_abandoned_batch_never_moves_again():
    assert not BATCH_MOVES[BatchState.ROLLED_BACK]
    assert not BATCH_MOVES[BatchState.ABANDONED]
