"""Figures in words: never without how sure they are. Accuracies in per cent, differences in points."""

from __future__ import annotations

from fmnist_tui.analysis.comparison import Comparison, VersionSummary
from fmnist_tui.analysis.differences import Difference
from fmnist_tui.analysis.intervals import Interval
from fmnist_tui.analysis.spread import Spread
from fmnist_tui.text import counted, grouped

PAIRED_HEADING = "Image by image, the versions' best runs by validation (p adjusted for all tests by Holm's method):"
MAY_BE_CHANCE = "may be chance"
_UNLIKE = "these runs were not all trained alike (images learned from, settings)"
_UNKNOWN = "it takes two seeds of both versions, or the test predictions of all their runs"


def spread_cell(spread: Spread, digits: int, scale: float = 1.0) -> str:
    """Mean and standard deviation: 0.2412 ± 0.0031."""
    mean = f"{spread.mean * scale:.{digits}f}"
    return mean if spread.sd is None else f"{mean} ± {spread.sd * scale:.{digits}f}"


def interval_cell(interval: Interval | None, digits: int, scale: float = 1.0) -> str:
    """91.50 to 91.96, or "" without one."""
    return "" if interval is None else f"{interval.low * scale:.{digits}f} to {interval.high * scale:.{digits}f}"


def interval_points(interval: Interval) -> str:
    """Of a difference: -0.10 to +0.34."""
    return f"{_points(interval.low)} to {_points(interval.high)}"


def difference_cell(difference: Difference) -> str:
    """+0.12 (-0.10 to +0.34), may be chance."""
    interval = f" ({interval_points(difference.interval)})" if difference.interval else ""
    return f"{_points(difference.value)}{interval}{doubt(difference)}"


def step_sentence(difference: Difference) -> str:
    """One step between versions, where its interval is from, and what that leaves out."""
    step = f"{difference.first} to {difference.second}: {_points(difference.value)} points"
    if difference.interval is None:
        return f"{step}; no interval: {_UNKNOWN if difference.alike else _UNLIKE}"
    first, second = difference.runs
    counts = f"{counted(first, 'run')} each" if first == second else f"{first} and {counted(second, 'run')}"
    seen = f"{step} (95 % interval {interval_points(difference.interval)}): "
    if difference.method == "welch":
        return f"{seen}{MAY_BE_CHANCE if difference.may_be_chance else 'more than chance'} (Welch's t, {counts})"
    verdict = MAY_BE_CHANCE if difference.may_be_chance else "more than chance between these runs"
    images = grouped(difference.images)
    return f"{seen}{verdict} (paired over {images} test images, {counts}; how far seeds differ is not in it)"


def version_sentence(summary: VersionSummary) -> str:
    """The four measures with their intervals."""
    accuracy = summary.test_accuracy
    where = " over the test images" if accuracy.method == "wilson" else ""
    measures = [f"accuracy {accuracy.mean * 100:.2f} %{_bracketed(interval_cell(accuracy.interval, 2, 100), where)}"]
    for name, spread in (("NLL", summary.test_nll), ("Brier", summary.test_brier), ("ECE", summary.test_ece)):
        measures.append(f"{name} {spread.mean:.4f}{_bracketed(interval_cell(spread.interval, 4))}")
    return f"{summary.version}, {counted(summary.runs, 'run')}: {', '.join(measures)}"


def gain_line(comparison: Comparison) -> str:
    """The total gain in words, or "" where there are not two versions."""
    gain = comparison.gain
    if gain is None:
        return ""
    interval = "" if gain.interval is None else f" (95 % interval {interval_points(gain.interval)})"
    marked = "; not all of these runs count" if any(summary.marked for summary in comparison.versions) else ""
    told = f"Total gain from {gain.first} to {gain.second}: {_points(gain.value)} points"
    return f"{told}{interval}{doubt(gain)}{marked}"


def doubt(difference: Difference) -> str:
    """What a reader must know of a difference before all else."""
    if difference.interval is None:
        return ", no interval"
    if difference.may_be_chance:
        return f", {MAY_BE_CHANCE}"
    return ", one seed" if difference.method == "paired" else ""


def _bracketed(words: str, where: str = "") -> str:
    return f" ({words}{where})" if words else ""


def _points(difference: float) -> str:
    return f"{difference * 100:+.2f}"
