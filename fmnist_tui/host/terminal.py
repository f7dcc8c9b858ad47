"""The terminal: its size, colours and characters."""

from __future__ import annotations

from collections.abc import Mapping

from fmnist_tui.host.check import Check, CheckState
from fmnist_tui.host.machine import Machine

MIN_SIZE = (60, 18)
COMFORTABLE_SIZE = (80, 24)
TRUE_COLOURS = 1 << 24
CANNOT_DRAW = ("", "dumb", "unknown")
"""Values of TERM for terminals that can only print lines."""


def terminal_check(machine: Machine) -> Check:
    """Whether there is a terminal in which the app can run."""
    if machine.screen is None:
        return Check(
            "terminal",
            CheckState.NOTE,
            "none: commands work, but the app needs one",
            "over SSH, request one: ssh -t HOST fmnist-tui",
        )
    columns, rows = machine.screen
    seen = f"TERM={machine.environ.get('TERM', '')}, {columns}x{rows}"
    if not columns or not rows:
        return Check("terminal", CheckState.NOTE, f"{seen}: unknown size", "set it with: stty cols 80 rows 24")
    if columns < MIN_SIZE[0] or rows < MIN_SIZE[1]:
        return Check(
            "terminal",
            CheckState.PROBLEM,
            f"{seen}: too small for the app",
            "enlarge it to at least 60x18, better 80x24",
        )
    if machine.environ.get("TERM", "dumb") in CANNOT_DRAW:
        return Check(
            "terminal",
            CheckState.NOTE,
            f"{seen}: can't draw, according to TERM",
            "if it can: export TERM=xterm-256color",
        )
    if columns < COMFORTABLE_SIZE[0] or rows < COMFORTABLE_SIZE[1]:
        return Check("terminal", CheckState.OK, f"{seen}: large enough, 80x24 is more comfortable")
    return Check("terminal", CheckState.OK, seen)


def colours(environ: Mapping[str, str]) -> int:
    """The number of colours that the app uses, by the rules of Rich and Textual: 0, 16, 256 or 2**24."""
    term = environ.get("TERM", "").lower()
    if "NO_COLOR" in environ or term in CANNOT_DRAW:
        return 0
    if environ.get("COLORTERM", "").strip().lower() in ("truecolor", "24bit"):
        return TRUE_COLOURS
    return 256 if term.endswith(("-256color", "-kitty")) else 16


def colours_check(machine: Machine) -> Check:
    """How many colours the app uses, and how to get more."""
    count = colours(machine.environ)
    if "NO_COLOR" in machine.environ:
        return Check("colours", CheckState.OK, "none, because NO_COLOR is set")
    if count == TRUE_COLOURS:
        return Check("colours", CheckState.OK, "true colours (16 million)")
    if count == 256:
        return Check("colours", CheckState.OK, "256; for true colours set COLORTERM=truecolor")
    if count == 0:
        return Check("colours", CheckState.NOTE, "none, according to TERM")
    advice = "if your terminal supports more: export COLORTERM=truecolor, or TERM=xterm-256color"
    return Check("colours", CheckState.NOTE, str(count), advice if machine.screen else "")


def is_utf8(environ: Mapping[str, str]) -> bool:
    """Whether the user's locale is UTF-8. Pass `given_environment()`, not `os.environ`."""
    return "utf8" in _locale(environ)[1].lower().replace("-", "")


def characters_check(machine: Machine) -> Check:
    """Whether the app can draw block and line characters, or has to use ASCII."""
    name, value = _locale(machine.environ)
    if is_utf8(machine.environ):
        return Check("characters", CheckState.OK, f"UTF-8 ({name}={value}); in other locales the app draws in ASCII")
    return Check(
        "characters",
        CheckState.NOTE,
        f"not UTF-8 ({name}={value}): the app draws in ASCII",
        f"if your terminal supports UTF-8: export LC_ALL={'en_US' if machine.system == 'Darwin' else 'C'}.UTF-8",
    )


def _locale(environ: Mapping[str, str]) -> tuple[str, str]:
    """The variable that decides the locale, and its value."""
    for name in ("LC_ALL", "LC_CTYPE"):
        if environ.get(name):
            return name, environ[name]
    return "LANG", environ.get("LANG", "")
