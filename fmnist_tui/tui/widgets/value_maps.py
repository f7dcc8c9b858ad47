"""Arrays of numbers as terminal text: positive values in one colour, negative ones in another, zero as the background.

Without colours, and in ASCII, the sign is in the characters. Maps that are never negative use the positive half alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from itertools import groupby
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.style import Style
from rich.text import Text
from textual.app import App
from textual.color import Color

from fmnist_tui.tui.cells import cells, cut, pad
from fmnist_tui.tui.widgets.images import areas, theme_shades

Floats = NDArray[np.float32]

_STEPS = 16
_FULL = {True: ("#4A9BE8", "#FFA347"), False: ("#2A6FB8", "#C4500A")}
"""Negative and positive, on dark and on light backgrounds: blue and orange, as the confusion matrix has them."""
_OF_256 = {
    True: (
        ("#303030", "#005f5f", "#005f87", "#005faf", "#0087d7"),
        ("#303030", "#875f00", "#af5f00", "#d75f00", "#ff5f00"),
    ),
    False: (
        ("#d7d7ff", "#afd7ff", "#87afff", "#5f87d7", "#005faf"),
        ("#ffd7af", "#ffaf5f", "#ff8700", "#d75f00", "#af5f00"),
    ),
}
_OF_16 = {
    True: (("#0000aa", "#5555ff"), ("#aa5500", "#ffff55")),
    False: (("#5555ff", "#0000aa"), ("#ffff55", "#aa5500")),
}
"""Exactly those that Rich gives a terminal of 16 colours."""
_SIGNS = (",-=%", ".+*#")
_BAR = 8
"""Cells of each half of a legend."""
_SMALLEST = 6
"""Cells of a tile's width: less has no room for its caption."""
_REDUCED = 14
"""Cells of a map's width that it is reduced to at most where there are many; fewer only where it doesn't fit."""
_MOST_TIMES = 16
_USUAL, _OUTLIER = 0.99, 1.5
"""The fraction of values that aren't outliers, if the largest is so many times larger than they are."""


@dataclass(frozen=True)
class Palette:
    """How numbers are drawn: from zero in equal steps to the limit.

    Attributes:
        zero: The background, `#RRGGBB`.
        negative: Colours of the negative steps, the weakest first; with `signs`, characters.
        positive: The same of the positive ones.
        signs: Whether signs and not colours show the values.
        words: What negative and positive values look like, for sentences.
    """

    zero: str
    negative: tuple[str, ...]
    positive: tuple[str, ...]
    signs: bool = False
    words: tuple[str, str] = ("blue", "orange")

    @property
    def adjectives(self) -> tuple[str, str]:
        """The words for "parts that are ...": "blue", or "marked -=%"."""
        negative, positive = self.words
        return (f"marked {negative}", f"marked {positive}") if self.signs else self.words


@dataclass(frozen=True)
class Scale:
    """From which value to which the colours go.

    Attributes:
        limit: The absolute value of the strongest colour.
        signed: Whether there are negative values.
        is_cut: Whether there are larger values, which get the same colour.
        is_zero: Whether there is nothing but zeros.
    """

    limit: float
    signed: bool
    is_cut: bool = False
    is_zero: bool = field(default=False, compare=False)


@dataclass(frozen=True, eq=False)
class Tile:
    """One map of a grid: its values, (height, width), and the line below it."""

    values: Floats
    caption: str


@dataclass(frozen=True)
class Grid:
    """How many tiles fit, and how large they are.

    Attributes:
        width: Cells of a tile.
        height: Pixels of a tile, two a row.
        columns: Tiles side by side.
        rows: Tiles below each other.
        gap: Cells between two tiles; captions may use all of them but one.
    """

    width: int
    height: int
    columns: int
    rows: int
    gap: int = 1

    @property
    def capacity(self) -> int:
        """Tiles of a page."""
        return self.columns * self.rows


def palette_of(app: App[Any]) -> Palette:
    """The palette for the app's terminal and theme; all colours where the app has no terminal but is made a picture."""
    in_signs = app.no_color or bool(getattr(app, "ascii_images", False))
    colours = "none" if in_signs else "truecolor" if app.is_headless else str(app.console.color_system)
    return make_palette(colours, theme_shades(app).none, dark=app.current_theme.dark)


