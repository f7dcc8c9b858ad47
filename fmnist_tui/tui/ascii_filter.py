"""Draws everything in ASCII, letter for letter, for terminals and locales without more."""

from __future__ import annotations

import unicodedata
from functools import lru_cache

from rich.cells import cell_len
from rich.segment import Segment
from textual.color import Color
from textual.filter import LineFilter

_LETTERS = {
    **dict.fromkeys("─╌┄▔▁‾⎯", "-"),
    **dict.fromkeys("━╸╺", "="),
    **dict.fromkeys("│┃╎┆▏▕▌▐▎▍", "|"),
    **dict.fromkeys("┌┐└┘├┤┬┴┼╭╮╰╯┏┓┗┛┣┫┳┻╋", "+"),
    **dict.fromkeys("█▉▊▋▇▆▅", "#"),
    **dict.fromkeys("▀▄▃▂░▒▓", ":"),
    **dict.fromkeys("╴╶", "-"),
    "\N{MULTIPLICATION SIGN}": "x",
    "•": "o",
    "❋": "*",
    "±": "~",
    "…": ".",
    "⏎": "E",
    "▼": "v",
    "▲": "^",
    "▶": ">",
    "◀": "<",
    "°": "o",
    "↑": "^",
    "↓": "v",
    "←": "<",
    "→": ">",
    "⇧": "^",
    "⭘": "O",
}
_BRAILLE, _BRAILLE_END = 0x2800, 0x28FF
_DOTS = " .,:;+*%#"
"""A braille cell with so many dots."""


class AsciiFilter(LineFilter):
    """Puts an ASCII letter in the place of every other one; the width of a line stays."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:  # noqa: ARG002
        """The segments in ASCII."""
        return [Segment(in_ascii(text), style, control) for text, style, control in segments]


@lru_cache(8192)
def in_ascii(text: str) -> str:
    """The text in ASCII, as wide as before."""
    return text if text.isascii() else "".join(map(_letter, text))


def _letter(letter: str) -> str:
    if letter.isascii():
        return letter
    if letter in _LETTERS:
        return _LETTERS[letter]
    if _BRAILLE <= ord(letter) <= _BRAILLE_END:
        return _DOTS[(ord(letter) - _BRAILLE).bit_count()]
    plain = unicodedata.normalize("NFKD", letter)[:1]
    return (plain if plain.isascii() and plain.isprintable() else "?").ljust(cell_len(letter), "?")[: cell_len(letter)]
