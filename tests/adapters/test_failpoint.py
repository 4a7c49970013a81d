"""Named points fail as they are told, and only where they are told."""

from __future__ import annotations

import errno
import subprocess
import sys

import pytest

from orch_tui.adapters.failpoint import POINTS, failpoint


def test_without_a_word_nothing_fails():
    reached = failpoint({})
    for point in POINTS:
        reached(point)


def test_only_the_named_point_fails():
    reached = failpoint({"ORCH_FAILPOINT": "land.after_cas=raise"})
    for point in POINTS - {"land.after_cas"}:
        reached(point)
    with pytest.raises(RuntimeError, match=r"land\.after_cas"):
        reached("land.after_cas")


def test_a_full_disk_is_what_the_system_would_say():
    with pytest.raises(OSError, match="failpoint") as caught:
        failpoint({"ORCH_FAILPOINT": "land.after_pin=enospc"})("land.after_pin")
    assert caught.value.errno == errno.ENOSPC


def test_a_kill_is_a_kill():
    code = "from orch_tui.adapters.failpoint import failpoint; failpoint({'ORCH_FAILPOINT': 'a=kill'})('a')"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == -9