@lru_cache(32)
def make_palette(colours: str, zero: str, *, dark: bool) -> Palette:
    """A palette for a terminal.

    Args:
        colours: "none" for signs, "standard" for 16 colours, "256"; else true colours.
        zero: The background, `#RRGGBB`.
        dark: Whether it is dark.
    """
    if colours == "none":
        return Palette(zero, tuple(_SIGNS[0]), tuple(_SIGNS[1]), signs=True, words=("-=%", "+*#"))
    if colours == "standard":
        return Palette(zero, *_OF_16[dark], words=("blue", "yellow"))
    if colours == "256":
        return Palette(zero, *_OF_256[dark])
    ground = Color.parse(zero)
    negative, positive = (
        tuple(ground.blend(Color.parse(full), (step + 1) / _STEPS).hex6 for step in range(_STEPS))
        for full in _FULL[dark]
    )
    return Palette(zero, negative, positive)


def scale_of(arrays: Sequence[Floats]) -> Scale:
    """One scale for all of them, from the largest absolute value that isn't one of a few outliers."""
    values = np.concatenate([np.abs(one[np.isfinite(one)]) for one in arrays] or [np.zeros(0, np.float32)])
    largest = float(values.max(initial=0.0))
    usual = float(np.quantile(values, _USUAL)) if largest else 0.0
    is_cut = 0.0 < usual < largest / _OUTLIER
    limit = (usual if is_cut else largest) or 1.0
    return Scale(limit, any(bool((one < 0).any()) for one in arrays), is_cut, is_zero=not largest)


def strongest(values: Floats) -> Floats:
    """Of each pixel of (k, channels, height, width) the channel with the largest absolute value: (k, height, width)."""
    largest = np.abs(values).argmax(axis=1, keepdims=True)
    chosen: Floats = np.take_along_axis(values, largest, axis=1)[:, 0]
    return chosen


def draw(values: Floats, limit: float, palette: Palette) -> list[Text]:
    """The map (height, width), two rows of values a line; NaN is drawn as zero is."""
    count = len(palette.negative)
    scaled = np.nan_to_num(values / limit, posinf=1.0, neginf=-1.0) * count
    levels = np.clip(np.rint(scaled), -count, count).astype(int)
    if len(levels) % 2:
        levels = np.vstack([levels, np.zeros((1, levels.shape[1]), int)])
    pairs = zip(levels[::2], levels[1::2], strict=True)
    if palette.signs:
        stronger = (np.where(np.abs(upper) >= np.abs(lower), upper, lower) for upper, lower in pairs)
        return [
            Text("".join(_sign(level, palette) for level in row.tolist()), no_wrap=True, end="") for row in stronger
        ]
    return [_coloured(upper.tolist(), lower.tolist(), palette) for upper, lower in pairs]


