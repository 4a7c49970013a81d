from __future__ import annotations

from orch_tui.adapters.files.mounts import mount_types, silent_type

TABLE = r"""
21 1 254:1 / / rw,relatime - ext4 /dev/vda1 rw
30 21 0:26 / /mnt/team\040share rw shared:1 - nfs4 server:/export rw
31 30 0:27 / /mnt/team\040share/scratch rw - tmpfs tmpfs rw
33 21 0:29 / /home/me/remote rw - fuse.sshfs me@host: rw
nonsense
"""


def test_the_nearest_mount_decides():
    types = mount_types(TABLE)
    assert silent_type("/home/me/repo", types) == ""
    assert silent_type("/mnt/team share/repo", types) == "nfs4"
    assert silent_type("/mnt/team share", types) == "nfs4"
    assert silent_type("/mnt/team shared", types) == ""
    assert silent_type("/mnt/team share/scratch/x", types) == ""
    assert silent_type("/home/me/remote/a/b", types) == "fuse.sshfs"


def test_without_a_table_nothing_is_silent():
    assert silent_type("/anything", mount_types("")) == ""
