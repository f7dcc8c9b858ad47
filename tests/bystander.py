"""Commands run by a user bound by file permissions, also where the tests run as root, and in private mounts."""

from __future__ import annotations

import os
import shutil
import subprocess
from functools import cache
from pathlib import Path

from cli.commands import Outcome, call

_RIGHTS = "-dac_override,-dac_read_search,-fowner"
WITHOUT_PRIVILEGES = ("setpriv", f"--bounding-set={_RIGHTS}", f"--inh-caps={_RIGHTS}") if os.getuid() == 0 else ()
"""Prefix of a command: it can't override file permissions, even if root runs it."""


def call_as_bystander(*arguments: object, before: tuple[str, ...] = (), **environment: str) -> Outcome:
    """Runs a command of the program as `cli.commands.call` does, bound by file permissions."""
    return call(*arguments, before=[*before, *WITHOUT_PRIVILEGES], **environment)


@cache
def may_mount() -> bool:
    """Whether this user may create mounts that only its own processes see."""
    return (
        shutil.which("unshare") is not None and subprocess.run(("unshare", "-m", "true"), check=False).returncode == 0
    )


def in_mounts(script: str, folder: Path) -> tuple[str, ...]:
    """Prefix of a command: it runs after the shell `script`, with the folder as $1, has created private mounts."""
    return ("unshare", "-m", "sh", "-ec", f'{script}; shift; exec "$@"', "sh", str(folder))


READ_ONLY = 'mount --bind "$1" "$1"; mount -o remount,bind,ro "$1"'
FULL = 'mount -t tmpfs -o size=64k none "$1"; dd if=/dev/zero of="$1/fill" bs=64k count=2 2>/dev/null || true'
