"""The confusion matrix as a figure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from fmnist_tui.analysis.errors import Matrix, strengths
from fmnist_tui.analysis.rendering import drawable, house_style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Values = NDArray[np.float64]

# Okabe and Ito's blue and vermilion: right and wrong are told apart by colour-blind people, and lie in other cells.
RIGHT_COLOUR = "#0072B2"
WRONG_COLOUR = "#D55E00"
_DARK = 0.5
"""Past this strength of colour a number is white."""


def confusion_figure(matrix: Matrix, names: Sequence[str], title: str) -> Figure:
    """A heat map: rows are the true classes, columns the predicted ones, and each cell says its images.

    Right is blue, wrong is vermilion, as strong as `errors.strengths` says.

    Args:
        matrix: Counts (10, 10).
        names: Of the classes.
        title: One or more lines, drawn letter by letter.
    """
    from matplotlib.figure import Figure

    with house_style():
        figure = Figure(figsize=(8, 7.6), layout="constrained")
        axes = figure.subplots()
        figure.suptitle(drawable(title), parse_math=False)
        shades = strengths(matrix)
        axes.imshow(_colours(shades))
        _write_counts(axes, matrix, shades)
        words = [drawable(name) for name in names]
        places = range(len(words))
        axes.set_xticks(places, words, rotation=45, ha="right", rotation_mode="anchor", parse_math=False)
        axes.set_yticks(places, words, parse_math=False)
        axes.set_xlabel("predicted class")
        axes.set_ylabel("true class")
        axes.spines[:].set_visible(False)
        axes.tick_params(length=0)
    return figure


def _colours(shades: Values) -> Values:
    """White at 0, the colour of right or wrong at 1: (10, 10, 3)."""
    from matplotlib.colors import to_rgb

    hues = np.where(np.eye(len(shades), dtype=bool)[..., None], to_rgb(RIGHT_COLOUR), to_rgb(WRONG_COLOUR))
    colours: Values = 1 - shades[..., None] * (1 - hues)
    return colours


def _write_counts(axes: Axes, matrix: Matrix, shades: Values) -> None:
    for (row, column), count in np.ndenumerate(matrix):
        shade = "white" if shades[row, column] > _DARK else "black" if count else "#999999"
        axes.text(column, row, f"{count}", ha="center", va="center", color=shade, fontsize=9)
