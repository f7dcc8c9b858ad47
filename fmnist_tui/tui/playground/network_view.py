"""An image as a network gets it: its scaled pixels, which may be negative, in two colours."""

from __future__ import annotations

import numpy as np
from rich.color import Color as RichColor

from fmnist_tui.inspection.edits import Pixels
from fmnist_tui.runs.run import Run
from fmnist_tui.tui.widgets.images import Shades, picture
from fmnist_tui.tui.widgets.value_maps import Palette

_LEVEL, _COLOUR_LEVEL = 8, 16
"""Steps in which pixel values are drawn: fewer different cells, so fewer escape codes over the wire."""


def scaled_colours(image: Pixels, scaling: tuple[float, float], palette: Palette) -> Pixels:
    """Colours (height, width, 3) of an image's scaled pixels, the strongest at the value that is farthest from 0.

    Args:
        image: uint8 (C, H, W); of images in colour, the mean of the channels is shown.
        scaling: A pixel becomes pixel * scale + offset.
        palette: With colours, not signs.
    """
    scale, offset = scaling
    values = (image.astype(np.float32) * scale + offset).mean(axis=0)
    largest = max(abs(offset), abs(255 * scale + offset)) or 1.0
    steps = len(palette.positive)
    colours = [*reversed(palette.negative), palette.zero, *palette.positive]
    table = np.array([_rgb(colour) for colour in colours], np.uint8)
    found: Pixels = table[np.rint(values / largest * steps).astype(int) + steps]
    return found


def scaling_of(record: Run) -> tuple[float, float] | None:
    """The scale and the offset of the run's recipe, or None where run.json hasn't got them."""
    scale, offset = (record.settings.get(f"input_{name}") for name in ("scale", "offset"))
    return (float(scale), float(offset)) if isinstance(scale, float | int) and isinstance(offset, float | int) else None


def scaling_text(name: str, scaling: tuple[float, float], palette: Palette) -> str:
    """The legend: what no ink and full ink become."""
    scale, offset = scaling
    below, above = ("none", "full") if palette.signs else palette.words
    return f"{name}: {offset:.1f} {below}, {255 * scale + offset:.1f} {above}"


def drawn_colours(image: Pixels, shades: Shades) -> Pixels:
    """Colours (height, width, 3) of an image (C, H, W); grey ones from the theme's background to its text colour."""
    flat = picture(image)
    if flat.ndim == 3:
        return flat // _COLOUR_LEVEL * _COLOUR_LEVEL
    flat = flat // _LEVEL * _LEVEL
    none, full = _rgb(shades.none), _rgb(shades.full)
    colours: Pixels = np.round(none + (full - none) * (flat[:, :, None] / 255)).astype(np.uint8)
    return colours


def _rgb(colour: str) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    return np.array(RichColor.parse(colour).get_truecolor(), np.float64)
