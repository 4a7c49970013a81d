"""`orch-tui merge`: the landing of a stream, as a plan or done."""

from __future__ import annotations

import click

from orch_tui.cli import diagnostics, output
from orch_tui.cli.agreement import agreed, not_agreed
from orch_tui.cli.options import examples, json_option, one_way, plan_option, yes_option
from orch_tui.cli.session import Session, pass_session
from orch_tui.core.ports import MissionVerbs
from orch_tui.model.plain import counted
from orch_tui.model.verbs import Landing, Merge


@click.command(
    epilog=examples("orch-tui merge --stream infrastructure --plan", "orch-tui merge --stream infrastructure --yes"),
)
@click.option("--stream", "-s", metavar="S", required=True, help="The stream: its number, key or domain.")
@plan_option
@yes_option
@json_option
@pass_session
def command(session: Session, stream: str, plan: bool, yes: bool, as_json: bool) -> int:
    """Land a stream: fold its approved branches, run its gates on that tree, move the target once.

    A tag marks the target before it, for `orch-tui rollback`.
    """
    one_way(plan, yes)

    async def job(mission: MissionVerbs) -> int:
        landing = await agreed(mission, Merge(stream), yes=yes, as_json=as_json)
        if landing is None:
            return not_agreed(plan=plan)
        _show(landing, as_json=as_json)
        return diagnostics.DONE

    return session.ask(job)


def _show(landing: Landing, *, as_json: bool) -> None:
    if as_json:
        output.json(landing)
        return
    output.line(f"{landing.stream} landed as {landing.batch} with {counted(len(landing.agents), 'agent')}.")
    output.line(f"  commit {landing.commit}")
    output.line(f"  tag    {landing.tag}")
    output.behind(landing.behind)
