"""Figures and tests as text: with their intervals, and whether they are significant."""

from __future__ import annotations

from fmnist_tui.analysis.comparison import VersionSummary
from fmnist_tui.analysis.intervals import Interval, Spread, of_fraction
from fmnist_tui.analysis.paired import Difference, PairedTest
from fmnist_tui.report.report import Line
from fmnist_tui.runs.run import Run
from fmnist_tui.text import counted, grouped, percent, points

NOT_SIGNIFICANT = "not significant"
_LOWEST_P = 0.001
"""Below it p-values are reported as "< 0.001"."""
_NOT_ALIKE = "these runs differ in training images or settings"
_NOT_ENOUGH = "needs two seeds of both versions, or the test predictions of all their runs"


def spread_cell(spread: Spread, digits: int, scale: float = 1.0) -> str:
    """Mean and standard deviation: "0.2412 ± 0.0031"."""
    mean = f"{spread.mean * scale:.{digits}f}"
    return mean if spread.sd is None else f"{mean} ± {spread.sd * scale:.{digits}f}"


def interval_cell(interval: Interval | None, digits: int, scale: float = 1.0) -> str:
    """For example 91.50 to 91.96; an empty string without an interval."""
    return "" if interval is None else f"{interval.low * scale:.{digits}f} to {interval.high * scale:.{digits}f}"


def difference_cell(difference: Difference) -> Line:
    """For example +0.12 (-0.10 to +0.34), not significant; in percentage points."""
    interval = f" ({_points_interval(difference.interval)})" if difference.interval else ""
    return Line(f"{points(difference.value)}{interval}{_caveat(difference)}", is_certain(difference))


def step_sentence(difference: Difference) -> Line:
    """One step between versions, how its interval was computed, and what that leaves out."""
    step = f"{difference.first} to {difference.second}: {points(difference.value)} points"
    if difference.interval is None:
        return Line(f"{step}; no CI: {_NOT_ENOUGH if difference.alike else _NOT_ALIKE}", certain=False)
    first, second = difference.runs
    runs = f"{counted(first, 'run')} each" if first == second else f"{first} and {counted(second, 'run')}"
    verdict = "significant" if difference.significant else NOT_SIGNIFICANT
    text = f"{step} (95% CI {_points_interval(difference.interval)}): {verdict}"
    if difference.method == "welch":
        return Line(f"{text} (Welch's t, {runs})", is_certain(difference))
    between = " between these runs" if difference.significant else ""
    images = f"paired over {counted(difference.images, 'test image')}"
    covers = "test-set sampling error only; seed variance not included"
    return Line(f"{text}{between} ({images}, {runs}; {covers})", is_certain(difference))


def gain_sentence(gain: Difference, *, ineligible: bool) -> Line:
    """The total gain; `ineligible`: whether some of the compared runs aren't eligible."""
    interval = f" (95% CI {_points_interval(gain.interval)})" if gain.interval else ""
    marked = "; not all of these runs are eligible" if ineligible else ""
    text = f"Total gain from {gain.first} to {gain.second}: {points(gain.value)} points"
    return Line(f"{text}{interval}{_caveat(gain)}{marked}", is_certain(gain))


def version_sentence(summary: VersionSummary) -> Line:
    """The four measures with their intervals."""
    accuracy = summary.test_accuracy
    over = " over the test images" if accuracy.method == "wilson" else ""
    measures = [f"accuracy {percent(accuracy.mean)}{_in_brackets(interval_cell(accuracy.interval, 2, 100), over)}"]
    for name, spread in (("NLL", summary.test_nll), ("Brier", summary.test_brier), ("ECE", summary.test_ece)):
        measures.append(f"{name} {spread.mean:.4f}{_in_brackets(interval_cell(spread.interval, 4))}")
    return Line(f"{summary.version}, {counted(summary.runs, 'run')}: {', '.join(measures)}")


def paired_sentence(test: PairedTest, first: str = "", second: str = "") -> Line:
    """A paired test: "v0 is better than v1 (p < 0.001): 2,584 images only v0 gets right, 301 only v1".

    Args:
        test: The test.
        first: What to call the first run; its version if not given, or its id if both versions are the same.
        second: The same for the second.
    """
    same = test.first == test.second
    first = first or (test.first_run if same else test.first)
    second = second or (test.second_run if same else test.second)
    sides = [(test.only_second_correct, second), (test.only_first_correct, first)]
    (more, better), (fewer, worse) = sorted(sides, key=lambda side: -side[0])
    verdict = (
        f"{better} is better than {worse}" if test.significant else f"{better} and {worse} don't differ significantly"
    )
    images = f"{counted(more, 'image')} only {better} gets right, {grouped(fewer)} only {worse}"
    return Line(f"{verdict} ({_p_text(test)}): {images}", test.significant)


def named_pair_sentence(test: PairedTest, first: str, second: str) -> Line:
    """A paired test of named runs, with the difference in points and its interval."""
    line = paired_sentence(test, first, second)
    adjusted = ", not adjusted" if test.tests > 1 else ""
    interval = f"95% CI {_points_interval(test.interval)}, over the images, for these two runs{adjusted}"
    text = f"{line.text}; {points(test.difference)} points from {first} to {second} ({interval})"
    return Line(text, line.certain)


def is_certain(difference: Difference) -> bool:
    """Whether the difference is known to be significant."""
    return difference.significant is True


def _p_text(test: PairedTest) -> str:
    """The p-value, and the adjusted one if it reads differently."""
    plain, adjusted = _p(test.p_value), _p(test.p_holm)
    p = f"p {plain}" if test.p_value < _LOWEST_P else f"p = {plain}"
    return p if plain == adjusted else f"{p}, {adjusted} adjusted for {test.tests} tests"


def _p(value: float) -> str:
    return f"{value:.3f}" if value >= _LOWEST_P else f"< {_LOWEST_P}"


def _caveat(difference: Difference) -> str:
    """What a reader must know of a difference first of all."""
    if difference.interval is None:
        return ", no CI"
    if not difference.significant:
        return f", {NOT_SIGNIFICANT}"
    return ", one seed" if difference.method == "paired" else ""


def _in_brackets(text: str, suffix: str = "") -> str:
    return f" ({text}{suffix})" if text else ""


def _points_interval(interval: Interval) -> str:
    return f"{points(interval.low)} to {points(interval.high)}"


def score_text(run: Run) -> str:
    """The 95% CI of a scored run's test accuracy: "95% CI 92.12% to 93.15%"; "" where that can't be computed."""
    accuracy, images = run.test_accuracy, run.test_images
    if accuracy is None or images is None:
        return ""
    interval = of_fraction(accuracy, images)
    return f"95% CI {percent(interval.low)} to {percent(interval.high)}"
