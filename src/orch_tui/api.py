"""What a plug-in may import: the ports it implements and the values that cross them. Re-exports only.

`API_VERSION` rises when a plug-in that was written for the version before would break.
"""

from __future__ import annotations

from orch_tui.core.ports import Backend, Gate, Runner
from orch_tui.model.errors import (
    Busy,
    ConfigError,
    EnvironmentProblem,
    OrchError,
    PluginError,
    Refused,
    RunnerError,
)
from orch_tui.model.ids import AgentId, RunNonce, StreamKey
from orch_tui.model.running import (
    DEFAULT_LADDER,
    LOG_LIMIT,
    Activity,
    AgentTask,
    Caps,
    CommandResult,
    GateContext,
    GateResult,
    GateStatus,
    Launch,
    Order,
    Placement,
    RunEvent,
    StopStep,
)
from orch_tui.model.settings import Duration

API_VERSION = 1

__all__ = [
    "API_VERSION",
    "DEFAULT_LADDER",
    "LOG_LIMIT",
    "Activity",
    "AgentId",
    "AgentTask",
    "Backend",
    "Busy",
    "Caps",
    "CommandResult",
    "ConfigError",
    "Duration",
    "EnvironmentProblem",
    "Gate",
    "GateContext",
    "GateResult",
    "GateStatus",
    "Launch",
    "OrchError",
    "Order",
    "Placement",
    "PluginError",
    "Refused",
    "RunEvent",
    "RunNonce",
    "Runner",
    "RunnerError",
    "StopStep",
    "StreamKey",
]
