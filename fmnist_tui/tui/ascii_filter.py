"""Draws everything in ASCII, character for character, for terminals and locales without Unicode."""

from __future__ import annotations

from rich.segment import Segment
from rich.style import Style
from textual.color import Color
from textual.filter import LineFilter

from fmnist_tui.tui.cells import in_ascii

_EIGHTHS = frozenset("▁▂▃▄▅▆▇▉▊▋▌▍▎▏")
"""What the ends of a scrollbar are drawn with."""


class AsciiFilter(LineFilter):
    """Replaces every other character by an ASCII one of the same width."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:  # noqa: ARG002
        """The segments in ASCII."""
        return [
            Segment(" " if _is_scrollbar(text, style) else in_ascii(text), style, control)
            for text, style, control in segments
        ]


def _is_scrollbar(text: str, style: Style | None) -> bool:
    """Whether this is the end of a scrollbar, whose colours are enough."""
    return text in _EIGHTHS and style is not None and "@mouse.down" in style.meta
