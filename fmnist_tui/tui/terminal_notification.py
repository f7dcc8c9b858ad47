"""The notification that a terminal shows on its user's desktop, also over SSH: the escape sequence OSC 9."""

from __future__ import annotations

from collections.abc import Mapping

from fmnist_tui.text import safe

_WITHOUT = ("linux", "screen", "tmux", "dumb", "vt")
"""Beginnings of TERM: consoles that may print the sequence, and multiplexers, which drop it."""
_LONGEST = 200


def understands_notifications(environ: Mapping[str, str]) -> bool:
    """Whether the terminal shows or ignores the sequence; iTerm2, kitty, WezTerm, Ghostty and foot show it."""
    return not environ.get("TERM", "dumb").startswith(_WITHOUT) and "TMUX" not in environ


def terminal_notification(line: str) -> str:
    """The sequence for a line of text. The program's name comes first: ConEmu takes digits there for commands."""
    return f"\x1b]9;fmnist-tui: {safe(line)[:_LONGEST]}\x07"
