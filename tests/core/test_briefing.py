"""What an agent is told."""

from __future__ import annotations

from orch_tui.core.briefing import task_text
from orch_tui.model.fleet import Agent, Fleet, Stream, Task
from orch_tui.model.ids import AgentId, StreamKey


def agent(number: int, title: str = "Network", **more: object) -> Agent:
    return Agent(id=AgentId(f"infra-{number}"), stream=StreamKey("infra"), task=0, title=title, **more)


def stream(*agents: Agent) -> Stream:
    task = Task("Network", len(agents), 4)
    return Stream(key=StreamKey("infra"), number=1, name="Infra", domain="infrastructure", tasks=(task,), agents=agents)


def told(*agents: Agent, notes: str = "AGENT_NOTES.md", messages: tuple[str, ...] = ()) -> str:
    return task_text(Fleet(epic="Shop"), stream(*agents), agents[0], notes=notes, messages=messages)


def test_it_names_task_part_attempt_branch_and_how_to_report():
    text = told(agent(1, part="state backend", branch="orch/infra/infra-1", attempt=3))
    for words in (
        "# Task: Network",
        "number 3 of your attempts",
        "Epic: Shop",
        "Stream 1: Infra (infrastructure)",
        "Your part: state backend",
        "branch `orch/infra/infra-1`",
        "Append what you find, decide and wonder to `AGENT_NOTES.md`",
        'orch-report blocked "your question"',
        ".orch/BLUEPRINT.md",
    ):
        assert words in text


def test_it_names_the_neighbours_and_their_branches_but_not_oneself():
    text = told(agent(1), agent(2, "Disks", part="2/2"))
    assert "- `infra-2` on branch `orch/infra/infra-2`: Disks (2/2)" in text
    assert "- `infra-1`" not in text
    assert "Who else works" not in told(agent(1))


def test_words_of_the_operator_come_last_and_in_order():
    text = told(agent(1), messages=("use tabs", "no, use spaces\nreally"))
    assert text.rstrip().endswith("use tabs\n\nno, use spaces\nreally")
    assert "From the operator" not in told(agent(1))


def test_moved_notes_are_named_where_they_are():
    assert "to `.orch/AGENT_NOTES.md` as you go" in told(agent(1), notes=".orch/AGENT_NOTES.md")


def test_braces_in_what_people_write_are_left_as_they_are():
    text = told(agent(1, "Write {notes} and {0}", branch="b"), messages=("{branch}",))
    assert "# Task: Write {notes} and {0}" in text
    assert text.rstrip().endswith("{branch}")
