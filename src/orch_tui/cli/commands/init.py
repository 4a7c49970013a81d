"""`orch-tui init`: a repository becomes a mission."""

from __future__ import annotations

import click

from orch_tui.cli import output
from orch_tui.cli.options import examples, json_option
from orch_tui.cli.session import Session, pass_session


def _words(_: click.Context, __: click.Parameter, values: tuple[str, ...]) -> tuple[str, ...]:
    """Splits lists at commas: an option may be given several times, and each time with several words."""
    return tuple(word.strip() for value in values for word in value.split(",") if word.strip())


@click.command(epilog=examples("orch-tui init", "orch-tui init --compliance pci-dss,soc2 --domain frontend,backend"))
@click.option("--compliance", metavar="P,…", multiple=True, callback=_words, help="Of pci-dss, soc2, hipaa, gdpr.")
@click.option("--domain", metavar="D,…", multiple=True, callback=_words, help="Domains to write blueprints for.")
@json_option
@pass_session
def command(session: Session, compliance: tuple[str, ...], domain: tuple[str, ...], as_json: bool) -> None:
    """Write what is missing: orch.toml, CLAUDE.md, tasks.md, blueprints and scripts; never over a file that exists."""
    from orch_tui.wiring import local  # git: 77 ms to import

    report = local.init(session.directory, compliance, domain)
    if as_json:
        output.json(report)
        return
    output.lines(f"wrote {name}" for name in report.written)
    output.lines(f"left  {name}" for name in report.kept)
    output.lines(report.notes)
    output.line("Next: write your plan into tasks.md, then `orch-tui tasks check` and `orch-tui`.")
