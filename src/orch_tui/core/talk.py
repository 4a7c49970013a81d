"""Messages to agents, and stopping them."""

from __future__ import annotations

from orch_tui.core.launch import Launcher
from orch_tui.core.parts import Parts
from orch_tui.core.supervise import Supervisor
from orch_tui.model.errors import Refused
from orch_tui.model.facts import AgentJudged, Fact, MessageSent, StopOrdered
from orch_tui.model.fleet import Agent, Fleet
from orch_tui.model.ids import AgentId
from orch_tui.model.plain import counted
from orch_tui.model.refusals import scope
from orch_tui.model.states import AgentState
from orch_tui.model.verbs import Launched, Outcome

HEAD_LENGTH = 200


class Talker:
    """Puts words into inboxes and takes processes down; an agent without a process is started with the words."""

    def __init__(self, parts: Parts, launcher: Launcher, supervisor: Supervisor) -> None:
        self._parts = parts
        self._launcher = launcher
        self._supervisor = supervisor

    @property
    def _fleet(self) -> Fleet:
        return self._parts.store.fleet

    def agent(self, name: str) -> Agent:
        """Returns the agent of that id.

        Raises:
            Refused: there is none.
        """
        agent = self._fleet.agent(name)
        if agent is None:
            raise Refused(f"there is no agent {name!r}")
        return agent

    async def say(self, name: str, text: str, actor: str) -> Outcome:
        """Puts a message into the agent's inbox and makes sure that somebody reads it."""
        agent = self.agent(name)
        number = await self.put(agent, "message", text, actor)
        starting = agent.state == AgentState.STARTING and not agent.pid
        if starting or (agent.pid and agent.claim not in ("done", "failed")):
            return Outcome(f"message {number} lies in the inbox of {agent.id}; its program reads it when it looks")
        await self.again(agent.id, actor)
        return Outcome(f"{agent.id} starts again with message {number}")

    async def put(self, agent: Agent, kind: str, text: str, actor: str) -> int:
        """Puts words into the agent's inbox and returns their number.

        Raises:
            Refused: there is no worktree to put them into.
        """
        files = self._supervisor.files(agent.id)
        if files is None or not self._parts.desk.exists(files.task_path.parent):
            raise Refused(f"{agent.id} has no worktree to put a message into", "", "Launch it again.")
        number = max((files.newest_message, *(m.id for m in agent.messages))) + 1
        files.put_message(number, number, text)
        head = text.strip().splitlines()[0][:HEAD_LENGTH]
        await self._parts.store.put(MessageSent(agent.id, number, kind, head), actor=actor)
        return number

    async def again(self, name: AgentId, actor: str) -> Launched:
        """Ends the agent's process where there is one and queues the agent."""
        running = bool(self.agent(name).pid)
        launched = await self._launcher.enqueue((name,), actor)
        if running:
            await self._parts.runner.stop(name, "restart")
        return launched

    async def stop(self, stream: str, agent: str, reason: str, actor: str) -> Outcome:
        """Stops the processes of a scope; what waits in the queue leaves it."""
        agents = scope(self._fleet, stream, agent)
        if isinstance(agents, str):
            raise Refused(agents)
        queued = [a for a in agents if a.state == AgentState.QUEUED]
        running = [a for a in agents if a.pid or a.state == AgentState.STARTING]
        why = reason or "stopped by the operator"
        facts: list[Fact] = [AgentJudged(a.id, _unqueued(a), why) for a in queued]
        facts += [StopOrdered(a.id, why) for a in running]
        if facts:
            await self._parts.store.put(*facts, actor=actor)
        for one in running:
            await self._launcher.obey(one.id)
        left = f", {len(queued)} left the queue" if queued else ""
        return Outcome(f"stopping {counted(len(running), 'agent')}{left}")


def _unqueued(agent: Agent) -> AgentState:
    return AgentState.STOPPED if agent.run else AgentState.PLANNED
