"""What is done to a curve before it is drawn: made finite, thinned to the width of the chart."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Colour = tuple[int, int, int]
_DARKER = 0.55
"""Of a bright colour, what is seen on white: its contrast there goes from below 2 to about 4."""


@dataclass(frozen=True, eq=False)
class Series:
    """A named curve or set of points.

    Attributes:
        name: For the legend; "" for a curve that isn't in it.
        x: (n,) ascending.
        y: (n,); what is not finite is not drawn.
        colour: "rgb" as three numbers.
        marker: plotext's marker.
        joined: Whether the points are joined by a line.
        in_range: Whether the axis makes room for all of it; of noise, what lies far out may be cut off.
        behind: Whether all others are drawn over it.
    """

    name: str
    x: Floats
    y: Floats
    colour: Colour
    marker: str = "braille"
    joined: bool = True
    in_range: bool = True
    behind: bool = False

    @property
    def seen(self) -> tuple[object, ...]:
        """All that makes it look as it does, to be compared."""
        looks = (self.name, self.colour, self.marker, self.joined, self.in_range, self.behind)
        return (*looks, self.x.tobytes(), self.y.tobytes())

    def on_light(self) -> Series:
        """The same series on a light ground; colours that differ for the colour-blind differ there, too."""
        red, green, blue = (round(_DARKER * part) for part in self.colour)
        return replace(self, colour=(red, green, blue))

    def on(self, x: Floats, y: Floats) -> Series:
        """The same series with other points."""
        return replace(self, x=x, y=y)


def thinned(x: Floats, y: Floats, columns: int) -> tuple[Floats, Floats]:
    """At most about two points a column, its lowest and its highest, so that no peak is lost; finite points only."""
    finite = np.isfinite(x) & np.isfinite(y)
    x, y = x[finite], y[finite]
    if columns <= 0:
        return x[:0], y[:0]
    if len(x) <= 2 * columns:
        return x, y
    edges = np.linspace(0, len(x), columns + 1).astype(int)
    lowest = [start + y[start:end].argmin() for start, end in pairwise(edges)]
    highest = [start + y[start:end].argmax() for start, end in pairwise(edges)]
    kept = np.union1d(lowest, highest)
    return x[kept], y[kept]


def logarithmic(values: Floats) -> Floats:
    """log10 where there is one, NaN elsewhere."""
    return np.log10(values, where=values > 0, out=np.full_like(values, np.nan))
