"""`orch-tui doctor`: what works here and what does not."""

from __future__ import annotations

import click

from orch_tui.cli import diagnostics, output
from orch_tui.cli.options import examples, json_option
from orch_tui.cli.session import Session, pass_session

_LOOKS = {"ok": ("ok", "green"), "note": ("note", "yellow"), "problem": ("PROBLEM", "red")}


@click.command(epilog=examples("orch-tui doctor", "orch-tui doctor --json | jq '.[] | select(.severity==\"problem\")'"))
@json_option
@pass_session
def command(session: Session, as_json: bool) -> int:
    """Examine git, the repository, the mission's files, the state directory, plug-ins and processes.

    Exit code 1: something will not work. Nothing is changed, and no key is shown.
    """
    from orch_tui.wiring import doctor  # git and SQLite: 80 ms to import

    findings = doctor.examine(session.directory)
    if as_json:
        output.json(findings)
    else:
        for finding in findings:
            word, colour = _LOOKS[finding.severity]
            output.line(f"{word:<8} {finding.name:<14} {finding.text}", fg=colour if word != "ok" else "")
            if finding.hint:
                output.line(f"{'':<24}{finding.hint}")
    return diagnostics.REFUSED if any(f.severity == "problem" for f in findings) else diagnostics.DONE
