"""Draws everything in ASCII, character for character, for terminals and locales without Unicode."""

from __future__ import annotations

from rich.segment import Segment
from textual.color import Color
from textual.filter import LineFilter

from fmnist_tui.tui.cells import in_ascii


class AsciiFilter(LineFilter):
    """Replaces every other character by an ASCII one of the same width."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:  # noqa: ARG002
        """The segments in ASCII."""
        return [Segment(in_ascii(text), style, control) for text, style, control in segments]
