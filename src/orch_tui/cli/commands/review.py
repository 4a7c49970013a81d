"""`orch-tui review`: a verdict on exact commits, or what there is to judge."""

from __future__ import annotations

import click

from orch_tui.cli import diagnostics, output, shapes
from orch_tui.cli.options import agent_option, examples, json_option, one_scope, stream_option
from orch_tui.cli.session import Session, pass_session
from orch_tui.cli.words import short, size_of_change
from orch_tui.core.ports import MissionVerbs
from orch_tui.model.errors import Refused
from orch_tui.model.fleet import Agent, Fleet
from orch_tui.model.refusals import scope
from orch_tui.model.verbs import Outcome, Review


@click.command(
    epilog=examples(
        "orch-tui review --agent api-2",
        "orch-tui review --agent api-2 --approve",
        'orch-tui review --agent api-2 --request-changes "Test the empty list too"',
        "orch-tui review --stream api --approve --yes",
    ),
)
@agent_option
@stream_option
@click.option("--approve", is_flag=True, help="This commit may land.")
@click.option("--request-changes", "changes", metavar="TEXT", help="The agent is told and set to work again.")
@click.option("--reject", is_flag=True, help="Leave this work out of the stream.")
@click.option("--note", metavar="TEXT", default="", help="A remark for the journal.")
@click.option("--commit", metavar="OID", default="", help="The commit you looked at; refused if the agent moved on.")
@click.option("--yes", is_flag=True, help="For scripts; a verdict can be changed, so none is asked for.")
@json_option
@pass_session
def command(
    session: Session,
    agent: str,
    stream: str,
    approve: bool,
    changes: str | None,
    reject: bool,
    note: str,
    commit: str,
    yes: bool,  # noqa: ARG001  every verb that changes a mission takes it
    as_json: bool,
) -> int:
    """Judge the newest commits of an agent or of a stream's agents; without a verdict show what there is to judge.

    Exit code 1: not all of them could be judged; stderr says why.
    """
    one_scope(stream, agent)
    verdict = _verdict(approve=approve, changes=changes is not None, reject=reject)
    if commit and not agent:
        raise click.UsageError("--commit goes with --agent.")
    if not verdict:
        session.look(lambda mission: _show_work(mission, stream, agent, as_json=as_json))
        return diagnostics.DONE

    async def job(mission: MissionVerbs) -> int:
        expect = _expected(_agents(mission.fleet, stream, agent), agent, commit)
        verb = Review(verdict, stream=stream, agent=agent, note=changes or note, expect=expect)
        done = await mission.do(verb)
        output.outcome(done if as_json else Outcome(done.message), as_json=as_json)
        for refusal in done.lines:
            diagnostics.say(f"orch-tui: {refusal}")
        return diagnostics.REFUSED if done.lines else diagnostics.DONE

    return session.ask(job)


def _verdict(*, approve: bool, changes: bool, reject: bool) -> str:
    given = [word for word, said in (("approve", approve), ("changes", changes), ("reject", reject)) if said]
    if len(given) > 1:
        raise click.UsageError("Give one verdict: --approve, --request-changes or --reject.")
    return given[0] if given else ""


def _agents(fleet: Fleet, stream: str, agent: str) -> tuple[Agent, ...]:
    found = scope(fleet, stream, agent)
    if isinstance(found, str):
        raise Refused(found)
    return found


def _expected(agents: tuple[Agent, ...], agent: str, commit: str) -> str:
    """Returns the commit that the verdict is about: a shortened one is completed where it fits the newest."""
    if not agent:
        return ""
    head = agents[0].head
    return head if not commit or head.startswith(commit.lower()) else commit


async def _show_work(mission: MissionVerbs, stream: str, agent: str, *, as_json: bool) -> None:
    agents = _agents(mission.fleet, stream, agent)
    if as_json:
        output.json([shapes.agent_shape(each, mission.fleet.at) for each in agents])
        return
    rows = [
        [
            a.id,
            a.state.value,
            short(a.head),
            size_of_change(a),
            a.verdict if a.verdict_oid == a.head else "",
            output.cut(a.summary or a.reason, limit=60),
        ]
        for a in agents
    ]
    if rows:
        output.table(rows, head=("agent", "state", "commit", "lines", "verdict", "says"))
