"""A comparison in sentences: figures with their uncertainty, and notes on what the intervals cover."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from fmnist_tui.analysis.comparison import Comparison, VersionSummary
from fmnist_tui.analysis.intervals import Interval, Spread
from fmnist_tui.analysis.paired import Difference
from fmnist_tui.models.registry import BUILT_IN
from fmnist_tui.text import counted, grouped
from fmnist_tui.training.recipes import recipe_option

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


MARK_NOTE = (
    "* not all of these runs count; the reasons are below. Runs that were not trained alike have no common interval."
)
_PLUS_MINUS = "± is the standard deviation of single runs."
_OVER_RUNS = (
    "95 % intervals of several seeds (Student's t, Welch's for a delta) are of the mean over seeds, "
    "all on the same test images, each by itself: not adjusted for several deltas."
)
_OVER_IMAGES = (
    "95 % intervals of a single seed, or of equal accuracies (Wilson's, paired for a delta), are over the test images "
    "alone, each by itself: how far seeds differ is not in them."
)


def notes(comparison: Comparison) -> list[str]:
    """A line each: what the star means, what the intervals are of, what is missing and how to train it."""
    return list(_lines(comparison)) if comparison.versions else []


def _lines(comparison: Comparison) -> Iterator[str]:
    if any(one.marked for one in comparison.versions):
        yield MARK_NOTE
    methods = {str(one.test_accuracy.method) for one in comparison.versions}
    methods |= {str(one.step.method) for one in comparison.versions if one.step}
    if any(one.test_accuracy.sd is not None for one in comparison.versions):
        yield _PLUS_MINUS
    if methods & {"student_t", "welch"}:
        yield _OVER_RUNS
    if methods & {"wilson", "paired"}:
        yield _OVER_IMAGES
    for one in comparison.versions:
        if one.different_seeds < one.runs:
            yield f"{one.version}: {one.runs} runs of {_repeats(one.different_seeds)}."
        if one.inexact:
            runs = f"{counted(one.inexact, 'run')} of {one.runs}" if one.runs > 1 else "the run"
            yield f"{one.version}: {runs} went on under other conditions than at first: not bit for bit (see `show`)."
    yield from _advice(comparison)


def _repeats(seeds: int) -> str:
    return (
        "1 seed; repeats tell nothing of other seeds"
        if seeds == 1
        else f"{seeds} seeds; repeats make intervals too narrow"
    )


def _advice(comparison: Comparison) -> Iterator[str]:
    """What is missing; how to train it is known of runs that count alone, as others have settings of their own."""
    single = [one for one in comparison.versions if one.different_seeds == 1]
    there = {one.version for one in comparison.versions}
    missing = [name for name in BUILT_IN if name not in there]
    if single:
        more = f"--seed {_next_seed(single)} --seeds 2"
        names = [one.version for one in single]
        yield f"One seed of {_listed(names)}{_training(comparison, names, more, '; train more')}"
    if missing:
        none = "No scored run" if comparison.everything else "No run that counts"
        yield f"{none} of {_listed(missing)} yet{_training(comparison, missing, '', '; train')}"


def _training(comparison: Comparison, versions: Sequence[str], options: str, so: str) -> str:
    if comparison.everything:
        return ""
    words = " ".join(filter(None, [*versions, options]))
    return f"{so}: fmnist-tui train {words}{recipe_option(comparison.recipe)}"


def _next_seed(versions: Sequence[VersionSummary]) -> int:
    return max((seed for one in versions for seed in one.seeds if seed is not None), default=-1) + 1


def _listed(names: Sequence[str]) -> str:
    """V0, v1 and v2."""
    return " and ".join(filter(None, [", ".join(names[:-1]), names[-1]]))
