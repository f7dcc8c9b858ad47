"""Figures for a report: loss curves, confusion matrix, reliability diagram, accuracy over shift."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from fmnist_tui.analysis.calibration import FEW_IMAGES, Bin, calibration_error, merged
from fmnist_tui.analysis.errors import Matrix, strengths
from fmnist_tui.analysis.probes.cache import read_findings
from fmnist_tui.analysis.probes.shifts import MAX_SHIFT, Shifts
from fmnist_tui.models.looks import Look, look_of
from fmnist_tui.models.registry import find_model
from fmnist_tui.models.spec import ModelSpec
from fmnist_tui.report.rendering import drawable, house_style, to_png, to_svg
from fmnist_tui.runs.curve import smoothed, width_for
from fmnist_tui.runs.directory import version_in
from fmnist_tui.runs.fold import Snapshot
from fmnist_tui.runs.run import Run

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


Values = NDArray[np.float64]

BEST_COLOUR = "#000000"
_INTERVALS, _TRAINING = 0.3, 0.55
"""How much of the model's colour is left on white: validation has all of it, as on the Training screen."""

_LARGEST = 1e12
"""A larger loss is as good as infinite and isn't drawn."""
_START = 50
"""The first 1/50 of a curve is its start, whose high losses would flatten the rest."""


def loss_figure(snapshot: Snapshot, title: str) -> Figure:
    """The run's losses above its accuracies, over the steps.

    All in the model's colour: the means over the log intervals lightly behind a smoothed line, validation stronger, as
    a point for each epoch. The epoch with the best validation accuracy is marked. Non-finite values are left out.

    Args:
        snapshot: The run's snapshot, at any moment.
        title: One or more lines, drawn without markup.
    """
    from matplotlib.figure import Figure

    curve, epochs = snapshot.curve, snapshot.epochs
    with house_style():
        figure = Figure(figsize=(8, 7), layout="constrained")
        losses, accuracies = figure.subplots(2, 1, sharex=True, height_ratios=(3, 2))
        figure.suptitle(drawable(title), parse_math=False)
        _draw(losses, snapshot, _clean(curve.loss), _clean(epoch.validation_loss for epoch in epochs))
        fractions = _clean(curve.accuracy), _clean(epoch.validation_accuracy for epoch in epochs)
        _draw(accuracies, snapshot, 100 * fractions[0], 100 * fractions[1])
        losses.set_ylabel(_loss_label(snapshot), fontsize=9)
        losses.legend(frameon=False, loc="best")  # matplotlib warns of its default on a slow machine
        accuracies.set_ylabel("accuracy (%)", fontsize=9)
        accuracies.set_xlabel(_step_label(snapshot), fontsize=9)
    return figure


def _draw(axes: Axes, snapshot: Snapshot, intervals: Values, validation: Values) -> None:
    """One panel: log intervals, their smoothed line, validation, the best epoch."""
    steps, ends = _clean(snapshot.curve.step), _clean(epoch.step for epoch in snapshot.epochs)
    line = smoothed(intervals, width_for(len(intervals)))
    lone = "." if len(intervals) == 1 else ""
    look = look_of(snapshot.started.version if snapshot.started else "")
    raw, dim = _on_white(look.on_light, _INTERVALS), _on_white(look.on_light, _TRAINING)
    axes.plot(steps, intervals, lone, color=raw, linewidth=0.5, label="training, each log interval")
    axes.plot(steps, line, color=dim, linewidth=1.6, label="training, smoothed")
    measured = axes.plot(ends, validation, look.line, color=look.on_light, linewidth=1.2, label="validation")
    measured[0].set(marker=look.mark, markersize=4)
    if best := snapshot.best_epoch:
        index = snapshot.epochs.index(best)
        label = f"best validation accuracy: epoch {best.epoch}"
        ring, *_ = axes.plot(ends[index], validation[index], "o", color=BEST_COLOUR, markersize=11, label=label)
        ring.set(markerfacecolor="none", markeredgewidth=1.6)
    axes.grid(alpha=0.25)
    _look_past_the_start(axes, intervals, validation)


def _on_white(colour: str, fraction: float) -> tuple[float, ...]:
    """A colour, of which `fraction` is left on white."""
    from matplotlib.colors import to_rgb

    return tuple(1 - fraction * (1 - part) for part in to_rgb(colour))


