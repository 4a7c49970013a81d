"""Names of things, as types, and the words that may become one.

An id becomes a path component, a branch component and a word on a command line, so it is made of
lower-case letters, digits and dashes only.
"""

from __future__ import annotations

import re
import unicodedata
from typing import NewType

AgentId = NewType("AgentId", str)
"""`<stream key>-<number>`, unique in the mission: `infrastructure-3`."""

StreamKey = NewType("StreamKey", str)
"""The slug of a stream's name in `tasks.md`: `core-services`."""

RunNonce = NewType("RunNonce", str)
"""`<launch>.<attempt>`: 32 hexadecimal digits, a dot, the attempt's number from 1."""

BatchId = NewType("BatchId", str)
"""`<YYYYMMDD>-<stream>-<n>`."""

Oid = NewType("Oid", str)
"""A full object name of git: 40 or 64 hexadecimal digits; empty where there is none."""

_ODD = re.compile(r"[^a-z0-9]+")


def slug(text: str, *, limit: int = 40) -> str:
    """Returns the text as lower-case words joined by dashes, at most `limit` characters; "" if no letter is left."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    return _ODD.sub("-", plain).strip("-")[:limit].strip("-")


def agent_branch(stream: StreamKey, agent: AgentId) -> str:
    """Returns the short name of an agent's branch: `orch/<stream>/<agent>`."""
    return f"orch/{stream}/{agent}"
