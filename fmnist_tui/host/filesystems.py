"""The file system of a folder: whether it is remote, and whether other machines see its locks."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

_MOUNTS = Path("/proc/self/mountinfo")
_REMOTE = re.compile(
    r"nfs|cifs|smb|lustre|gpfs|beegfs|ceph|glusterfs|afs|9p|orangefs|pvfs|panfs|wekafs|fuse\.|fuse$|virtiofs"
)
_LOCAL_FUSE = re.compile(r"fuse\.(?:ntfs|exfat|fuse-overlayfs|fuseblk|lxcfs)")
_LOCAL_LOCKS = re.compile(r"9p|virtiofs|afs|fuse(?!\.glusterfs|\.ceph)")
"""File systems whose locks are local to each client, whatever their options."""
_LOCAL_LOCK_OPTIONS = {
    "nfs": ("local_lock=all", "local_lock=posix", "nolock"),
    "lustre": ("localflock",),
    "cifs": ("nobrl", "nolock"),
    "smb": ("nobrl", "nolock"),
}
"""Mount options that make locks local, by the prefix of the type."""


@dataclass(frozen=True)
class Mount:
    """A mounted file system.

    Attributes:
        type: The kernel's name for it: "ext4", "nfs4", "fuse.sshfs"; "" if unknown.
        options: The options of the mount and of the file system.
    """

    type: str = ""
    options: frozenset[str] = frozenset()

    @property
    def is_remote(self) -> bool:
        """Whether it is served by a file server: other machines may see it, and clients cache reads and writes."""
        return bool(_REMOTE.match(self.type)) and not _LOCAL_FUSE.match(self.type)

    @property
    def has_local_locks(self) -> bool:
        """Whether other machines may see its files but not this machine's fcntl locks."""
        if not self.is_remote:
            return False
        options = (name for kind, names in _LOCAL_LOCK_OPTIONS.items() if self.type.startswith(kind) for name in names)
        return bool(_LOCAL_LOCKS.match(self.type)) or not self.options.isdisjoint(options)


def mount_of(folder: Path, mounts: Path = _MOUNTS) -> Mount:
    """The mount of a folder, or of its nearest existing parent; an empty one if unknown.

    Args:
        folder: Any path.
        mounts: The kernel's list of mounts (proc_pid_mountinfo(5)).
    """
    try:
        lines = mounts.read_text("utf-8", "surrogateescape").splitlines()
    except OSError:
        return Mount()
    real = Path(os.path.realpath(folder))
    best, found = -1, Mount()
    for line in lines:
        first, _, second = line.partition(" - ")
        before, after = first.split(), second.split()
        if len(before) < 6 or not after:
            continue
        point = Path(re.sub(r"\\([0-7]{3})", lambda match: chr(int(match[1], 8)), before[4]))
        if real.is_relative_to(point) and len(point.parts) >= best:  # the last mount on a folder hides earlier ones
            best, found = len(point.parts), Mount(after[0], frozenset(f"{before[5]},{after[-1]}".split(",")))
    return found


def is_remote(folder: Path) -> bool:
    """Whether the folder is on a file server; see `Mount.is_remote`."""
    return mount_of(folder).is_remote
