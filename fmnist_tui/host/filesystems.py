"""What kind of file system a folder is on: whether other machines may see it, and its locks."""

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
_LOCKS_STAY = re.compile(r"9p|virtiofs|afs|fuse(?!\.glusterfs|\.ceph)")
"""File systems whose locks a client keeps to itself, whatever their options."""
_KEEP_LOCKS = {
    "nfs": ("local_lock=all", "local_lock=posix", "nolock"),
    "lustre": ("localflock",),
    "cifs": ("nobrl", "nolock"),
    "smb": ("nobrl", "nolock"),
}
"""Options that do the same, by the beginning of a type."""


@dataclass(frozen=True)
class Mount:
    """A mounted file system.

    Attributes:
        type: As the kernel calls it: "ext4", "nfs4", "fuse.sshfs"; "" if unknown.
        options: Those of the mount and of the file system.
    """

    type: str = ""
    options: frozenset[str] = frozenset()

    @property
    def is_remote(self) -> bool:
        """Whether other machines may see it through a file server, whose clients cache what they read and write."""
        return bool(_REMOTE.match(self.type)) and not _LOCAL_FUSE.match(self.type)

    @property
    def keeps_locks(self) -> bool:
        """Whether other machines may see its files but not this one's locks (fcntl's kind)."""
        if not self.is_remote:
            return False
        options = (word for kind, words in _KEEP_LOCKS.items() if self.type.startswith(kind) for word in words)
        return bool(_LOCKS_STAY.match(self.type)) or not self.options.isdisjoint(options)


def mount_of(folder: Path, mounts: Path = _MOUNTS) -> Mount:
    """The file system of a folder, or of its nearest existing parent; an empty one if unknown.

    Args:
        folder: Any path.
        mounts: The kernel's list (proc_pid_mountinfo(5)).
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
        if real.is_relative_to(point) and len(point.parts) >= best:  # of two on one folder, the newer hides the older
            best, found = len(point.parts), Mount(after[0], frozenset(f"{before[5]},{after[-1]}".split(",")))
    return found


def file_system_type(folder: Path) -> str:
    """The type of the file system of a folder, or of its nearest existing parent; "" if unknown."""
    return mount_of(folder).type


def is_remote(folder: Path) -> bool:
    """Whether other machines may see the folder through a file server, whose clients cache what they read and write."""
    return mount_of(folder).is_remote