def _look_past_the_start(axes: Axes, intervals: Values, validation: Values) -> None:
    """Fits the axis to all but the curve's start, with a note if that cuts something off."""
    shown = np.concatenate([intervals[len(intervals) // _START :], validation])
    shown = shown[np.isfinite(shown)]
    if len(shown) == 0:
        return
    low, high = float(shown.min()), float(shown.max())
    margin = 0.05 * (high - low) or 0.05 * abs(high) or 1.0
    axes.set_ylim(low - margin, high + margin)
    above, below = int((intervals > high + margin).sum()), int((intervals < low - margin).sum())
    if above or below:
        where, height = ("above", 0.03) if above > below else ("below", 0.93)
        note = f"{above + below} intervals at the start lie {where} the axis"
        axes.annotate(note, (0.01, height), xycoords="axes fraction", fontsize=8, color="#555555")


def _clean(values: Iterable[float]) -> Values:
    """The values as an array, with NaN for those that can't be drawn."""
    return np.array([value if abs(value) < _LARGEST else np.nan for value in values], np.float64)


def _loss_label(snapshot: Snapshot) -> str:
    """The loss by name: models with different losses can't be compared by it."""
    if snapshot.started is None:
        return "loss"
    known = find_model(snapshot.started.version)
    return f"loss\n({known.loss if known else ModelSpec.loss})"


def _step_label(snapshot: Snapshot) -> str:
    return f"step ({snapshot.started.steps_per_epoch} per epoch)" if snapshot.started else "step"


# Okabe and Ito's blue and vermilion, which colour-blind people can tell apart.
CORRECT_COLOUR = "#0072B2"
WRONG_COLOUR = "#D55E00"
_LARGEST_MATRIX = 3.0
"""Times the size of a figure of ten classes."""
_LONGEST_NAME = 24
_DARK = 0.5
"""On stronger colours numbers are white."""


def confusion_figure(matrix: Matrix, names: Sequence[str], title: str) -> Figure:
    """A heat map: rows are the true classes, columns the predicted ones, and each cell has its number of images.

    Correct predictions are blue, errors vermilion, with the strengths of `errors.strengths`.

    Args:
        matrix: Counts (classes, classes).
        names: The names of the classes.
        title: One or more lines, drawn without markup.
    """
    from matplotlib.figure import Figure

    with house_style():
        side = max(1.0, min(_LARGEST_MATRIX, len(names) / 10))
        figure = Figure(figsize=(8 * side, 7.6 * side), layout="constrained")
        axes = figure.subplots()
        figure.suptitle(drawable(title), parse_math=False)
        shades = strengths(matrix)
        axes.imshow(_colours(shades))
        step = max(1, round(len(names) / (10 * side)))  # of many classes every second or tenth has its name
        if step == 1:
            _write_counts(axes, matrix, shades)
        positions = range(0, len(names), step)
        labels = [_tick_label(names[position]) for position in positions]
        axes.set_xticks(positions, labels, rotation=45, ha="right", rotation_mode="anchor", parse_math=False)
        axes.set_yticks(positions, labels, parse_math=False)
        axes.set_xlabel("predicted class")
        axes.set_ylabel("true class")
        axes.spines[:].set_visible(False)
        axes.tick_params(length=0)
    return figure


def _tick_label(name: str) -> str:
    """A name with at most `_LONGEST_NAME` characters of its start and its end: longer ones leave the matrix no room."""
    half = _LONGEST_NAME // 2
    return drawable(name if len(name) <= _LONGEST_NAME else f"{name[:half].rstrip()}…{name[1 - half :].lstrip()}")


def _colours(shades: Values) -> Values:
    """White at 0, the colour of correct predictions or of errors at 1: (classes, classes, 3)."""
    from matplotlib.colors import to_rgb

    hues = np.where(np.eye(len(shades), dtype=bool)[..., None], to_rgb(CORRECT_COLOUR), to_rgb(WRONG_COLOUR))
    colours: Values = 1 - shades[..., None] * (1 - hues)
    return colours


def _write_counts(axes: Axes, matrix: Matrix, shades: Values) -> None:
    for (row, column), count in np.ndenumerate(matrix):
        shade = "white" if shades[row, column] > _DARK else "black" if count else "#999999"
        axes.text(column, row, f"{count}", ha="center", va="center", color=shade, fontsize=9)


CONFIDENCE_COLOUR = DIAGONAL_COLOUR = "#000000"
_PALE = 0.3


def reliability_figure(bins: Sequence[Bin], title: str, model: str) -> Figure:
    """Accuracy over confidence in the model's colour, bin by bin, with the diagonal of perfect calibration.

    Bins of few images are merged with their neighbours. Below, the number of images in each bin.

    Args:
        bins: From low to high, of equal width.
        title: One or more lines, drawn without markup.
        model: The model's name.
    """
    from matplotlib.figure import Figure

    with house_style():
        figure = Figure(figsize=(7, 7.6), layout="constrained")
        diagram, counts = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
        figure.suptitle(drawable(title), parse_math=False)
        _draw_bins(diagram, bins, look_of(model))
        width = 1 / len(bins)
        counts.bar([one.low for one in bins], [one.count for one in bins], width, align="edge", color="#999999")
        counts.set_ylabel("images")
        counts.set_xlabel("confidence (probability of the predicted class)")
        for axes in (diagram, counts):
            axes.set_xlim(0, 1)
            axes.grid(alpha=0.25)
            axes.set_axisbelow(True)
    return figure


def _draw_bins(axes: Axes, bins: Sequence[Bin], look: Look) -> None:
    drawn = merged(bins)
    accuracies = [one.accuracy or 0.0 for one in drawn]
    widths = [one.high - one.low for one in drawn]
    bars = axes.bar([one.low for one in drawn], accuracies, widths, align="edge", label="accuracy", color=look.on_light)
    for bar, one in zip(bars, drawn, strict=True):
        bar.set(edgecolor="black", linewidth=0.6, alpha=1.0 if one.count >= FEW_IMAGES else _PALE)
    axes.plot([0, 1], [0, 1], "--", color=DIAGONAL_COLOUR, linewidth=1, label="perfect calibration")
    confidences = [one.confidence or 0.0 for one in drawn]
    points, *_ = axes.plot(confidences, accuracies, look.mark, color=CONFIDENCE_COLOUR, label="mean confidence")
    points.set(markersize=5, clip_on=False, markerfacecolor="white")
    axes.set_ylim(0, 1)
    axes.set_ylabel("accuracy")
    error = f"expected calibration error {calibration_error(bins):.4f}"
    error += f"\npale: fewer than {FEW_IMAGES} images" if any(one.count < FEW_IMAGES for one in drawn) else ""
    axes.legend(frameon=False, loc="upper left", title=error, alignment="left")


NAME = "shift_accuracy"
_LINES = ("-", "--", "-.", ":")


def shift_figure(found: Mapping[str, Shifts], title: str) -> Figure:
    """A line for each run, its mean accuracy over four directions; the band goes from the worst to the best.

    A line has its model's colour, marker and dash; further runs of a model have other dashes.

    Args:
        found: The measured shifts by the run's name in the legend, which begins with its model.
        title: One or more lines, drawn without markup.
    """
    from matplotlib.figure import Figure

    pixels = range(MAX_SHIFT + 1)
    with house_style():
        figure = Figure(figsize=(8, 5), layout="constrained")
        axes = figure.subplots()
        figure.suptitle(drawable(title), parse_math=False)
        models = [version_in(name) for name in found]
        for index, (name, shifts) in enumerate(found.items()):
            look, repeated = look_of(models[index]), models[:index].count(models[index])
            colour, mark = look.on_light, look.mark
            line = _LINES[(_LINES.index(look.line) + repeated) % len(_LINES)]
            by_shift = [[100 * fraction for fraction in part] for part in zip(*shifts.directions, strict=True)]
            axes.fill_between(pixels, list(map(min, by_shift)), list(map(max, by_shift)), color=colour, alpha=0.12)
            mean = [100 * fraction for fraction in shifts.mean]
            axes.plot(pixels, mean, line, color=colour, marker=mark, label=drawable(name.lstrip("_")))
        axes.set_xlabel("shift (pixels); bands from the worst direction to the best", fontsize=9)
        axes.set_ylabel("accuracy on the test images (%)", fontsize=9)
        axes.set_xticks(pixels)
        axes.grid(alpha=0.25)
        if found:
            for entry in axes.legend(frameon=False, loc="best").get_texts():
                entry.set_parse_math(False)
    return figure


def shift_files(records: Sequence[Run], title: str = "") -> dict[str, bytes]:
    """The figure of the runs whose shifts are cached, as PNG and SVG by file name; {} if there are none."""
    found = [(record, shifts) for record in records if (shifts := read_findings(record).shifts)]
    versions = [record.version for record, _ in found]
    named = {
        record.version if versions.count(record.version) == 1 else record.run_id: shifts
        for record, shifts in sorted(found, key=lambda one: one[0].run_id)
    }
    if not named:
        return {}
    figure = shift_figure(named, title or "Accuracy on shifted test images")
    return {f"{NAME}.png": to_png(figure), f"{NAME}.svg": to_svg(figure)}
