"""What a comparison's intervals are of, what they leave out, and which training would tell more."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from fmnist_tui.analysis.comparison import Comparison, VersionSummary
from fmnist_tui.models.catalogue import VERSION_NAMES
from fmnist_tui.text import counted
from fmnist_tui.training.recipes import recipe_option

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
    missing = [name for name in VERSION_NAMES if name not in there]
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
