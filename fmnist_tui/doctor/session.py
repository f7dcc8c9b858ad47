"""The connection to the user: terminal, SSH, tmux, screen, and whether copied text reaches the clipboard."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from fmnist_tui.host.machine import Check, CheckState, Machine
from fmnist_tui.host.terminal import (
    CANNOT_DRAW,
    COMFORTABLE_SIZE,
    MIN_SIZE,
    TRUE_COLOURS,
    colours,
    is_utf8,
    locale_setting,
)

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
    message = f"TERM={machine.environ.get('TERM', '')}, {columns}x{rows}"
    if not columns or not rows:
        return Check("terminal", CheckState.NOTE, f"{message}: unknown size", "set it with: stty cols 80 rows 24")
    if columns < MIN_SIZE[0] or rows < MIN_SIZE[1]:
        return Check(
            "terminal",
            CheckState.PROBLEM,
            f"{message}: too small for the app",
            "enlarge it to at least 60x18, better 80x24",
        )
    if machine.environ.get("TERM", "dumb") in CANNOT_DRAW:
        return Check(
            "terminal",
            CheckState.NOTE,
            f"{message}: can't draw, according to TERM",
            "if it can: export TERM=xterm-256color",
        )
    if columns < COMFORTABLE_SIZE[0] or rows < COMFORTABLE_SIZE[1]:
        return Check("terminal", CheckState.OK, f"{message}: large enough, 80x24 is more comfortable")
    return Check("terminal", CheckState.OK, message)


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


def characters_check(machine: Machine) -> Check:
    """Whether the app can draw block and line characters, or has to use ASCII."""
    name, value = locale_setting(machine.environ)
    if is_utf8(machine.environ):
        return Check("characters", CheckState.OK, f"UTF-8 ({name}={value}); in other locales the app draws in ASCII")
    return Check(
        "characters",
        CheckState.NOTE,
        f"not UTF-8 ({name}={value}): the app draws in ASCII",
        f"if your terminal supports UTF-8: export LC_ALL={'en_US' if machine.system == 'Darwin' else 'C'}.UTF-8",
    )


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
    message = ", ".join(filter(None, parts))
    if not environ.get("TMUX"):
        return Check("session", CheckState.OK, message)
    if tmux is None:
        return Check("session", CheckState.NOTE, f"{message}, which doesn't respond")
    if not environ.get("TERM", "").endswith("256color"):
        advice = f'set -g default-terminal "tmux-256color"{_TMUX_CONF}'
        return Check("session", CheckState.NOTE, f"{message}, which supports few colours", advice)
    if tmux.features and "RGB" not in tmux.features.split(","):
        advice = f'if it supports them: set -as terminal-features ",*:RGB"{_TMUX_CONF}'
        return Check(
            "session",
            CheckState.NOTE,
            f"{message}, which doesn't know that your terminal supports true colours",
            advice,
        )
    return Check("session", CheckState.OK, message)


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
        message = f"copied text (OSC 52) has to pass {_REMOTE_MULTIPLEXER}; screen doesn't forward it"
        return Check("clipboard", CheckState.NOTE, message, f"in tmux there: set -g set-clipboard on; or {_FILES}")
    message = "copied text is sent to the terminal (OSC 52, also over SSH); whether it supports that can't be queried"
    return Check(
        "clipboard",
        CheckState.NOTE,
        message,
        f"if it doesn't arrive, enable it in the terminal's settings, or {_FILES}",
    )


def _tmux_clipboard(tmux: Tmux) -> Check:
    if tmux.clipboard != "on":
        message = f"tmux doesn't forward copied text (OSC 52) to your terminal (set-clipboard {tmux.clipboard})"
        return Check("clipboard", CheckState.NOTE, message, f"set -g set-clipboard on{_TMUX_CONF}")
    if tmux.features and "clipboard" not in tmux.features.split(","):
        message = "tmux doesn't know that your terminal supports copying (OSC 52)"
        return Check(
            "clipboard", CheckState.NOTE, message, f'if it does: set -as terminal-features ",*:clipboard"{_TMUX_CONF}'
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
