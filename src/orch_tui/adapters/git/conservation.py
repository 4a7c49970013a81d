"""Checks that a batch holds what its members did: nothing lost on the way, nothing added."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from orch_tui.adapters.git.objects import Objects
from orch_tui.adapters.git.patch import Patches
from orch_tui.model.diff import FileChange, readable
from orch_tui.model.ids import Oid
from orch_tui.model.landing import FoldMember

_NOTHING = ("", "")


class Conservation:
    """Compares the tip of a batch with the heads of its members, path by path."""

    def __init__(self, objects: Objects, patches: Patches) -> None:
        self._objects = objects
        self._patches = patches

    def violation(self, base: Oid, members: Sequence[FoldMember], tip: Oid) -> str:
        """Returns the first difference that no merge explains; "" if there is none.

        Each path that one member alone changed has in the tip what it has in that member's head, and each
        path that the tip changed was changed by a member.
        """
        self._objects.require((base, tip, *(member.head for member in members)))
        parties = [self._party(base, member) for member in members]
        landed = _ends(self._patches.changes(base, tip, renames=False))
        for place, (member, own) in enumerate(zip(members, parties, strict=True)):
            others = _touched([*parties[:place], *parties[place + 1 :], self._target(base, member)])
            if path := _lost(own, others, landed):
                return f"{readable(path)}: the batch does not hold what {member.agent} made of it"
        foreign = set(landed) - _touched(parties)
        return f"{readable(min(foreign))}: changed by the batch, but by no member" if foreign else ""

    def _party(self, base: Oid, member: FoldMember) -> tuple[FileChange, ...]:
        start = self._objects.merge_base(base, member.head) or base
        return self._patches.changes(start, member.head)

    def _target(self, base: Oid, member: FoldMember) -> tuple[FileChange, ...]:
        start = self._objects.merge_base(base, member.head) or base
        return () if start == base else self._patches.changes(start, base)


def _lost(own: Sequence[FileChange], others: set[str], landed: Mapping[str, tuple[str, str]]) -> str:
    """Returns the first path of one member that the tip has otherwise; renamed paths count with their old name."""
    for change in own:
        if others & {change.path, change.old_path or change.path}:
            continue
        expected = _ends([change])
        for path, end in expected.items():
            if landed.get(path) != end:
                return path
    return ""


def _ends(changes: Sequence[FileChange]) -> dict[str, tuple[str, str]]:
    """Returns mode and blob of each path after the changes."""
    ends = {
        change.path: _NOTHING if change.kind == "deleted" else (change.new_mode, str(change.new_blob))
        for change in changes
    }
    gone = {change.old_path: _NOTHING for change in changes if change.kind == "renamed"}
    return {**gone, **ends}


def _touched(parties: Sequence[Sequence[FileChange]]) -> set[str]:
    return {path for party in parties for change in party for path in (change.path, change.old_path) if path}
