"""An image as a network gets it: its scaled pixels, which may be negative, in two colours."""

from __future__ import annotations

import numpy as np
from rich.color import Color as RichColor
from textual.theme import Theme

from fmnist_tui.inspection.edits import Pixels
from fmnist_tui.runs.run import Run
from fmnist_tui.tui.widgets.images import Shades, picture

_LEVEL, _COLOUR_LEVEL = 8, 16
"""Steps in which pixel values are drawn: fewer different cells, so fewer escape codes over the wire."""
_NEGATIVE, _POSITIVE = "#3B7DD8", "#E8762D"


def scaled_colours(image: Pixels, scaling: tuple[float, float], theme: Theme) -> Pixels:
    """Colours (height, width, 3) of an image's scaled pixels: blue below 0, orange above, the background's at 0.

    Args:
        image: uint8 (C, H, W); of images in colour, the mean of the channels is shown.
        scaling: A pixel becomes pixel * scale + offset.
        theme: For the background.
    """
    scale, offset = scaling
    values = (image.astype(np.float32) * scale + offset).mean(axis=0)
    largest = max(abs(offset), abs(255 * scale + offset)) or 1.0
    strength = np.abs(values / largest)[:, :, None]
    ground, below, above = (_rgb(colour) for colour in (_ground(theme), _NEGATIVE, _POSITIVE))
    colours: Pixels = np.round(
        ground * (1 - strength) + np.where(values[:, :, None] < 0, below, above) * strength
    ).astype(np.uint8)
    return colours


def scaling_of(record: Run) -> tuple[float, float] | None:
    """The scale and the offset of the run's recipe, or None where run.json hasn't got them."""
    scale, offset = (record.settings.get(f"input_{name}") for name in ("scale", "offset"))
    return (float(scale), float(offset)) if isinstance(scale, float | int) and isinstance(offset, float | int) else None


def scaling_text(name: str, scaling: tuple[float, float]) -> str:
    """The legend: what black and white become."""
    scale, offset = scaling
    return f"{name} sees {offset:.1f} (blue) to {255 * scale + offset:.1f} (orange)"


def drawn_colours(image: Pixels, shades: Shades) -> Pixels:
    """Colours (height, width, 3) of an image (C, H, W); grey ones from the theme's background to its text colour."""
    flat = picture(image)
    if flat.ndim == 3:
        return flat // _COLOUR_LEVEL * _COLOUR_LEVEL
    flat = flat // _LEVEL * _LEVEL
    none, full = _rgb(shades.none), _rgb(shades.full)
    colours: Pixels = np.round(none + (full - none) * (flat[:, :, None] / 255)).astype(np.uint8)
    return colours


def _ground(theme: Theme) -> str:
    return "#101010" if theme.dark else "#F8F8F8"


def _rgb(colour: str) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    return np.array(RichColor.parse(colour).get_truecolor(), np.float64)
