"""Claims that need runs of networks or recipes that differ in one setting alone: read from the runs that have finished.

Unlike for the other claims, these runs are modified on purpose, and all of their seeds count.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from statistics import fmean, variance
from typing import Any

from fmnist_tui.analysis.probes.cache import read_findings
from fmnist_tui.analysis.probes.common import Claim, Verdict, standard_error
from fmnist_tui.data import official
from fmnist_tui.runs.run import Run
from fmnist_tui.text import counted, percent
from fmnist_tui.training.recipes import (
    MODEL,
    configure,
    hyperparameters,
    recipe_option,
    settle_for_fashion_mnist,
)

SEEDS = 3
"""Runs of each kind that the commands train."""


@dataclass(frozen=True)
class Arm:
    """One side of a comparison.

    Attributes:
        name: In a few words.
        version: The model.
        changes: Settings that differ from the recipe's.
    """

    name: str
    version: str
    changes: Mapping[str, Any]

    def settings(self, recipe: str) -> dict[str, Any]:
        """All settings of its runs, as `Run.settings` has them, but for the number of epochs."""
        config = configure(self.version, recipe, self.changes)
        own = asdict(settle_for_fashion_mnist(config.hyperparameters))
        own |= {f"{MODEL}{name}": value for name, value in config.model_options.items()}
        return {name: value for name, value in own.items() if name != "epochs"}

    def command(self, recipe: str) -> str:
        """The command that trains its runs."""
        usual = asdict(settle_for_fashion_mnist(hyperparameters(self.version, recipe)))
        changed = [(name, value) for name, value in self.changes.items() if usual.get(name) != value]
        sets = "".join(f" --set {name}={value}" for name, value in changed)
        return f"fmnist-tui train {self.version}{recipe_option(recipe)} --seeds {SEEDS}{sets}"


@dataclass(frozen=True)
class Study:
    """A claim, and the two kinds of runs that decide it.

    Attributes:
        title: Of the claim.
        statement: What is claimed.
        without: What the claim says is worse.
        with_it: What it says is better.
        by_fit: Whether the generalisation gap decides (the analysis "fit"), rather than test accuracy.
        method: What else to know.
    """

    title: str
    statement: str
    without: Arm
    with_it: Arm
    by_fit: bool = False
    method: str = ""

    def commands(self, recipe: str) -> tuple[str, ...]:
        """The commands that train both kinds."""
        return self.without.command(recipe), self.with_it.command(recipe)


@dataclass(frozen=True)
class Measured:
    """What the runs of one arm reached.

    Attributes:
        arm: The arm.
        runs: Those that were scored.
        diverged: How many others diverged.
        values: Of each run: its test accuracy, or its generalisation gap where that decides.
        errors: The standard error of each of them over its images.
    """

    arm: Arm
    runs: tuple[Run, ...]
    diverged: int
    values: tuple[float, ...]
    errors: tuple[float, ...]

    @property
    def error(self) -> float:
        """The standard error of the mean: over the images, and over the seeds where there are several."""
        seeds = variance(self.values) / len(self.values) if len(self.values) > 1 else 0.0
        return math.sqrt(seeds + fmean(self.errors) ** 2)


@dataclass(frozen=True)
class StudyResult:
    """A study's claim with its verdict, and what it is based on: the arms that have runs, the one without it first."""

    study: Study
    claim: Claim
    measured: tuple[Measured, ...] = ()


STUDIES = (
    Study(
        "Feature hierarchy",
        "later layers build shapes from the edges that earlier layers detect",
        Arm("one block", "v1", {"model.blocks": 1}),
        Arm("two blocks", "v1", {}),
        method="v1 with one convolution block and with its two; both have about as many parameters (126 k and 121 k), "
        "but two blocks take 19 times as many MACs. ",
    ),
    Study(
        "Normalisation",
        "batch and layer normalisation make training stable",
        Arm("no normalisation", "v2", {"model.norm": "none"}),
        Arm("normalised", "v2", {}),
        method="v2 with batch normalisation in its blocks and layer normalisation in its hidden layers, and without. ",
    ),
    Study(
        "Regularisation, no augmentation",
        "dropout prevents overfitting, if augmentation doesn't do it already",
        Arm("v2", "v2", {"flip": "off", "shift": 0}),
        Arm("v3", "v3", {"flip": "off", "shift": 0}),
        by_fit=True,
    ),
)


def study_results(runs: Sequence[Run], recipe: str) -> tuple[StudyResult, ...]:
    """All studies, checked against the runs under one recipe."""
    return tuple(_checked(study, runs, recipe) for study in STUDIES)


