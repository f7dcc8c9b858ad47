"""What kind of file system a folder lies on: whether other machines may see it, and how soon."""

from __future__ import annotations

import os
import re
from pathlib import Path

_MOUNTS = Path("/proc/self/mountinfo")
_REMOTE = re.compile(r"nfs|cifs|smb|lustre|gpfs|beegfs|ceph|glusterfs|afs|9p|orangefs|pvfs|panfs|wekafs|fuse\.|fuse$|virtiofs")
_LOCAL_FUSE = re.compile(r"fuse\.(?:ntfs|exfat|fuse-overlayfs|fuseblk|lxcfs)")


def file_system_type(folder: Path) -> str:
    """The type of the file system that a folder, or the nearest one above it that exists, lies on; "" if unknown."""
    try:
        lines = _MOUNTS.read_text("utf-8", "replace").splitlines()
        device = os.stat(next(path for path in (folder, *folder.parents) if os.path.exists(path))).st_dev
    except (OSError, StopIteration):
        return ""
    wanted = f"{os.major(device)}:{os.minor(device)}"
    for line in reversed(lines):  # the newest mount lies on top
        fields, _, rest = line.partition(" - ")
        if fields.split()[2] == wanted and rest:
            return rest.split()[0]
    return ""


def is_remote(folder: Path) -> bool:
    """Whether other machines may see the folder through a file server, whose clients cache what they read and write."""
    kind = file_system_type(folder)
    return bool(_REMOTE.match(kind)) and not _LOCAL_FUSE.match(kind)
