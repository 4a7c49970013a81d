"""Finds the layers of a blueprint: the repository's own files first, the shipped library where there are none.

This module alone knows where blueprints lie, in the repository and in the installed package.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from orch_tui.model.blueprint import Blueprint, Layer, compose
from orch_tui.model.errors import ConfigError
from orch_tui.model.ids import slug
from orch_tui.model.problem import did_you_mean
from orch_tui.model.settings import PROFILES

DIRECTORY = "blueprints"
_LARGEST = 1024 * 1024


class BlueprintLibrary:
    """The blueprints that are in force in one repository."""

    def __init__(self, root: Path, shipped: Path | None = None) -> None:
        self._root = root
        self._shipped = shipped or shipped_library()

    def compose(self, domain: str, compliance: Sequence[str] = ()) -> Blueprint:
        """Returns the blueprint of a domain: base, domain, compliance profiles, documentation duties.

        Raises:
            ConfigError: A profile is unknown, or a file cannot be used.
        """
        return compose(tuple(self._layers(domain, compliance)))

    def has_domain(self, domain: str) -> bool:
        """Tells whether there are instructions for a domain."""
        return self._find(_domain_files(domain)) is not None

    def _layers(self, domain: str, compliance: Sequence[str]) -> Iterator[Layer]:
        yield from self._layer(("CLAUDE.md",), shipped=f"{DIRECTORY}/CLAUDE.md")
        if domain and domain == slug(domain, limit=100):
            yield from self._layer(_domain_files(domain))
        for profile in compliance:
            if profile not in PROFILES:
                known = did_you_mean(profile, PROFILES)
                raise ConfigError(f'there is no compliance profile "{profile}"{known}', "mission.compliance")
            yield from self._layer((f"{DIRECTORY}/compliance/{profile}.md",), tightens=True)
        yield from self._layer((f"{DIRECTORY}/documentation.md",))

    def _layer(self, names: Sequence[str], *, shipped: str = "", tightens: bool = False) -> Iterator[Layer]:
        """Yields the layer of the first of these files that exists; nothing where none does."""
        found = self._find(names, shipped)
        if found:
            path, shown = found
            yield Layer(shown, read_text(path, shown), tightens)

    def _find(self, names: Sequence[str], shipped: str = "") -> tuple[Path, str] | None:
        for name in names:
            path = self._root / name
            if _exists(path):
                if not path.resolve().is_relative_to(self._root.resolve()):
                    hint = "Put the text itself there: agents are told what it says."
                    raise ConfigError(f"{name} is a link out of the repository", str(path.resolve()), hint)
                return path, name
        for name in (shipped,) if shipped else names:
            path = self._shipped / name
            if _exists(path):
                return path, f"orch-tui: {name}"
        return None


def shipped_library() -> Path:
    """Returns the directory with the `blueprints/` and `tasks.md` that the program brings along."""
    package = Path(__file__).resolve().parents[1]
    installed = package / "library"
    return installed if installed.is_dir() else package.parents[1]


def shipped_domains(shipped: Path | None = None) -> tuple[str, ...]:
    """Returns the domains that a blueprint is shipped for."""
    directory = (shipped or shipped_library()) / DIRECTORY
    return tuple(sorted(path.parent.name for path in directory.glob("*/CLAUDE.md")))


def known_profiles(names: Iterable[str]) -> tuple[str, ...]:
    """Returns compliance profiles under their own names, however they were spelt: "PCI DSS", "soc-2".

    Raises:
        ConfigError: One of them is unknown.
    """
    by_letters = {_letters(profile): profile for profile in PROFILES}
    profiles = []
    for name in names:
        profile = by_letters.get(_letters(name))
        if profile is None:
            known = f"there is {', '.join(PROFILES)}"
            raise ConfigError(f'there is no compliance profile "{name}"', known, "Name one of these.")
        profiles.append(profile)
    return tuple(dict.fromkeys(profiles))


def read_text(path: Path, shown: str) -> str:
    """Returns the text of a blueprint.

    Raises:
        ConfigError: It is no text file of a reasonable size, or it cannot be read.
    """
    try:
        if not path.is_file() or path.stat().st_size > _LARGEST:
            raise ConfigError(
                f"{shown} cannot be used", f"it is no file of at most {_LARGEST} bytes", "Mend or move it."
            )
        return path.read_text("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ConfigError(f"{shown} is not UTF-8", f"at byte {error.start}", "Save the file as UTF-8.") from error
    except OSError as error:
        raise ConfigError(f"{shown} cannot be read", f"{error.strerror}", "Check its permissions.") from error


def _domain_files(domain: str) -> tuple[str, str]:
    return f"{DIRECTORY}/{domain}/CLAUDE.md", f"{DIRECTORY}/CLAUDE-{domain}.md"


def _exists(path: Path) -> bool:
    """Tells whether something is there; what cannot be looked at is, and reading it says why not."""
    try:
        return path.exists()
    except OSError:
        return True


def _letters(name: str) -> str:
    return slug(name).replace("-", "")
