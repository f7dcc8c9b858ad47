"""What the terminal can show, by the environment: sizes, colours, characters."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

MIN_SIZE = (60, 18)
COMFORTABLE_SIZE = (80, 24)
TRUE_COLOURS = 1 << 24
CANNOT_DRAW = ("", "dumb", "unknown")
"""Values of TERM for terminals that can only print lines."""


def colours(environ: Mapping[str, str]) -> int:
    """The number of colours that the app uses, by the rules of Rich and Textual: 0, 16, 256 or 2**24."""
    term = environ.get("TERM", "").lower()
    if "NO_COLOR" in environ or term in CANNOT_DRAW:
        return 0
    if environ.get("COLORTERM", "").strip().lower() in ("truecolor", "24bit"):
        return TRUE_COLOURS
    return 256 if term.endswith(("-256color", "-kitty")) else 16


def given_environment() -> dict[str, str]:
    """The environment that this process was started with: in the C locale, Python adds an LC_CTYPE (PEP 538)."""
    environ = dict(os.environ)
    try:
        given = Path("/proc/self/environ").read_bytes()
    except OSError:
        return environ
    before = [entry for entry in given.split(b"\0") if entry.startswith(b"LC_CTYPE=")]
    return {**environ, "LC_CTYPE": os.fsdecode(before[0].partition(b"=")[2]) if before else ""}


def is_utf8(environ: Mapping[str, str]) -> bool:
    """Whether the user's locale is UTF-8. Pass `given_environment()`, not `os.environ`."""
    return "utf8" in locale_setting(environ)[1].lower().replace("-", "")


def locale_setting(environ: Mapping[str, str]) -> tuple[str, str]:
    """The variable that decides the locale, and its value."""
    for name in ("LC_ALL", "LC_CTYPE"):
        if environ.get(name):
            return name, environ[name]
    return "LANG", environ.get("LANG", "")
