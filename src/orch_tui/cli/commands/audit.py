"""`orch-tui audit verify`: whether the journal is whole."""

from __future__ import annotations

import click

from orch_tui.cli import diagnostics, output
from orch_tui.cli.options import examples, json_option
from orch_tui.cli.session import Session, pass_session
from orch_tui.model.audit import Verdict
from orch_tui.model.plain import counted

KINDS = {
    "unreadable": "it is no record",
    "spelling": "its bytes are not those that were written",
    "number": "its number is not the next",
    "chain": "it does not follow the record before it",
    "cut": "the journal was cut off after it",
}
"""What is wrong with the first bad record, in words."""


@click.group(epilog=examples("orch-tui audit verify"))
def command() -> None:
    """Verify the journal."""


@command.command(epilog=examples("orch-tui audit verify", "orch-tui audit verify --json"))
@json_option
@pass_session
def verify(session: Session, as_json: bool) -> int:
    """Verify that every record of the journal follows the one before it, by SHA-256. Exit code 1: it is broken."""
    from orch_tui.wiring import local  # git and SQLite: 80 ms to import

    verdict = local.verify_audit(session.directory)
    if as_json:
        output.json(verdict)
    else:
        _show(verdict)
    return diagnostics.DONE if verdict.ok else diagnostics.REFUSED


def _show(verdict: Verdict) -> None:
    records = counted(verdict.records, "record")
    if verdict.ok:
        output.line(f"{records}, unbroken; newest {verdict.head}")
        return
    why = KINDS.get(verdict.kind, verdict.kind)
    output.line(f"BROKEN at record {verdict.bad_seq}: {why}; {records} before it are sound")
