from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orch_tui.model.errors import UsageError
from orch_tui.model.ids import StreamKey
from orch_tui.model.settings import Origin, Settings, StreamSettings
from orch_tui.model.tasks import (
    Outline,
    Plan,
    Section,
    TaskLine,
    domain_of,
    find_cycle,
    find_stream,
    key_of,
    plan,
    size_of,
    slice_of,
)


def section(name: str, agents: int = 1, *, number: int = 0, says: int | None = None, line: int = 1) -> Section:
    return Section(number, name, says, line, (TaskLine("work", agents, done=False, line=line + 1),))


def planned(*sections: Section, **streams: StreamSettings) -> Plan:
    origins = {f"streams.{key}.after": Origin("orch.toml", 7) for key in streams}
    keyed = {key.replace("_", "-"): chosen for key, chosen in streams.items()}
    return plan(Outline("tasks.md", "E", sections), Settings(streams=keyed, origins=origins))


def messages(made: Plan) -> list[str]:
    return [problem.text for problem in made.problems]


@pytest.mark.parametrize(
    ("name", "domain"),
    [
        ("Infrastructure", "infrastructure"),
        ("Core Services", "backend"),
        ("API & Integration", "api"),
        ("Security & Compliance", "security"),
        ("Operations", "operations"),
        ("Frontend", "frontend"),
        ("Compliance", "compliance"),
        ("Web Portal", "frontend"),
        ("Backend API", "backend"),
        ("Billing", "billing"),
        ("基础设施", "general"),
    ],
)
def test_the_domain_is_guessed_from_the_name(name: str, domain: str) -> None:
    assert domain_of(name) == domain


@pytest.mark.parametrize(
    ("agents", "size"),
    [(0, "mvp"), (5, "mvp"), (6, "production"), (15, "production"), (16, "enterprise"), (1000, "enterprise")],
)
def test_the_size_of_a_mission_follows_its_agents(agents: int, size: str) -> None:
    assert size_of(agents) == size


@given(st.text(max_size=60), st.integers(1, 99))
def test_a_key_is_always_fit_for_a_path_and_a_branch(name: str, number: int) -> None:
    key = key_of(name, number)
    assert key
    assert set(key) <= set("abcdefghijklmnopqrstuvwxyz0123456789-")
    assert not key.startswith("-")


def test_each_stream_waits_for_the_one_before_unless_told_otherwise() -> None:
    made = planned(
        section("A"),
        section("B"),
        section("C"),
        section("D"),
        c=StreamSettings(after=()),
        d=StreamSettings(after=("1", "c")),
    )
    assert [stream.after for stream in made.epic.streams] == [(), ("a",), (), ("a", "c")]
    assert not made.problems


def test_the_configuration_chooses_domain_backend_and_gates() -> None:
    made = planned(section("A"), a=StreamSettings(domain="payments", backend="command", runner="ray", gates=("tests",)))
    stream = made.epic.streams[0]
    assert (stream.domain, stream.backend, stream.runner, stream.gates) == ("payments", "command", "ray", ("tests",))


def test_a_cycle_is_printed_as_a_chain() -> None:
    made = planned(section("A"), section("B"), section("C"), a=StreamSettings(after=("c",)))
    assert messages(made) == ["orch.toml:7: streams.a.after: streams wait for each other: a -> c -> b -> a"]


def test_a_stream_that_waits_for_itself_is_a_cycle() -> None:
    made = planned(section("A"), a=StreamSettings(after=("a",)))
    assert "streams wait for each other: a -> a" in messages(made)[0]


def test_sums_that_disagree_are_named_with_both_figures() -> None:
    made = planned(section("A", 9, says=10, line=3), section("B", 1, says=1))
    assert messages(made) == ['tasks.md:3: stream "A" says 10 agents, its tasks add up to 9']
    assert made.epic.agents == 10


def test_a_stream_of_more_than_twenty_agents_gets_an_offer_to_split() -> None:
    tasks = tuple(TaskLine(f"t{n}", 8, done=False, line=n) for n in range(1, 5))
    made = planned(Section(1, "A", None, 3, tasks), section("B", 21))
    assert [problem.severity for problem in made.problems] == ["warning", "warning"]
    assert any(
        "split it in the order of its tasks into 2 streams of 16 and 16 agents" in text for text in messages(made)
    )
    assert any("split its task" in text for text in messages(made))


def test_the_same_key_twice_is_an_error_with_both_lines() -> None:
    made = planned(section("Core  Services", line=3), section("core-services", line=9))
    assert 'tasks.md:9: stream "core-services" has the same key "core-services" as line 3' in messages(made)


