"""The reliability diagram as a figure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from fmnist_tui.analysis.calibration import Bin, calibration_error
from fmnist_tui.analysis.rendering import drawable, house_style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Okabe and Ito's palette; what is a bar and what is a line can be told without colour.
ACCURACY_COLOUR = "#56B4E9"
CONFIDENCE_COLOUR = "#D55E00"
DIAGONAL_COLOUR = "#000000"
_MANY = 30
"""Fewer images tell little of a bin's accuracy: its standard error is up to 0.09."""
_PALE = 0.3


def reliability_figure(bins: Sequence[Bin], title: str) -> Figure:
    """Accuracy over confidence, bin by bin, against the diagonal of a model that is as often right as it believes.

    Below it, how many images each bin holds.

    Args:
        bins: From low to high, of equal width.
        title: One or more lines, drawn letter by letter.
    """
    from matplotlib.figure import Figure

    with house_style():
        figure = Figure(figsize=(7, 7.6), layout="constrained")
        diagram, counts = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
        figure.suptitle(drawable(title), parse_math=False)
        _draw_bins(diagram, bins)
        width = 1 / len(bins)
        counts.bar([one.low for one in bins], [one.count for one in bins], width, align="edge", color="#999999")
        counts.set_ylabel("images")
        counts.set_xlabel("confidence (probability of the predicted class)")
        for axes in (diagram, counts):
            axes.set_xlim(0, 1)
            axes.grid(alpha=0.25)
            axes.set_axisbelow(True)
    return figure


def _draw_bins(axes: Axes, bins: Sequence[Bin]) -> None:
    known = [(one.low, one.confidence, one.accuracy, one.count) for one in bins if one.count]
    lows, confidences, accuracies, counts = zip(*known, strict=True) if known else ((), (), (), ())
    width = 1 / len(bins)
    bars = axes.bar(lows, accuracies, width, align="edge", label="accuracy", color=ACCURACY_COLOUR)
    for drawn, count in zip(bars, counts, strict=True):
        drawn.set(edgecolor="black", linewidth=0.6, alpha=1.0 if count >= _MANY else _PALE)
    axes.plot([0, 1], [0, 1], "--", color=DIAGONAL_COLOUR, linewidth=1, label="as often right as it believes")
    points, *_ = axes.plot(
        confidences, accuracies, "o", color=CONFIDENCE_COLOUR, label="the bin at its mean confidence"
    )
    points.set(markersize=5, clip_on=False)
    axes.set_ylim(0, 1)
    axes.set_ylabel("accuracy")
    error = f"expected calibration error {calibration_error(bins):.4f}"
    error += f"\npale: fewer than {_MANY} images" if any(count < _MANY for count in counts) else ""
    axes.legend(frameon=False, loc="upper left", title=error, alignment="left")
