from __future__ import annotations

import os
from pathlib import Path

import pytest

from orch_tui.adapters.blueprints import BlueprintLibrary, known_profiles, shipped_domains, shipped_library
from orch_tui.adapters.taskfile import read_plan
from orch_tui.model.errors import ConfigError
from orch_tui.model.settings import PROFILES
from orch_tui.model.tasks import DOMAINS


def write(root: Path, name: str, text: str) -> None:
    (root / name).parent.mkdir(parents=True, exist_ok=True)
    (root / name).write_text(text)


def sources(root: Path, domain: str, *profiles: str) -> list[str]:
    sections = BlueprintLibrary(root).compose(domain, profiles).sections
    return list(dict.fromkeys(source for section in sections for source in section.sources))


def test_a_repository_without_any_gets_the_shipped_ones(tmp_path: Path) -> None:
    assert sources(tmp_path, "backend", "hipaa") == [
        "orch-tui: blueprints/CLAUDE.md",
        "orch-tui: blueprints/backend/CLAUDE.md",
        "orch-tui: blueprints/compliance/hipaa.md",
        "orch-tui: blueprints/documentation.md",
    ]


@pytest.mark.parametrize("layout", ["blueprints/backend/CLAUDE.md", "blueprints/CLAUDE-backend.md"])
def test_both_layouts_of_a_repository_win_over_the_library(tmp_path: Path, layout: str) -> None:
    write(tmp_path, "CLAUDE.md", "# Ours\n\n## House rules\n\nbe kind\n")
    write(tmp_path, layout, "## House rules\n\nbe kinder\n\n## Services\n\nsmall\n")
    write(tmp_path, "blueprints/compliance/soc2.md", "## House rules\n\nand tell\n")
    made = BlueprintLibrary(tmp_path).compose("backend", ("soc2",))
    assert made.text.startswith("# Ours\n\n## House rules\n\nbe kinder\n\nand tell\n\n## Services\n\nsmall\n")
    assert made.sections[0].sources == (layout, "blueprints/compliance/soc2.md")


def test_a_domain_without_a_blueprint_is_just_without_one(tmp_path: Path) -> None:
    assert sources(tmp_path, "billing") == ["orch-tui: blueprints/CLAUDE.md", "orch-tui: blueprints/documentation.md"]
    assert BlueprintLibrary(tmp_path).has_domain("backend")
    assert not BlueprintLibrary(tmp_path).has_domain("billing")


@pytest.mark.parametrize("domain", ["", "../..", "/etc", "a/b", ".."])
def test_a_domain_is_never_a_path(tmp_path: Path, domain: str) -> None:
    assert len(sources(tmp_path / "x" / "y", domain)) == 2


def test_an_unknown_profile_is_refused_with_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match='did you mean "hipaa"'):
        BlueprintLibrary(tmp_path).compose("backend", ("hippa",))


def test_a_link_out_of_the_repository_is_not_read_to_agents(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("key")
    repo = tmp_path / "repo"
    repo.mkdir()
    (repo / "CLAUDE.md").symlink_to("../secret")
    with pytest.raises(ConfigError, match="link out of the repository"):
        BlueprintLibrary(repo).compose("backend")
    (repo / "CLAUDE.md").unlink()
    (repo / "AGENTS.md").write_text("## Inside\n")
    (repo / "CLAUDE.md").symlink_to("AGENTS.md")
    assert "## Inside" in BlueprintLibrary(repo).compose("backend").text


def test_what_is_no_text_is_said_clearly(tmp_path: Path) -> None:
    (tmp_path / "CLAUDE.md").write_bytes(b"\xff")
    with pytest.raises(ConfigError, match="not UTF-8"):
        BlueprintLibrary(tmp_path).compose("backend")
    (tmp_path / "CLAUDE.md").unlink()
    os.mkfifo(tmp_path / "CLAUDE.md")
    with pytest.raises(ConfigError, match="cannot be used"):
        BlueprintLibrary(tmp_path).compose("backend")


@pytest.mark.parametrize(
    ("spelt", "profile"),
    [("PCI-DSS", "pci-dss"), ("pci dss", "pci-dss"), ("SOC 2", "soc2"), ("Hipaa", "hipaa"), ("gdpr", "gdpr")],
)
def test_profiles_are_known_in_every_usual_spelling(spelt: str, profile: str) -> None:
    assert known_profiles([spelt, profile]) == (profile,)


def test_an_unknown_profile_lists_those_there_are() -> None:
    with pytest.raises(ConfigError, match="iso27001") as caught:
        known_profiles(["iso27001"])
    assert "hipaa" in caught.value.detail


def test_the_library_has_every_domain_and_profile_and_says_how_to_report() -> None:
    assert set(shipped_domains()) == set(DOMAINS)
    for domain in DOMAINS:
        made = BlueprintLibrary(Path("/nowhere")).compose(domain, PROFILES)
        assert "orch-report blocked" in made.text
        assert "Never commit `TASK.md`, `AGENT_NOTES.md`" in made.text
        headings = [section.heading for section in made.sections]
        assert len(headings) == len(set(headings))


CARDS = "AES-256|TLS 1.3|masked|second factor|12 characters|90 days|HMAC|7 years|quarter"


@pytest.mark.parametrize(
    ("profile", "rules"),
    [
        ("pci-dss", f"{CARDS}|15 minutes|only be appended"),
        ("soc2", f"{CARDS}|15 idle minutes|append-only"),
        ("hipaa", "AES-256|necessary|associate agreement|60 days|RBAC|audit record|Sessions end|Emergency access"),
        ("gdpr", "Access|Erasure|Portability|Consent|Minimisation|Purpose|Records of processing|protection officer"),
    ],
)
def test_each_profile_covers_its_rules(profile: str, rules: str) -> None:
    text = (shipped_library() / "blueprints" / "compliance" / f"{profile}.md").read_text()
    assert [rule for rule in rules.split("|") if rule not in text] == []


def test_documentation_duties_name_every_document() -> None:
    text = (shipped_library() / "blueprints" / "documentation.md").read_text()
    assert [word for word in ("Decision records", "OpenAPI", "runbooks", "Coverage") if word not in text] == []


def test_every_shipped_plan_is_without_a_complaint() -> None:
    library = shipped_library()
    for file in [library / "tasks.md", *(library / "blueprints").glob("*/tasks.md")]:
        made = read_plan(file)
        assert made.problems == (), file
    assert read_plan(library / "tasks.md").epic.agents == 20
