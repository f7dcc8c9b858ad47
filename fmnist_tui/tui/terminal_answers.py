"""Whether the terminal can show images in full resolution: it is asked, and its answers are taken out of the input.

The question is sent after the first paint and nothing waits for the answer; without one, images stay half-blocks.
textual-image would ask while it is imported, and read the answer before the app starts: that takes up to 0.2 s, and an
answer that comes later would be read as keys.
"""

from __future__ import annotations

import fcntl
import re
import struct
import sys
import termios
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Literal

from textual import events
from textual._xterm_parser import XTermParser
from textual.drivers import linux_driver
from textual.keys import Keys

from fmnist_tui.host.terminal import TRUE_COLOURS, colours

SWITCH = "FMNIST_TUI_IMAGES"
CELL_SIZE = "\x1b[16t"
"""Asks how many pixels a cell has."""
_ATTRIBUTES = "\x1b[c"
"""Asks for the primary device attributes. Every terminal answers this, after everything that was asked before."""
_KITTY = "\x1b_Gi=31,s=1,v=1,a=q,t=d,f=24;AAAA\x1b\\"
_KITTY_BEGINS, _KITTY_ENDS = "\x1b_G", "\x1b\\"
_ANSWER = re.compile(r"\x1b\[(?:\?(?P<attributes>[\d;]*)c|6;(?P<height>\d{1,4});(?P<width>\d{1,4})t)")
_SIXEL = "4"
_LONGEST = 200
"""Characters of an answer; what is longer is none."""
_WITH_PLACEHOLDERS = ("kitty", "ghostty")
"""Terminals that place kitty's images by characters; others confirm its protocol but can't do that."""
_MULTIPLEXERS = ("TMUX", "STY", "ZELLIJ")


@dataclass(frozen=True)
class Graphics:
    """How the terminal shows images in full resolution.

    Attributes:
        protocol: By sixels, or by kitty's graphics protocol.
        cell: Width and height of a cell in pixels.
        generation: Rises when the terminal may have forgotten the images that it was sent.
    """

    protocol: Literal["sixel", "kitty"]
    cell: tuple[int, int]
    generation: int = 0


def may_ask(environ: Mapping[str, str]) -> bool:
    """Whether to ask at all: the extra is installed and nothing in the environment speaks against it."""
    is_multiplexed = environ.get("TERM", "").startswith(("screen", "tmux")) or any(map(environ.get, _MULTIPLEXERS))
    is_off = environ.get(SWITCH, "").lower() == "blocks" or "TEXTUAL_DRIVER" in environ
    return not is_multiplexed and not is_off and colours(environ) > 0 and find_spec("textual_image") is not None


def question(environ: Mapping[str, str]) -> str:
    """What to send; kitty's question only where characters, whose colours name the image, can place it."""
    is_like_kitty = any(name in environ.get("TERM", "") for name in _WITH_PLACEHOLDERS)
    return _KITTY * (is_like_kitty and colours(environ) == TRUE_COLOURS) + CELL_SIZE + _ATTRIBUTES


class Answers:
    """What the terminal has answered so far."""

    def __init__(self, found: Callable[[Graphics], object]) -> None:
        """Nothing yet.

        Args:
            found: Called from the thread that reads the terminal, whenever it has become clear how images are shown.
        """
        self._found = found
        self._protocol: Literal["sixel", "kitty"] | None = None
        self._is_complete = False
        self._cell: tuple[int, int] | None = None

    def hear(self, sequence: str) -> bool:
        """Whether this escape sequence is an answer."""
        answer = _ANSWER.fullmatch(sequence)
        if answer is None:
            return False
        if answer["attributes"] is None:
            self._cell = int(answer["width"]), int(answer["height"])
        else:
            self._is_complete = True
            self._cell = self._cell or _cell_by_system()
            if _SIXEL in answer["attributes"].split(";")[1:]:
                self._protocol = self._protocol or "sixel"
        if self._is_complete and self._protocol and self._cell and all(self._cell):
            self._found(Graphics(self._protocol, self._cell))
        return True

    def hear_kitty(self, answer: str) -> None:
        """The answer to kitty's question, without its beginning and end."""
        if answer == "i=31;OK":
            self._protocol = "kitty"


def _cell_by_system() -> tuple[int, int] | None:
    """The cell size that the system knows, for terminals that don't answer."""
    try:
        rows, columns, width, height = struct.unpack("4H", fcntl.ioctl(sys.stdin, termios.TIOCGWINSZ, bytes(8)))
    except (OSError, ValueError):
        return None
    return (width // columns, height // rows) if rows and columns else None


def take_answers(answers: Answers) -> None:
    """From now on drivers take the answers out of the input; Textual, which has no hook for it, would see keys."""

    class AnsweredParser(XTermParser):
        def __init__(self, debug: bool = False) -> None:  # noqa: FBT001, FBT002 - as Textual calls it
            super().__init__(debug)
            self._from_kitty: str | None = None

        def _sequence_to_key_events(self, sequence: str, alt: bool = False) -> Iterable[events.Key]:  # noqa: FBT001, FBT002
            if self._is_answer(sequence):
                return [events.Key(Keys.Ignore, sequence)]
            return super()._sequence_to_key_events(sequence, alt)

        def _is_answer(self, sequence: str) -> bool:
            if self._from_kitty is None:
                if sequence == _KITTY_BEGINS:
                    self._from_kitty = ""
                return sequence == _KITTY_BEGINS or answers.hear(sequence)
            if len(sequence) == 1 and len(self._from_kitty) < _LONGEST:
                self._from_kitty += sequence
                return True
            if sequence == _KITTY_ENDS:
                answers.hear_kitty(self._from_kitty)
            self._from_kitty = None
            return sequence == _KITTY_ENDS

    setattr(linux_driver, "XTermParser", AnsweredParser)  # noqa: B010 - a class can't be assigned to
