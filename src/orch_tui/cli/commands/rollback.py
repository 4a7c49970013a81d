"""`orch-tui rollback`: a landed batch comes off the target, as a plan or done."""

from __future__ import annotations

import click

from orch_tui.cli import diagnostics, output
from orch_tui.cli.agreement import agreed, not_agreed
from orch_tui.cli.options import examples, json_option, one_way, plan_option, yes_option
from orch_tui.cli.session import Session, pass_session
from orch_tui.core.ports import MissionVerbs
from orch_tui.model.verbs import Rollback, RolledBack


@click.command(epilog=examples("orch-tui rollback --plan", "orch-tui rollback 20261104-api-1 --yes"))
@click.argument("batch", metavar="[BATCH]", default="")
@plan_option
@yes_option
@json_option
@pass_session
def command(session: Session, batch: str, plan: bool, yes: bool, as_json: bool) -> int:
    """Take BATCH, its id or its tag, off the target again; without one the newest.

    By a reset where nothing newer is on the target and it was not pushed, else by a revert.
    """
    one_way(plan, yes)

    async def job(mission: MissionVerbs) -> int:
        done = await agreed(mission, Rollback(batch), yes=yes, as_json=as_json)
        if done is None:
            return not_agreed(plan=plan)
        _show(done, as_json=as_json)
        return diagnostics.DONE

    return session.ask(job)


def _show(done: RolledBack, *, as_json: bool) -> None:
    if as_json:
        output.json(done)
        return
    output.line(f"{done.batch} is off the target by {done.how}, which is at {done.commit}.")
    output.behind(done.behind)
