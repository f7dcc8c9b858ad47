"""Colour scales whose steps look equally large, and the text colour that is legible on any of their colours."""

from __future__ import annotations

from dataclasses import dataclass

from textual.color import Color, Lab, lab_to_rgb, rgb_to_lab

_FAINTEST = 0.18
"""Of the way to the full colour: the least that isn't nothing must be seen."""
_DARK = 0.5


@dataclass(frozen=True)
class Ramp:
    """A scale from the background to a full colour.

    Attributes:
        on_dark: The full colour on dark backgrounds.
        on_light: The full colour on light ones.
        of_256: For dark terminals with 256 colours, from dark to light: the nearest colours to a blend wouldn't be
            monotonic.
    """

    on_dark: Color
    on_light: Color
    of_256: tuple[str, ...]

    def colour(self, fraction: float, ground: Color, colour_system: str | None) -> Color:
        """The colour of a fraction, 0 to 1, of the full one.

        Args:
            fraction: Of the way from the faintest colour that can be seen.
            ground: The background.
            colour_system: The terminal's, as Rich names it.
        """
        dark = ground.brightness < _DARK
        if colour_system == "256" and dark:
            return Color.parse(self.of_256[min(int(fraction * len(self.of_256)), len(self.of_256) - 1)])
        return shaded(ground, self.on_dark if dark else self.on_light, _FAINTEST + (1 - _FAINTEST) * fraction)


# Blue and orange, which the colour-blind can tell apart.
BLUE = Ramp(Color.parse("#4A9BE8"), Color.parse("#2A6FB8"), ("#303030", "#005f5f", "#005f87", "#005faf", "#0087d7"))
ORANGE = Ramp(Color.parse("#FFA347"), Color.parse("#C4500A"), ("#303030", "#875f00", "#af5f00", "#d75f00", "#ff5f00"))


def shaded(ground: Color, full: Color, fraction: float) -> Color:
    """A colour on the straight line from one to the other in CIELAB, in which distances are as large as they look."""
    start, end = rgb_to_lab(ground), rgb_to_lab(full)
    mixed = (one + (other - one) * fraction for one, other in zip(start, end, strict=True))
    return lab_to_rgb(Lab(*mixed)).clamped


def legible(ground: Color) -> Color:
    """Black or white, whichever has more contrast: at least 4.5 to 1 with any colour."""
    white, black = Color(255, 255, 255), Color(0, 0, 0)
    return max(white, black, key=lambda one: contrast(one, ground))


def contrast(one: Color, other: Color) -> float:
    """The contrast ratio of WCAG 2."""
    lighter, darker = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(colour: Color) -> float:
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in colour.normalized]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
