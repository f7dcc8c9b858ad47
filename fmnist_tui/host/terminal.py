"""The terminal: what it is, its size, its colours, its characters."""

from __future__ import annotations

from collections.abc import Mapping

from fmnist_tui.host.check import Check, CheckState
from fmnist_tui.host.machine import Machine

SMALLEST = (60, 18)
COMFORTABLE = (80, 24)
TRUE_COLOURS = 1 << 24
CANNOT_DRAW = ("", "dumb", "unknown")
"""What TERM says where nothing but lines can be printed."""


def terminal_check(machine: Machine) -> Check:
    """Whether there is a terminal that the app can draw on."""
    if machine.screen is None:
        return Check(
            "terminal",
            CheckState.NOTE,
            "none here: commands work, the app needs one",
            "over SSH, ask for one with: ssh -t HOST fmnist-tui",
        )
    columns, rows = machine.screen
    seen = f"TERM={machine.environ.get('TERM', '')}, {columns}x{rows}"
    if not columns or not rows:
        return Check(
            "terminal", CheckState.NOTE, f"{seen}: it doesn't know its size", "set it with: stty cols 80 rows 24"
        )
    if columns < SMALLEST[0] or rows < SMALLEST[1]:
        return Check(
            "terminal", CheckState.PROBLEM, f"{seen}: too small for the app", "enlarge it to 60x18, better 80x24"
        )
    if machine.environ.get("TERM", "dumb") in CANNOT_DRAW:
        return Check(
            "terminal", CheckState.NOTE, f"{seen}: says that it can't draw", "export TERM=xterm-256color if it can"
        )
    if columns < COMFORTABLE[0] or rows < COMFORTABLE[1]:
        return Check("terminal", CheckState.OK, f"{seen}: enough, 80x24 is comfortable")
    return Check("terminal", CheckState.OK, seen)


def colours(environ: Mapping[str, str]) -> int:
    """How many colours the app draws with, by the rules of Rich and Textual: 0, 16, 256 or 2**24."""
    term = environ.get("TERM", "").lower()
    if "NO_COLOR" in environ or term in CANNOT_DRAW:
        return 0
    if environ.get("COLORTERM", "").strip().lower() in ("truecolor", "24bit"):
        return TRUE_COLOURS
    return 256 if term.endswith(("-256color", "-kitty")) else 16


def colours_check(machine: Machine) -> Check:
    """How many colours are used, and how to get more."""
    count = colours(machine.environ)
    if "NO_COLOR" in machine.environ:
        return Check("colours", CheckState.OK, "none, as NO_COLOR asks")
    if count == TRUE_COLOURS:
        return Check("colours", CheckState.OK, "true colours (16 million)")
    if count == 256:
        return Check("colours", CheckState.OK, "256; true colours where COLORTERM=truecolor is set")
    if count == 0:
        return Check("colours", CheckState.NOTE, "none, as TERM has none")
    advice = "export COLORTERM=truecolor, or TERM=xterm-256color, if your terminal has more"
    return Check("colours", CheckState.NOTE, str(count), advice if machine.screen else "")


def speaks_utf8(environ: Mapping[str, str]) -> bool:
    """Whether the locale that a person set is one of UTF-8; give it `given_environment()`, not `os.environ`."""
    return "utf8" in _locale(environ)[1].lower().replace("-", "")


def characters_check(machine: Machine) -> Check:
    """Whether half-blocks and lines can be drawn, or ASCII must do."""
    name, value = _locale(machine.environ)
    if speaks_utf8(machine.environ):
        return Check(
            "characters", CheckState.OK, f"UTF-8 ({name}={value}); where a locale has none, the app draws in ASCII"
        )
    return Check(
        "characters",
        CheckState.NOTE,
        f"not UTF-8 ({name}={value}): the app draws in ASCII by itself",
        f"export LC_ALL={'en_US' if machine.system == 'Darwin' else 'C'}.UTF-8 if your terminal shows UTF-8",
    )


def _locale(environ: Mapping[str, str]) -> tuple[str, str]:
    """The variable that decides, and its value."""
    for name in ("LC_ALL", "LC_CTYPE"):
        if environ.get(name):
            return name, environ[name]
    return "LANG", environ.get("LANG", "")
