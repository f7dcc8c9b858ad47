"""How a model is drawn: one colour, one marker and one line style, the same on every screen and in every figure."""

from __future__ import annotations

import zlib
from dataclasses import dataclass


@dataclass(frozen=True)
class Look:
    """A model's colour and its signs for those who can't see the colour.

    Attributes:
        on_dark: Colour on a dark background, `#RRGGBB`.
        on_light: The same hue on a light background; contrast with white at least 4.5 to 1.
        marker: A character for terminals, one cell wide.
        mark: The same shape in matplotlib's notation.
        line: Line style in matplotlib's notation.
    """

    on_dark: str
    on_light: str
    marker: str
    mark: str
    line: str

    def colour(self, *, dark: bool) -> str:
        """The colour on a dark or a light background."""
        return self.on_dark if dark else self.on_light


# Hues of Okabe and Ito's palette (Color Universal Design, 2008), which the colour-blind can tell apart.
_BUILT_IN = {
    "v0": Look("#E69F00", "#8F6200", "●", "o", "-"),
    "v1": Look("#56B4E9", "#0F6CA6", "■", "s", "--"),
    "v2": Look("#009E73", "#00755A", "▲", "^", "-."),
    "v3": Look("#CC79A7", "#A33D76", "◆", "D", ":"),
    "v4": Look("#F0E442", "#736A00", "▼", "v", "-"),
}
_OTHERS = (
    Look("#D5734A", "#A8481C", "○", "o", "--"),
    Look("#8FA8FF", "#3F58C4", "□", "s", "-."),
    Look("#7FD1C7", "#1B7368", "△", "^", ":"),
    Look("#C0A0F0", "#7449B8", "◇", "D", "-"),
    Look("#B8C46A", "#5F6B10", "▽", "v", "--"),
)


def look_of(model: str) -> Look:
    """The look of the model of that name; one that isn't built in always gets the same of five others."""
    return _BUILT_IN.get(model) or _OTHERS[zlib.crc32(model.encode()) % len(_OTHERS)]
