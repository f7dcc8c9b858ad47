"""Commands as a user who has to heed the modes of files, which root hasn't, and in mounts of their own."""

from __future__ import annotations

import os
import shutil
import subprocess
from functools import cache
from pathlib import Path

from cli.commands import Outcome, call

_RIGHTS = "-dac_override,-dac_read_search,-fowner"
HEEDS_MODES = ("setpriv", f"--bounding-set={_RIGHTS}", f"--inh-caps={_RIGHTS}") if os.getuid() == 0 else ()
"""Put before a command, it goes without root's right to pass over modes."""


def call_as_bystander(*arguments: object, before: tuple[str, ...] = (), **environment: str) -> Outcome:
    """Runs a command of the program as `cli.commands.call` does, for somebody who has to heed modes."""
    return call(*arguments, before=[*before, *HEEDS_MODES], **environment)


@cache
def may_mount() -> bool:
    """Whether this user may mount something that nobody else sees."""
    return (
        shutil.which("unshare") is not None and subprocess.run(("unshare", "-m", "true"), check=False).returncode == 0
    )


def in_mounts(script: str, folder: Path) -> tuple[str, ...]:
    """Put before a command, it runs where a shell's `script`, with the folder as $1, has mounted something."""
    return ("unshare", "-m", "sh", "-ec", f'{script}; shift; exec "$@"', "sh", str(folder))


READ_ONLY = 'mount --bind "$1" "$1"; mount -o remount,bind,ro "$1"'
FULL = 'mount -t tmpfs -o size=64k none "$1"; dd if=/dev/zero of="$1/fill" bs=64k count=2 2>/dev/null || true'
