from __future__ import annotations

from itertools import combinations

from orch_tui.model import verbs as v
from orch_tui.model.fleet import Fleet
from orch_tui.tui.commands import COMMANDS, SCREENS, bindings, key_table, offered
from orch_tui.tui.selection import Selection
from tests.tui.sample import sample_fleet


def test_ids_are_unique() -> None:
    assert len({c.id for c in COMMANDS}) == len(COMMANDS)


def test_no_key_means_two_things_on_one_screen() -> None:
    clashes = [(a.id, b.id) for a, b in combinations(COMMANDS, 2) if set(a.keys) & set(b.keys) and a.where & b.where]
    assert clashes == []


def test_each_command_does_one_kind_of_thing() -> None:
    for command in COMMANDS:
        kinds = [command.verb is not None, command.prompt is not None, bool(command.action), command.widget]
        assert sum(kinds) == 1, command.id


def test_every_verb_that_changes_a_mission_has_a_command() -> None:
    everything = Selection(sample_fleet(), stream="core-services", agent="core-services-2", batch="b", expect="e")
    made = {type(c.verb(everything)) for c in COMMANDS if c.verb}
    made |= {type(c.prompt.verb(everything, "text")) for c in COMMANDS if c.prompt}
    wanted = {verb for verb in v.VERBS if not verb.reads} - {v.StopEngine}
    assert wanted <= made


def test_verbs_of_an_empty_selection_are_none_or_about_the_mission() -> None:
    nothing = Selection(Fleet())
    for command in COMMANDS:
        if command.verb:
            verb = command.verb(nothing)
            assert verb is None or not getattr(verb, "agent", ""), command.id


def test_what_a_command_does_can_follow_cannot() -> None:
    verbs = {"launch", "stop", "restart", "message", "read", "approve", "ask", "reject", "land", "roll"}
    assert {c.does.split()[0] for c in COMMANDS if c.verb or c.prompt} == verbs


def test_key_table_has_every_key() -> None:
    table = key_table()
    assert table.count("\n") == 2 + sum(bool(c.keys) for c in COMMANDS)
    assert "| `M` | land the selected stream, after a look at the plan | mission, attention, train |" in table
    assert "`?`" in table


def test_bindings_carry_the_ids_that_people_write_into_their_keymap() -> None:
    assert {b.id for b in bindings()} == {c.id for c in COMMANDS if c.keys and not c.widget}


def test_footer_begins_with_what_the_screen_is_for() -> None:
    assert [c.id for c in offered("review")][1:3] == ["review.approve", "review.changes"]
    assert all(offered(screen) for screen in SCREENS)
