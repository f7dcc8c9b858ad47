from __future__ import annotations

from pathlib import Path

import pytest

from fmnist_tui.host.filesystems import Mount, mount_of

LOCAL = "22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw"


def mounts(tmp_path: Path, *lines: str) -> Path:
    file = tmp_path / "mountinfo"
    file.write_text("\n".join([LOCAL, *lines]))
    return file


def test_the_deepest_mount_counts_and_of_two_on_one_folder_the_newest(tmp_path: Path) -> None:
    table = mounts(
        tmp_path,
        "30 22 0:40 / /far rw - nfs4 server:/far rw,vers=4.2",
        "31 30 0:41 / /far/scratch\\040space rw - lustre mgs:/x rw,localflock",
        "32 22 0:42 / /twice rw - tmpfs t rw",
        "33 22 0:43 / /twice ro - xfs /dev/sdb rw",
    )
    assert mount_of(Path("/far/runs"), table).type == "nfs4"
    assert mount_of(Path("/far/scratch space/runs"), table).type == "lustre"
    assert mount_of(Path("/twice/x"), table) == Mount("xfs", frozenset({"ro", "rw"}))
    assert mount_of(Path("/farther"), table).type == "ext4"


def test_without_a_list_nothing_is_known(tmp_path: Path) -> None:
    assert mount_of(Path("/"), tmp_path / "none") == Mount()
    (tmp_path / "odd").write_text("no - mounts\n\n- \nhere")
    assert mount_of(Path("/"), tmp_path / "odd") == Mount()


@pytest.mark.parametrize(
    ("kind", "options", "remote", "keeps"),
    [
        ("ext4", "rw", False, False),
        ("nfs4", "rw,local_lock=none", True, False),
        ("nfs", "rw,local_lock=all", True, True),
        ("nfs", "rw,nolock", True, True),
        ("lustre", "rw,flock", True, False),
        ("lustre", "rw,localflock", True, True),
        ("gpfs", "rw", True, False),
        ("cifs", "rw,nobrl", True, True),
        ("fuse.sshfs", "rw", True, True),
        ("fuse.glusterfs", "rw", True, False),
        ("fuse.fuse-overlayfs", "rw", False, False),
        ("9p", "rw", True, True),
        ("", "", False, False),
    ],
)
def test_what_other_machines_see_of_locks(kind: str, options: str, remote: bool, keeps: bool) -> None:
    mount = Mount(kind, frozenset(options.split(",")))
    assert (mount.is_remote, mount.has_local_locks) == (remote, keeps)
