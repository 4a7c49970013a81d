from __future__ import annotations

from orch_tui.model.problem import Problem, did_you_mean, errors


def test_a_problem_reads_as_file_line_message() -> None:
    assert Problem("tasks.md", 3, "no title").text == "tasks.md:3: no title"
    assert Problem("orch.toml", 0, "is a directory").text == "orch.toml: is a directory"


def test_only_errors_stop_the_work() -> None:
    stop, go = Problem("a", 1, "x"), Problem("a", 2, "y", "warning")
    assert errors([stop, go]) == (stop,)


def test_the_nearest_spelling_is_offered_or_all_are_listed() -> None:
    assert did_you_mean("aftr", ("after", "gates")) == '; did you mean "after"?'
    assert did_you_mean("zzz", ("b", "a")) == "; there is a, b"
    assert did_you_mean("zzz", ()) == ""
