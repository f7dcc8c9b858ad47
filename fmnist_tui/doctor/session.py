"""The connection to the user: SSH, tmux, screen, and whether copied text reaches the clipboard."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from fmnist_tui.host.check import Check, CheckState
from fmnist_tui.host.machine import Machine

_ASK_TMUX = ("tmux", "display-message", "-p", "#{client_termname} #{client_termfeatures}", ";", "show", "-s")
_TMUX_CONF = "  (in ~/.tmux.conf; then `tmux source ~/.tmux.conf` and reattach)"
_FILES = "export results as files: fmnist-tui export --to DIR"
_REMOTE_MULTIPLEXER = "tmux or screen on the client side"
_TERM_SUPPORTS_OSC_52 = {"xterm-kitty": True, "alacritty": True, "foot": True, "xterm-ghostty": True, "linux": False}
"""By TERM, which SSH forwards."""
_PROGRAM_SUPPORTS_OSC_52 = {
    "WezTerm": True,
    "vscode": True,
    "ghostty": True,
    "iTerm.app": True,
    "Apple_Terminal": False,
}
"""By TERM_PROGRAM, which SSH doesn't forward."""


@dataclass(frozen=True)
class Tmux:
    """The state of tmux.

    Attributes:
        clipboard: Its option set-clipboard: on, external or off.
        features: The features that it knows of the outer terminal; "" before version 3.2.
    """

    clipboard: str
    features: str


def query_tmux(machine: Machine) -> Tmux | None:
    """The state of tmux; None outside tmux, or if it doesn't respond."""
    if not machine.environ.get("TMUX"):
        return None
    answer = machine.ask(*_ASK_TMUX)
    if answer.status != 0:
        return None
    client, *lines = answer.output.splitlines() or [""]
    options = dict(line.partition(" ")[::2] for line in lines)
    return Tmux(options.get("set-clipboard", ""), client.partition(" ")[2].strip())


def session_check(machine: Machine, tmux: Tmux | None) -> Check:
    """The SSH connection and terminal multiplexers, and whether tmux limits the colours."""
    environ = machine.environ
    parts = ["over SSH" if environ.get("SSH_CONNECTION") or environ.get("SSH_TTY") else "local", _multiplexer(environ)]
    seen = ", ".join(filter(None, parts))
    if not environ.get("TMUX"):
        return Check("session", CheckState.OK, seen)
    if tmux is None:
        return Check("session", CheckState.NOTE, f"{seen}, which doesn't respond")
    if not environ.get("TERM", "").endswith("256color"):
        advice = f'set -g default-terminal "tmux-256color"{_TMUX_CONF}'
        return Check("session", CheckState.NOTE, f"{seen}, which supports few colours", advice)
    if tmux.features and "RGB" not in tmux.features.split(","):
        advice = f'if it supports them: set -as terminal-features ",*:RGB"{_TMUX_CONF}'
        return Check(
            "session", CheckState.NOTE, f"{seen}, which doesn't know that your terminal supports true colours", advice
        )
    return Check("session", CheckState.OK, seen)


def clipboard_check(machine: Machine, tmux: Tmux | None) -> Check:
    """Whether copied text reaches the user's clipboard, as far as can be known: support of OSC 52 can't be queried."""
    environ = machine.environ
    if tmux:
        return _tmux_clipboard(tmux)
    if environ.get("STY"):
        return Check(
            "clipboard", CheckState.NOTE, "GNU screen doesn't forward copied text (OSC 52)", f"use tmux, or {_FILES}"
        )
    takes = _TERM_SUPPORTS_OSC_52.get(
        environ.get("TERM", ""), _PROGRAM_SUPPORTS_OSC_52.get(environ.get("TERM_PROGRAM", ""))
    )
    if takes or environ.get("WT_SESSION"):
        return Check("clipboard", CheckState.OK, "this terminal supports copying (OSC 52, also over SSH), if enabled")
    if takes is False:
        return Check("clipboard", CheckState.NOTE, "this terminal doesn't support copying (OSC 52)", _FILES)
    if _multiplexer(environ) == _REMOTE_MULTIPLEXER:
        seen = f"copied text (OSC 52) has to pass {_REMOTE_MULTIPLEXER}; screen doesn't forward it"
        return Check("clipboard", CheckState.NOTE, seen, f"in tmux there: set -g set-clipboard on; or {_FILES}")
    seen = "copied text is sent to the terminal (OSC 52, also over SSH); whether it supports that can't be queried"
    return Check(
        "clipboard", CheckState.NOTE, seen, f"if it doesn't arrive, enable it in the terminal's settings, or {_FILES}"
    )


def _tmux_clipboard(tmux: Tmux) -> Check:
    if tmux.clipboard != "on":
        seen = f"tmux doesn't forward copied text (OSC 52) to your terminal (set-clipboard {tmux.clipboard})"
        return Check("clipboard", CheckState.NOTE, seen, f"set -g set-clipboard on{_TMUX_CONF}")
    if tmux.features and "clipboard" not in tmux.features.split(","):
        seen = "tmux doesn't know that your terminal supports copying (OSC 52)"
        return Check(
            "clipboard", CheckState.NOTE, seen, f'if it does: set -as terminal-features ",*:clipboard"{_TMUX_CONF}'
        )
    return Check("clipboard", CheckState.OK, "tmux forwards copied text to your terminal (OSC 52)")


def _multiplexer(environ: Mapping[str, str]) -> str:
    if environ.get("TMUX"):
        version = environ.get("TERM_PROGRAM_VERSION", "") if environ.get("TERM_PROGRAM") == "tmux" else ""
        return f"inside tmux {version}".strip()
    if environ.get("STY"):
        return "inside GNU screen"
    if environ.get("TERM", "").startswith(("tmux", "screen")):
        return _REMOTE_MULTIPLEXER
    return ""
