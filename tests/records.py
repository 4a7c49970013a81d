"""Random facts and records, made from the facts' own declarations, about a small fleet so that they meet."""

from __future__ import annotations

import types
from typing import Any, Union, get_args, get_origin

import msgspec
from hypothesis import strategies as st
from msgspec import Struct

from orch_tui.model import facts as f
from orch_tui.model.facts import Fact, Record
from orch_tui.model.fleet import Agent, Stream, Task
from orch_tui.model.ids import AgentId, StreamKey

STREAMS = ("infra", "core-services")
AGENTS = tuple(f"{stream}-{n}" for stream in STREAMS for n in (1, 2))
BATCHES = ("20270115-infra-1", "20270115-core-services-1")
OIDS = ("", "a" * 40, "b" * 40)
NAMED: dict[str, tuple[str, ...]] = {
    "agent": (*AGENTS, "nobody-9"),
    "stream": (*STREAMS, "nowhere"),
    "batch": (*BATCHES, "no-such-batch"),
    "run": ("r.1", "r.2"),
    "verdict": ("approved", "changes", "rejected"),
    "day": ("2027-01-15", "2027-01-16"),
}
KINDS: dict[str, st.SearchStrategy[Any]] = {
    "AgentId": st.sampled_from(AGENTS),
    "StreamKey": st.sampled_from(STREAMS),
    "BatchId": st.sampled_from(BATCHES),
    "Oid": st.sampled_from(OIDS),
}
TEXT = st.text(st.characters(exclude_categories=()), max_size=12)
"""Also halves of characters, as names from git may hold."""

plan = f.PlanLoaded(
    "Epic",
    "mvp",
    tuple(
        Stream(
            key=StreamKey(key),
            number=i,
            name=key.title(),
            domain="backend",
            after=tuple(StreamKey(s) for s in STREAMS[: i - 1]),
            tasks=(Task("Do it", 2, 3),),
            agents=tuple(
                Agent(id=AgentId(a), stream=StreamKey(key), task=0, title="Do it")
                for a in AGENTS
                if a.rpartition("-")[0] == key
            ),
        )
        for i, key in enumerate(STREAMS, 1)
    ),
)
"""A plan of two streams with two agents each."""


def _value(name: str, kind: Any) -> st.SearchStrategy[Any]:
    if name in NAMED and kind is not bool:
        return st.sampled_from(NAMED[name])
    known = KINDS.get(getattr(kind, "__name__", ""))
    return known if known is not None else _of_type(kind)


def _of_type(kind: Any) -> st.SearchStrategy[Any]:
    if kind is str:
        return TEXT
    if kind is float:
        return st.integers(0, 2**40).map(lambda n: n / 64)
    if kind is int:
        return st.integers(0, 2**40)
    if get_origin(kind) in (Union, types.UnionType):
        return st.one_of(*(_of_type(part) for part in get_args(kind)))
    if get_origin(kind) is tuple:
        parts = get_args(kind)
        if parts[-1] is Ellipsis:
            return st.lists(_value("", parts[0]), max_size=2).map(tuple)
        return st.tuples(*(_value("", part) for part in parts))
    if isinstance(kind, type) and issubclass(kind, Struct):
        return _struct(kind)
    if kind is type(None):
        return st.none()
    known = KINDS.get(getattr(kind, "__name__", ""))
    return known if known is not None else st.from_type(kind)


def _struct(kind: type[Struct]) -> st.SearchStrategy[Any]:
    fields = {field.name: st.deferred(lambda g=field: _value(g.name, g.type)) for field in msgspec.structs.fields(kind)}
    return st.builds(kind, **fields)


facts: st.SearchStrategy[Fact] = st.one_of(st.just(plan), *(_struct(kind) for kind in get_args(Fact)))
"""Any fact."""

histories = st.lists(st.tuples(facts, st.sampled_from(("operator", "engine"))), max_size=30).map(
    lambda entries: tuple(
        Record(seq, 1.8e9 + seq / 4, actor, fact) for seq, (fact, actor) in enumerate([(plan, "engine"), *entries], 1)
    )
)
"""A plan and whatever comes after it, numbered without gaps."""


def judged(seq: int, reason: str = "", agent: str = AGENTS[0]) -> Record:
    """Returns a record with something to read in it."""
    return Record(seq, 1.8e9 + seq, "engine", f.ProblemSeen(agent, reason or f"number {seq}"))
