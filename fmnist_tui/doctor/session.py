"""What stands between us and the person: SSH, tmux, screen; and whether a copied text reaches them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from fmnist_tui.host.check import Check, CheckState
from fmnist_tui.host.machine import Machine

_ASK_TMUX = ("tmux", "display-message", "-p", "#{client_termname} #{client_termfeatures}", ";", "show", "-s")
_TMUX_CONF = "  (in ~/.tmux.conf; then `tmux source ~/.tmux.conf` and attach anew)"
_FILES = "take results away as files: fmnist-tui export --to DIR"
_ON_OTHER_SIDE = "tmux or screen on the other side"
_TAKES_COPIES = {"xterm-kitty": True, "alacritty": True, "foot": True, "xterm-ghostty": True, "linux": False}
"""By TERM, which SSH passes on."""
_PROGRAM_TAKES_COPIES = {"WezTerm": True, "vscode": True, "ghostty": True, "iTerm.app": True, "Apple_Terminal": False}
"""By TERM_PROGRAM, which SSH doesn't pass on."""


@dataclass(frozen=True)
class Tmux:
    """What tmux said of itself.

    Attributes:
        clipboard: Its option set-clipboard: on, external or off.
        features: What it knows of the terminal around it, or "" where it is too old to tell (before 3.2).
    """

    clipboard: str
    features: str


def ask_tmux(machine: Machine) -> Tmux | None:
    """What tmux says of itself; None outside tmux, or where it doesn't answer."""
    if not machine.environ.get("TMUX"):
        return None
    answer = machine.ask(*_ASK_TMUX)
    if answer.status != 0:
        return None
    client, *lines = answer.output.splitlines() or [""]
    options = dict(line.partition(" ")[::2] for line in lines)
    return Tmux(options.get("set-clipboard", ""), client.partition(" ")[2].strip())


def session_check(machine: Machine, tmux: Tmux | None) -> Check:
    """SSH and multiplexers on the way, and whether tmux holds colours back."""
    environ = machine.environ
    words = ["over SSH" if environ.get("SSH_CONNECTION") or environ.get("SSH_TTY") else "local", _multiplexer(environ)]
    seen = ", ".join(word for word in words if word)
    if not environ.get("TMUX"):
        return Check("session", CheckState.OK, seen)
    if tmux is None:
        return Check("session", CheckState.NOTE, f"{seen}, which doesn't answer")
    if not environ.get("TERM", "").endswith("256color"):
        advice = f'set -g default-terminal "tmux-256color"{_TMUX_CONF}'
        return Check("session", CheckState.NOTE, f"{seen}, which offers few colours", advice)
    if tmux.features and "RGB" not in tmux.features.split(","):
        advice = f'if it has them: set -as terminal-features ",*:RGB"{_TMUX_CONF}'
        return Check("session", CheckState.NOTE, f"{seen}, which doesn't know of true colours in your terminal", advice)
    return Check("session", CheckState.OK, seen)


def clipboard_check(machine: Machine, tmux: Tmux | None) -> Check:
    """Whether a copied text reaches the person's clipboard, as far as it can be known: OSC 52 can't be asked."""
    environ = machine.environ
    if tmux:
        return _through_tmux(tmux)
    if environ.get("STY"):
        return Check(
            "clipboard", CheckState.NOTE, "GNU screen doesn't pass copies on (OSC 52)", f"use tmux, or {_FILES}"
        )
    takes = _TAKES_COPIES.get(environ.get("TERM", ""), _PROGRAM_TAKES_COPIES.get(environ.get("TERM_PROGRAM", "")))
    if takes or environ.get("WT_SESSION"):
        return Check("clipboard", CheckState.OK, "this terminal takes copies (OSC 52, through SSH too), if allowed")
    if takes is False:
        return Check("clipboard", CheckState.NOTE, "this terminal takes no copies (OSC 52)", _FILES)
    if _multiplexer(environ) == _ON_OTHER_SIDE:
        seen = f"copies (OSC 52) have to pass {_ON_OTHER_SIDE}; screen passes none"
        return Check("clipboard", CheckState.NOTE, seen, f"in tmux there: set -g set-clipboard on; or {_FILES}")
    seen = "copies go to the terminal (OSC 52), through SSH too, if it takes them, which it can't be asked"
    return Check(
        "clipboard", CheckState.NOTE, seen, f"if none arrives, allow it in the terminal's settings, or {_FILES}"
    )


def _through_tmux(tmux: Tmux) -> Check:
    if tmux.clipboard != "on":
        seen = f"tmux keeps copies (OSC 52) from your terminal (set-clipboard {tmux.clipboard})"
        return Check("clipboard", CheckState.NOTE, seen, f"set -g set-clipboard on{_TMUX_CONF}")
    if tmux.features and "clipboard" not in tmux.features.split(","):
        seen = "tmux doesn't know that your terminal takes copies (OSC 52)"
        return Check(
            "clipboard", CheckState.NOTE, seen, f'if it does: set -as terminal-features ",*:clipboard"{_TMUX_CONF}'
        )
    return Check("clipboard", CheckState.OK, "tmux passes copies on to your terminal (OSC 52)")


def _multiplexer(environ: Mapping[str, str]) -> str:
    if environ.get("TMUX"):
        version = environ.get("TERM_PROGRAM_VERSION", "") if environ.get("TERM_PROGRAM") == "tmux" else ""
        return f"inside tmux {version}".strip()
    if environ.get("STY"):
        return "inside GNU screen"
    if environ.get("TERM", "").startswith(("tmux", "screen")):
        return _ON_OTHER_SIDE
    return ""
