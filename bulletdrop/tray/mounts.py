"""Which file systems bring no events when another machine writes: those must be polled."""

from __future__ import annotations

import os
import sys
from pathlib import Path

# Remote, or shared with another kernel: inotify sees only what this kernel writes. WSL's drives are 9p or drvfs.
NETWORK = frozenset(
    {
        *("9p", "acfs", "afs", "beegfs", "ceph", "cifs", "davfs", "drvfs", "glusterfs", "gpfs", "lustre", "ncpfs"),
        *("nfs", "nfs4", "ocfs2", "prl_fs", "smb3", "smbfs", "vboxsf", "virtiofs", "vmhgfs"),
        *("fuse.ceph", "fuse.davfs2", "fuse.glusterfs", "fuse.gvfsd-fuse", "fuse.juicefs", "fuse.rclone", "fuse.s3fs"),
        *("fuse.sshfs", "fuse.vmhgfs-fuse"),
    }
)


def is_network(folder: Path, *, mounts: Path = Path("/proc/self/mounts")) -> bool:
    """Whether the folder (or its nearest existing parent) lies on such a file system.

    Linux: by the type in the mount table. Windows: a UNC path. macOS and others: False, their events come from the
    system, and the rescan finds the rest.
    """
    if sys.platform == "win32":
        return str(folder).startswith("\\\\")
    return file_system(folder, mounts=mounts) in NETWORK


def file_system(folder: Path, *, mounts: Path = Path("/proc/self/mounts")) -> str | None:
    """The type of the file system that holds the folder, or None when it cannot be told."""
    try:
        lines = mounts.read_text(encoding="utf-8", errors="surrogateescape").splitlines()
    except OSError:
        return None
    where = os.path.realpath(folder)
    best, kind = "", None
    for line in lines:
        fields = line.split(" ")
        if len(fields) < 3:
            continue
        point = _unescape(fields[1])
        inside = where == point or where.startswith(point.rstrip("/") + "/")
        # Of two mounts on one point the later one covers the earlier.
        if inside and len(point) >= len(best):
            best, kind = point, fields[2]
    return kind


def _unescape(text: str) -> str:
    """Spaces and the like stand as \\040 in the table (getmntent(3))."""
    for code, char in (("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")):
        text = text.replace(code, char)
    return text
