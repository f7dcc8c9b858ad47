"""v0 to v3 compared: means and spreads over the eligible runs, and the step from each version to the next."""

from __future__ import annotations

import math
import statistics
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from fmnist_tui.analysis.eligibility import (
    ScoredRun,
    best_of,
    different,
    scored_runs,
    seeds_of,
    trained_alike,
    why_not_counted,
)
from fmnist_tui.analysis.intervals import Spread
from fmnist_tui.analysis.paired import Difference, PairedTest, Reader, difference, paired_tests, remembering
from fmnist_tui.data import official
from fmnist_tui.models.layers import layer_table
from fmnist_tui.models.registry import all_models, get_model
from fmnist_tui.models.spec import Reported
from fmnist_tui.runs.run import Run


@dataclass(frozen=True)
class VersionSummary:
    """One version over its runs.

    Attributes:
        version: "v0" to "v3".
        runs: How many are compared.
        marked: How many of them would not count; 0 unless everything was asked for.
        seeds: Of each run, oldest first; None where run.json doesn't tell.
        test_accuracy: 0 to 1.
        test_nll: Nats.
        test_brier: 0 to 2.
        test_ece: 0 to 1.
        parameters: Trained parameters.
        seconds_per_epoch: Median over all epochs of all runs, validation included; None where no log tells.
        device: What they were trained on; several are joined by commas.
        what_changed: Against the version before.
        step: From the nearest version before that has runs; None for the first.
        best_run: Its id: highest validation accuracy of any epoch, the oldest of equals. The test set has no say.
        reported: The origin's figures.
        inexact: How many of them went on under other conditions than they began with.
    """

    version: str
    runs: int
    marked: int
    seeds: tuple[int | None, ...]
    test_accuracy: Spread
    test_nll: Spread
    test_brier: Spread
    test_ece: Spread
    parameters: int
    seconds_per_epoch: float | None
    device: str
    what_changed: str
    step: Difference | None
    best_run: str
    reported: Reported | None
    inexact: int = 0

    @property
    def different_seeds(self) -> int:
        """Fewer than the runs where some repeat others."""
        return different(self.seeds)

    @property
    def delta(self) -> float | None:
        """Mean test accuracy less that of the nearest version before that has runs; None for the first."""
        return None if self.step is None else self.step.value


@dataclass(frozen=True)
class NotCounted:
    """A run that doesn't count, and why."""

    run: str
    why: str


@dataclass(frozen=True)
class Comparison:
    """The versions that have runs, and how they differ.

    Attributes:
        recipe: Under which runs count.
        everything: Whether all of the recipe's runs scored on the same images were compared, also those that don't
            count.
        compared: Ids of the runs that the comparison is made of.
        versions: In the order of the registry.
        gain: From the first version to the last; None where there are not two.
        paired: Between the versions' best runs.
        not_counted: Newest first; with `everything` some of them are compared as well.
        comparable: How many of them `everything` would take in, or has.
    """

    recipe: str
    everything: bool
    compared: frozenset[str]
    versions: tuple[VersionSummary, ...]
    gain: Difference | None
    paired: tuple[PairedTest, ...]
    not_counted: tuple[NotCounted, ...]
    comparable: int

    @property
    def total_gain(self) -> float | None:
        """Mean test accuracy of the last version less that of the first; None where there are not two."""
        return None if self.gain is None else self.gain.value


def compare(records: Sequence[Run], recipe: str = "tuned", *, everything: bool = False) -> Comparison:
    """Compares the versions over `records` that count under `recipe`, or over all of it on the same test images."""
    reasons = {record.run_id: why_not_counted(record, recipe) for record in records}
    counting = [record for record in records if reasons[record.run_id] is None]
    on_the_same = _on_the_same_images([record for record in records if record.recipe == recipe])
    chosen = on_the_same if everything else counting
    groups = [runs for model in all_models() if (runs := scored_runs(chosen, model.name))]
    unfit = {run for run, why in reasons.items() if why is not None}
    read = remembering()
    best = [read(best_of(runs).record) for runs in groups]
    return Comparison(
        recipe,
        everything,
        frozenset(run.record.run_id for runs in groups for run in runs),
        tuple(_summaries(groups, unfit, read)),
        difference(groups[0], groups[-1], read) if len(groups) > 1 else None,
        paired_tests([answers for answers in best if answers]),
        tuple(NotCounted(run, why) for run, why in reasons.items() if why is not None),
        sum(record.run_id in unfit for record in on_the_same),
    )


def _on_the_same_images(records: Sequence[Run]) -> list[Run]:
    """The scored runs of one data set, as others have no common mean: the official one, else the newest run's."""
    scored = [record for record in records if record.scores is not None]
    known = [record.fingerprints for record in scored]
    best, newest = official.FASHION_MNIST.fingerprints, next(iter(known), None)
    wanted = best if best in known else newest
    return [record for record in scored if record.fingerprints == wanted]


def _summaries(groups: Sequence[Sequence[ScoredRun]], unfit: Collection[str], read: Reader) -> Iterator[VersionSummary]:
    """One for the runs of each version; `unfit` has the ids of those that don't count."""
    before: Sequence[ScoredRun] | None = None
    for runs in groups:
        step = None if before is None else difference(before, runs, read)
        yield _summarise(runs, sum(run.record.run_id in unfit for run in runs), step)
        before = runs


def _summarise(runs: Sequence[ScoredRun], marked: int, step: Difference | None) -> VersionSummary:
    model, best, seeds = get_model(runs[0].record.version), best_of(runs).record, seeds_of(runs)
    alike = trained_alike(runs)
    different_seeds = different(seeds) if alike else 1
    seconds = [value for run in runs for value in run.seconds]
    return VersionSummary(
        version=model.name,
        runs=len(runs),
        marked=marked,
        seeds=seeds,
        test_accuracy=Spread.of_accuracies(
            [run.scores.accuracy for run in runs], best.test_images if alike else None, seeds=different_seeds
        ),
        test_nll=Spread.of([run.scores.nll for run in runs], math.inf, seeds=different_seeds),
        test_brier=Spread.of([run.scores.brier for run in runs], 2.0, seeds=different_seeds),
        test_ece=Spread.of([run.scores.ece for run in runs], 1.0, seeds=different_seeds),
        parameters=layer_table(model).parameters,
        seconds_per_epoch=statistics.median(seconds) if seconds else None,
        device=", ".join(sorted({device for run in runs for device in run.record.devices})),
        what_changed=model.what_changed,
        step=step,
        best_run=best.run_id,
        reported=model.reported,
        inexact=sum(not run.record.is_exact for run in runs),
    )
