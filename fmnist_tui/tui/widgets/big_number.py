"""A number three rows high, legible in ASCII as well."""

from __future__ import annotations

from rich.text import Text
from textual.visual import VisualType
from textual.widgets import Digits

from fmnist_tui.tui.ascii_filter import AsciiFilter

_ROWS = (
    " _       _   _       _   _   _   _   _          ",
    "| |   |  _|  _| |_| |_  |_    | |_| |_| _|_ ___ ",
    "|_|   | |_   _|   |  _| |_|   | |_|  _|  |      ",
)
"""The characters of `_DRAWN`, four cells each."""
_DRAWN = "0123456789+-"


class BigNumber(Digits):
    """Textual's digits are made of corners and lines that differ in nothing once they are ASCII."""

    def render(self) -> VisualType:
        """The digits; in ASCII, as on a pocket calculator."""
        if not any(isinstance(one, AsciiFilter) for one in self.app.get_line_filters()):
            return super().render()
        return Text("\n".join(ascii_digits(self.value)), self.rich_style, no_wrap=True)


def ascii_digits(number: str) -> list[str]:
    """Three rows of ASCII, as wide as Textual's: three cells for a digit or a sign, one for what else there is."""
    rows = []
    for index, row in enumerate(_ROWS):
        parts = (
            row[4 * _DRAWN.index(character) :][:3] if character in _DRAWN else character if index == 2 else " "
            for character in number
        )
        rows.append("".join(parts))
    return rows
