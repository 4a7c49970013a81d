"""Which directories lie on a file system that reports its changes, as far as this machine can tell.

The kernel's events cover what this machine changes. On a network mount another machine may write, and
no event comes: such directories are polled.
"""

from __future__ import annotations

from pathlib import Path

SILENT = frozenset(
    {"nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "afs", "ceph", "lustre", "glusterfs", "virtiofs", "vboxsf"}
    | {"fuse.sshfs", "fuse.rclone", "fuse.s3fs", "fuse.gcsfuse", "fuse.glusterfs", "fuse.ceph-fuse"}
)
"""Types of file systems that another machine can write to."""

_TABLE = Path("/proc/self/mountinfo")


def read_table() -> str:
    """Returns the kernel's table of mounts; empty where there is none to read, as on macOS."""
    try:
        return _TABLE.read_text("utf-8", "surrogateescape")
    except OSError:
        return ""


def mount_types(table: str) -> dict[str, str]:
    """Returns the type of file system at each mount point, from the text of a mount table."""
    types = {}
    for line in table.splitlines():
        left, _, right = line.partition(" - ")
        fields = left.split(" ")
        if len(fields) > 4:
            types[_unescaped(fields[4])] = right.split(" ")[0]
    return types


def silent_type(directory: str, types: dict[str, str]) -> str:
    """Returns the type of the silent file system that the directory lies on; empty if it lies on none."""
    point = directory
    while point not in types:
        above = point.rpartition("/")[0] or "/"
        if above == point:
            return ""
        point = above
    return types[point] if types[point] in SILENT else ""


def _unescaped(path: str) -> str:
    for code, char in ((r"\040", " "), (r"\011", "\t"), (r"\012", "\n"), (r"\134", "\\")):
        path = path.replace(code, char)
    return path
