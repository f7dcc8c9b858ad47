"""Draws everything in ASCII, letter for letter, for terminals and locales without more."""

from __future__ import annotations

from rich.segment import Segment
from textual.color import Color
from textual.filter import LineFilter

from fmnist_tui.tui.cells import in_ascii


class AsciiFilter(LineFilter):
    """Puts an ASCII letter in the place of every other one; the width of a line stays."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:  # noqa: ARG002
        """The segments in ASCII."""
        return [Segment(in_ascii(text), style, control) for text, style, control in segments]
