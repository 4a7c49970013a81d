"""`orch-tui diff`: the work of an agent, or what a stream would land."""

from __future__ import annotations

from pathlib import Path

import click

from orch_tui.cli import output
from orch_tui.cli.options import agent_option, examples, json_option, one_scope, stream_option
from orch_tui.cli.session import Session, pass_session
from orch_tui.core.ports import MissionVerbs
from orch_tui.model.diff import FileChange, readable
from orch_tui.model.errors import EnvironmentProblem
from orch_tui.model.plain import counted
from orch_tui.model.verbs import DiffFile, ReadDiff

CHUNK = 1 << 20
_COLOURS = {"+": "green", "-": "red", "@": "cyan"}


@click.command(
    epilog=examples(
        "orch-tui diff --agent api-2",
        "orch-tui diff --stream api --stat",
        "orch-tui diff --agent api-2 > api-2.patch",
    ),
)
@agent_option
@stream_option
@click.option("--stat", is_flag=True, help="Show the changed files only.")
@json_option
@pass_session
def command(session: Session, agent: str, stream: str, stat: bool, as_json: bool) -> None:
    """Show an agent's work against its base, or a stream's fold against the target.

    On a terminal control characters are made visible; elsewhere the patch comes out byte for byte.
    """
    one_scope(stream, agent)

    async def job(mission: MissionVerbs) -> None:
        diff = await mission.do(ReadDiff(agent=agent, stream=stream))
        if as_json:
            output.json(diff)
        elif stat:
            _show_stat(diff)
        else:
            _show_patch(diff)

    session.ask(job)


def _show_stat(diff: DiffFile) -> None:
    if diff.files:
        output.table([_row(change) for change in diff.files], right=(2, 3))
    added, removed = sum(c.added for c in diff.files), sum(c.removed for c in diff.files)
    output.line(f"{counted(len(diff.files), 'file')} changed, +{added} -{removed}  {diff.base[:10]}..{diff.head[:10]}")


def _row(change: FileChange) -> list[str]:
    name = readable(change.path)
    if change.old_path:
        name = f"{readable(change.old_path)} -> {name}"
    if change.binary:
        return [change.kind, name, "binary", ""]
    return [change.kind, name, f"+{change.added}", f"-{change.removed}"]


def _show_patch(diff: DiffFile) -> None:
    try:
        with Path(diff.path).open("rb") as patch:
            if output.to_terminal():
                for raw in patch:
                    text = raw.decode("utf-8", "replace").rstrip("\n")
                    output.line(text, fg=_COLOURS.get(text[:1], ""))
            else:
                while chunk := patch.read(CHUNK):
                    output.data(chunk)
    except OSError as problem:
        raise EnvironmentProblem(
            "the diff cannot be read", f"{diff.path}: {problem.strerror}", "Ask again."
        ) from problem
