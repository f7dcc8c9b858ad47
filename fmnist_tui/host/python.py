"""Starting this program's own modules as processes, also from a checkout that isn't installed."""

from __future__ import annotations

import os
import sys
from pathlib import Path

_FOLDER = Path(__file__).resolve().parents[2]
"""The folder that contains the package."""
_INSTALLED = ("site-packages", "dist-packages")
"""Folders that Python searches anyway. Put into PYTHONPATH, they would hide the standard library."""


def python_command(module: str, *arguments: str) -> list[str]:
    """The command that runs a module of this package; start it with `python_environment()`."""
    return [sys.executable, "-m", module, *arguments]


def python_environment() -> dict[str, str]:
    """This process's environment, in which a child finds the package whatever its working directory.

    Trainers start in `/`: relative entries of PYTHONPATH are made absolute, and the folder that contains the package is
    put first unless the package is installed.
    """
    given = os.environ.get("PYTHONPATH")
    entries = [_absolute(entry) for entry in given.split(os.pathsep)] if given else []
    if _FOLDER.name not in _INSTALLED and str(_FOLDER) not in entries:
        entries.insert(0, str(_FOLDER))
    return {**os.environ, "PYTHONPATH": os.pathsep.join(entries)} if entries else dict(os.environ)


def _absolute(entry: str) -> str:
    try:
        return os.path.abspath(entry)  # noqa: PTH100 - an empty entry means the working directory
    except FileNotFoundError:  # the working directory was removed
        return entry