def resampled(values: Floats, height: int, width: int) -> Floats:
    """The map in another size: each value repeated where it is enlarged, the mean of its area where it is reduced."""
    for axis, side in enumerate((height, width)):
        length = values.shape[axis]
        if side >= length:
            values = values.take(np.arange(side) * length // side, axis=axis)
        else:
            weights = areas(length, side)
            values = weights @ values if axis == 0 else values @ weights.T
    return values


def legend(scale: Scale, palette: Palette) -> Text:
    """A bar from the lowest value to the highest."""
    if scale.is_zero:
        return Text("constant: 0 everywhere", no_wrap=True, end="")
    number, less, more = short_number(scale.limit), "< " * scale.is_cut, "> " * scale.is_cut
    steps = np.rint(np.linspace(1, len(palette.positive), _BAR)).astype(int).tolist()
    text = Text(no_wrap=True, end="")
    if scale.signed:
        text.append(f"{less}-{number} ").append_tokens(_block(-step, palette) for step in reversed(steps))
    text.append(" 0 ").append_tokens(_block(step, palette) for step in steps)
    return text.append(f" {more}{'+' * scale.signed}{number}")


def short_number(value: float) -> str:
    """Two digits, or all before the point: 0.25, 2.6, 255, never 2.6e+02 or -0."""
    if 99.5 <= abs(value) < 1e6:
        return f"{value:,.0f}"
    return f"{value + 0.0:.2g}"


def fit(count: int, native: tuple[int, int], width: int, height: int, *, least: int = 1, caption: int = 0) -> Grid:
    """The largest tiles of which all fit, or the smallest that can be read; a tile and its caption always fit.

    Args:
        count: How many tiles there are.
        native: Height and width of the map.
        width: Cells that there are.
        height: Lines that there are.
        least: So many of them must fit side by side.
        caption: Cells of the longest caption.
    """
    high, wide = native
    widths = [wide * times for times in range(_MOST_TIMES, 0, -1)] + [wide * 3 // 4, wide // 2]
    widths += [wide // parts for parts in range(3, wide // _REDUCED + 1)]
    grids = [
        _grid(one, max(2, round(one * high / wide)), width, height, caption)
        for one in widths
        if _SMALLEST <= one <= width
    ]
    usable = [one for one in grids if one.rows and one.columns >= least]
    if not usable:
        across = min((width + 1) // least - 1, 2 * (height - 1) * wide // high)
        one = max(1, across)
        usable = [_grid(one, max(2, round(one * high / wide)), width, height, 0)]
    chosen = next((one for one in usable if one.capacity >= count), usable[-1])
    return replace(chosen, columns=max(1, chosen.columns), rows=max(1, chosen.rows))


def tiles(items: Sequence[Tile], limit: float, palette: Palette, grid: Grid) -> Text:
    """The first tiles, as many as fit on a page, row by row."""
    lines: list[Text] = []
    shown, room = items[: grid.capacity], grid.width + grid.gap - 1
    for first in range(0, len(shown), grid.columns):
        row = shown[first : first + grid.columns]
        drawn = [draw(resampled(one.values, grid.height, grid.width), limit, palette) for one in row]
        lines += [Text(" " * grid.gap).join(parts) for parts in zip(*drawn, strict=True)]
        lines.append(Text(" ".join(pad(_whole(one.caption, room), room) for one in row), no_wrap=True))
    return Text("\n", no_wrap=True, end="").join(lines)


def balance(against: float, favour: float, limit: float, half: int, palette: Palette) -> Text:
    """A bar to the left for what is against, and one to the right for what is in favour, `half` cells each."""
    left, right = (round(min(abs(value) / limit, 1.0) * half) for value in (against, favour))
    marks = ("-", "+") if palette.signs else ("━", "━")
    styles = ("", "") if palette.signs else (palette.negative[-1], palette.positive[-1])
    return Text.assemble(
        (f"{marks[0] * left:>{half}}", styles[0]), "│", (f"{marks[1] * right:<{half}}", styles[1]), end=""
    )


def _grid(wide: int, high: int, width: int, height: int, caption: int) -> Grid:
    gap = 1 + max(0, min(caption, width) - wide)
    return Grid(wide, high, (width + 1) // (wide + gap), height // (-(-high // 2) + 1), gap)


def _whole(caption: str, width: int) -> str:
    """The caption without the last words that don't fit: part of a number would be another number."""
    words = caption.split()
    while len(words) > 1 and cells(" ".join(words)) > width:
        words.pop()
    return cut(" ".join(words), width, "")


def _sign(level: int, palette: Palette) -> str:
    if not level:
        return " "
    return (palette.positive if level > 0 else palette.negative)[abs(level) - 1]


def _block(level: int, palette: Palette) -> tuple[str, str]:
    return (_sign(level, palette), "") if palette.signs else ("█", _colour(level, palette))


def _colour(level: int, palette: Palette) -> str:
    if not level:
        return palette.zero
    return (palette.positive if level > 0 else palette.negative)[abs(level) - 1]


def _coloured(upper: list[int], lower: list[int], palette: Palette) -> Text:
    text = Text(no_wrap=True, end="")
    for levels, run in groupby(zip(upper, lower, strict=True)):
        text.append("▀" * len(list(run)), _style(*levels, palette))
    return text


@lru_cache(8192)
def _style(upper: int, lower: int, palette: Palette) -> Style:
    return Style(color=_colour(upper, palette), bgcolor=_colour(lower, palette))