def test_the_same_number_twice_is_a_warning() -> None:
    made = planned(section("A", number=1), section("B", number=1, line=5))
    assert [(problem.text, problem.severity) for problem in made.problems] == [
        ("tasks.md:5: stream number 1 is used 2 times", "warning")
    ]


def test_streams_that_the_plan_lacks_are_named_with_the_nearest_one() -> None:
    made = planned(section("Core"), section("API"), coer=StreamSettings(), api=StreamSettings(after=("cor", "9")))
    assert messages(made) == [
        'orch.toml: streams.coer: the plan has no stream "coer"; did you mean "core"?',
        'orch.toml:7: streams.api.after: the plan has no stream "cor"; did you mean "core"?',
        'orch.toml:7: streams.api.after: the plan has no stream "9"; there is api, core',
    ]


def test_an_after_that_means_two_streams_is_refused() -> None:
    made = planned(section("Core"), section("Services"), section("API"), api=StreamSettings(after=("backend",)))
    assert messages(made) == ['orch.toml:7: streams.api.after: "backend" means more than one stream: core, services']


def test_everything_wrong_is_reported_at_once() -> None:
    tasks = (
        TaskLine("", 1, done=False, line=4),
        TaskLine("t", 0, done=False, line=5),
        TaskLine("u", 3, done=False, line=6, parts=("x",)),
    )
    made = plan(Outline("tasks.md", "", (Section(1, "A", 9, 3, tasks), Section(2, "B", None, 8))))
    assert [(problem.line, problem.severity) for problem in made.problems] == [
        (1, "warning"), (3, "error"), (4, "error"), (5, "error"), (6, "warning"), (8, "warning"),
    ]  # fmt: skip


def test_a_slip_of_the_pen_is_no_mission() -> None:
    made = planned(section("A", 999_999_999))
    assert any("a mission has at most 10000" in text for text in messages(made))


def test_no_stream_at_all_is_one_error() -> None:
    made = plan(Outline("tasks.md", "", ()))
    assert len(made.problems) == 1
    assert "no stream found" in messages(made)[0]


def test_a_task_is_sliced_by_number_or_by_its_parts() -> None:
    bare = TaskLine("t", 3, done=False, line=1)
    assert [slice_of(bare, i) for i in range(3)] == ["1/3", "2/3", "3/3"]
    assert [slice_of(TaskLine("t", 2, False, 1, ("left", "right")), i) for i in range(2)] == ["left", "right"]
    assert slice_of(TaskLine("t", 3, False, 1, ("left", "right")), 0) == "1/3"
    assert slice_of(TaskLine("t", 1, False, 1), 0) == "1/1"


@pytest.mark.parametrize("text", ["2", " 02 ", "core-services", "Core Services", "backend", "BACKEND"])
def test_a_stream_is_found_by_number_key_name_or_domain(text: str) -> None:
    epic = planned(section("Infrastructure"), section("Core Services")).epic
    assert find_stream(epic, text).key == "core-services"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("backend", "more than one"),
        ("9", "no stream"),
        ("", "no stream"),
        ("-x", "no stream"),
        ("9" * 5000, "no stream"),
    ],
)
def test_a_stream_that_is_not_meant_clearly_is_refused_with_the_candidates(text: str, words: str) -> None:
    epic = planned(section("Core"), section("Services")).epic
    with pytest.raises(UsageError, match=words) as caught:
        find_stream(epic, text)
    assert "1 core (backend), 2 services (backend)" in caught.value.detail


GRAPHS = st.dictionaries(st.sampled_from("abcdefg"), st.lists(st.sampled_from("abcdefg"), max_size=3), max_size=7)


@given(GRAPHS)
def test_a_cycle_is_found_exactly_where_there_is_one(graph: dict[str, list[str]]) -> None:
    after = {StreamKey(key): [StreamKey(other) for other in others] for key, others in graph.items()}
    cycle = find_cycle(after)
    left = {key: {other for other in others if other in after} for key, others in after.items()}
    while free := [key for key, others in left.items() if not others & left.keys()]:
        for key in free:
            del left[key]
    assert bool(cycle) == bool(left)
    if cycle:
        assert cycle[0] == cycle[-1]
        assert all(second in after[first] for first, second in pairwise(cycle))


def test_a_long_chain_is_no_trouble() -> None:
    keys = [StreamKey(f"s{n}") for n in range(5000)]
    assert find_cycle({key: keys[n + 1 : n + 2] for n, key in enumerate(keys)}) == ()
