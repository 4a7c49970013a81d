from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from orch_tui.model.blueprint import Layer, compose, split

BASE = Layer("base", "# Base\n\nhello\n\n## Tests\n\nrun them\n\n### Slow ones\n\nat night\n\n## Git\n\ncommit\n")


def test_a_later_layer_replaces_its_namesake_and_adds_the_rest() -> None:
    made = compose([BASE, Layer("domain", "# Domain\n\n## tests\n\nrun ours\n\n## Extra\n\nmore\n")])
    assert [(section.heading, section.sources) for section in made.sections] == [
        ("", ("base",)),
        ("tests", ("domain",)),
        ("Git", ("base",)),
        ("Extra", ("domain",)),
    ]
    assert made.text == "# Base\n\nhello\n\n## tests\n\nrun ours\n\n## Git\n\ncommit\n\n## Extra\n\nmore\n"


def test_a_layer_that_tightens_adds_and_never_replaces() -> None:
    pci = Layer("pci", "## Data\n\nmask cards\n", tightens=True)
    hipaa = Layer("hipaa", "## Data\n\nminimum\n", tightens=True)
    made = compose([Layer("base", "# B\n\n## Data\n\ncare\n"), pci, hipaa])
    assert made.sections[0].body == "care\n\nmask cards\n\nminimum"
    assert made.sections[0].sources == ("base", "pci", "hipaa")


def test_text_under_a_later_title_is_kept_as_a_section() -> None:
    made = compose([BASE, Layer("domain", "# Backend\n\nservices\n")])
    assert made.text.endswith("## Backend\n\nservices\n")
    assert made.text.count("\n# ") == 0


def test_headings_in_code_are_code() -> None:
    text = "## A\n\n```sh\n# not a heading\n## neither\n```\n\n~~~~\n```\n## no\n~~~~\n\n## B ##\n\nx\n"
    assert [heading for _, heading, _ in split(text)] == ["A", "B"]


def test_nothing_makes_nothing() -> None:
    assert compose([]).sections == ()
    assert compose([Layer("empty", "")]).text == "\n"


def test_windows_line_ends_and_a_byte_order_mark_are_no_content() -> None:
    made = compose([Layer("base", "\ufeff# Base\r\n\r\n## One\r\n\r\ntext\r\n")])
    assert made.text == "# Base\n\n## One\n\ntext\n"


@given(st.lists(st.text(alphabet="#ab `~\n", max_size=40), max_size=4))
def test_any_text_composes_and_composing_again_changes_nothing(texts: list[str]) -> None:
    once = compose([Layer(str(number), text) for number, text in enumerate(texts)])
    for section in once.sections:
        assert section.sources
    assert isinstance(once.text, str)