def _checked(study: Study, runs: Sequence[Run], recipe: str) -> StudyResult:
    groups = [_by_epochs(arm, runs, recipe) for arm in (study.without, study.with_it)]
    common = sorted(groups[0].keys() & groups[1].keys(), key=lambda epochs: (_pairs(groups, epochs), epochs))
    if not common:
        lacking = [arm for arm, found in zip((study.without, study.with_it), groups, strict=True) if not found]
        arms = lacking or (study.without, study.with_it)
        return StudyResult(study, _claim(study, missing=tuple(arm.command(recipe) for arm in arms)))
    epochs = common[-1]
    found = [
        _measured(study, arm, group[epochs]) for arm, group in zip((study.without, study.with_it), groups, strict=True)
    ]
    if study.by_fit and not all(one.values for one in found):
        lacking_fit = " ".join(run.run_id for one in found for run in one.runs)
        return StudyResult(study, _claim(study, missing=(f"fmnist-tui analyse {lacking_fit} --only fit",)))
    claim = _claim(study, verdict=_verdict(study, *found), measured=_text(study, found, epochs))
    return StudyResult(study, claim, tuple(found))


def _pairs(groups: Sequence[Mapping[int, list[Run]]], epochs: int) -> int:
    return min(len(group[epochs]) for group in groups)


def _by_epochs(arm: Arm, runs: Sequence[Run], recipe: str) -> dict[int, list[Run]]:
    """The arm's runs that completed or diverged, on all of Fashion-MNIST, by their number of epochs."""
    expected = arm.settings(recipe)
    found: dict[int, list[Run]] = {}
    for run in runs:
        epochs = run.manifest.epochs
        is_done = run.result is not None and (run.scores is not None or run.result.reason == "diverged")
        if run.version != arm.version or run.recipe != recipe or not is_done or epochs is None:
            continue
        settings = {name: value for name, value in run.settings.items() if name != "epochs"}
        is_whole = run.manifest.limit is None and run.fingerprints == official.FASHION_MNIST.fingerprints
        is_complete = run.result is not None and run.result.reason in ("completed", "diverged")
        if settings == expected and is_whole and is_complete:
            found.setdefault(epochs, []).append(run)
    return found


def _measured(study: Study, arm: Arm, runs: Sequence[Run]) -> Measured:
    scored = tuple(run for run in runs if run.scores is not None)
    if study.by_fit:
        fits = [fit for run in scored if (fit := read_findings(run).fit)]
        values, errors = tuple(fit.nll_gap for fit in fits), tuple(fit.nll_gap_error for fit in fits)
    else:
        values = tuple(run.scores.accuracy for run in scored if run.scores)
        errors = tuple(standard_error([(value, run.test_images)]) for value, run in zip(values, scored, strict=True))
    return Measured(arm, scored, len(runs) - len(scored), values, errors)


def _verdict(study: Study, without: Measured, with_it: Measured) -> Verdict:
    if not (without.values and with_it.values):  # all runs of one kind diverged
        return Verdict.of(bool(with_it.values)) if without.values or with_it.values else Verdict.INCONCLUSIVE
    difference = fmean(with_it.values) - fmean(without.values)
    error = math.hypot(without.error, with_it.error)
    return Verdict.of_difference(-difference if study.by_fit else difference, error)


def _text(study: Study, found: Sequence[Measured], epochs: int) -> str:
    return "; ".join([*(_arm_text(study, one) for one in found), f"{counted(epochs, 'epoch')} each"])


def _arm_text(study: Study, one: Measured) -> str:
    count = counted(len(one.values), "run")
    diverged = f", {one.diverged} diverged" if one.diverged else ""
    if not one.values:
        return f"{one.arm.name}: all {counted(one.diverged, 'run')} diverged"
    mean = fmean(one.values)
    value = f"NLL gap {mean:+.4f}" if study.by_fit else percent(mean)
    return f"{one.arm.name}: {value} ± {_shown(study, one.error)} ({count}{diverged})"


def _shown(study: Study, error: float) -> str:
    return f"{error:.4f}" if study.by_fit else f"{100 * error:.2f}"


def _claim(
    study: Study, verdict: Verdict = Verdict.NOT_MEASURED, measured: str = "", missing: tuple[str, ...] = ()
) -> Claim:
    what = (
        "The generalisation gap of the scored weights (validation NLL minus training NLL) of v2 and v3, both trained "
        "on unmodified images; supported if v3's is smaller"
        if study.by_fit
        else f"Mean test accuracy; supported if it is higher for {study.with_it.name}, or only the others diverged"
    )
    ends = "by over two standard errors, which cover the images and, with several runs, the seeds; else inconclusive"
    return Claim(study.title, study.statement, verdict, measured, f"{study.method}{what}, {ends}", missing)
