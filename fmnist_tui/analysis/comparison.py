"""v0 to v3 compared: means and spreads over the runs that count, steps from version to version, paired tests."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from fmnist_tui.analysis.counting import fingerprints, why_not_counted
from fmnist_tui.analysis.paired import PairedTest, paired_tests
from fmnist_tui.analysis.record import RunRecord, read_epochs
from fmnist_tui.data import official
from fmnist_tui.models.catalogue import VERSIONS, Reported, Version
from fmnist_tui.training.events import Epoch
from fmnist_tui.training.metrics import Scores

_FOREVER = 1e9


@dataclass(frozen=True)
class Spread:
    """Mean and the sample's standard deviation (None for one value) of n values."""

    mean: float
    sd: float | None
    n: int

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        """The spread of at least one value."""
        return cls(statistics.fmean(values), statistics.stdev(values) if len(values) > 1 else None, len(values))


@dataclass(frozen=True)
class VersionSummary:
    """One version over its runs.

    Attributes:
        version: "v0" to "v3".
        runs: How many are compared.
        marked: How many of them would not count; 0 unless everything was asked for.
        test_accuracy: 0 to 1.
        test_nll: Nats.
        test_brier: 0 to 2.
        test_ece: 0 to 1.
        parameters: Trained parameters.
        seconds_per_epoch: Median over all epochs of all runs, validation included; None where no log tells.
        device: What they were trained on; several are joined by commas.
        what_changed: Against the version before.
        delta: Mean test accuracy less that of the nearest version before that has runs; None for the first.
        best_run: Its id: highest validation accuracy of any epoch, the oldest of equals. The test set has no say.
        reported: The origin's figures.
    """

    version: str
    runs: int
    marked: int
    test_accuracy: Spread
    test_nll: Spread
    test_brier: Spread
    test_ece: Spread
    parameters: int
    seconds_per_epoch: float | None
    device: str
    what_changed: str
    delta: float | None
    best_run: str
    reported: Reported


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
        everything: Whether all runs scored on the same images were compared, those that don't count too.
        compared: Ids of the runs that the comparison is made of.
        versions: In the order of the catalogue.
        paired: Between the versions' best runs.
        not_counted: Newest first; with `everything` some of them are compared as well.
    """

    recipe: str
    everything: bool
    compared: frozenset[str]
    versions: tuple[VersionSummary, ...]
    paired: tuple[PairedTest, ...]
    not_counted: tuple[NotCounted, ...]

    @property
    def total_gain(self) -> float | None:
        """Mean test accuracy of the last version less that of the first; None where there are not two."""
        if len(self.versions) < 2:
            return None
        return self.versions[-1].test_accuracy.mean - self.versions[0].test_accuracy.mean


@dataclass(frozen=True)
class _Scored:
    record: RunRecord
    scores: Scores
    epochs: tuple[Epoch, ...]

    @property
    def best_validation(self) -> float:
        """Of any epoch; what a hand-edited log says beyond 0 to 1 is passed over."""
        found = (epoch.validation_accuracy for epoch in self.epochs)
        return max((accuracy for accuracy in found if 0 <= accuracy <= 1), default=0.0)

    @property
    def seconds(self) -> list[float]:
        """Of each epoch."""
        return [epoch.seconds for epoch in self.epochs if 0 <= epoch.seconds < _FOREVER]


def compare(records: Sequence[RunRecord], recipe: str = "tuned", *, everything: bool = False) -> Comparison:
    """Compares the versions over `records` that count under `recipe`, or over all scored on the same images."""
    reasons = {record.run_id: why_not_counted(record, recipe) for record in records}
    counting = [record for record in records if reasons[record.run_id] is None]
    chosen = _on_the_same_images(records) if everything else counting
    groups = [(version, _scored(chosen, version.name)) for version in VERSIONS]
    groups = [(version, runs) for version, runs in groups if runs]
    summaries: list[VersionSummary] = []
    for version, runs in groups:
        before = summaries[-1].test_accuracy.mean if summaries else None
        marked = sum(reasons[run.record.run_id] is not None for run in runs)
        summaries.append(_summarise(version, runs, marked, before))
    return Comparison(
        recipe,
        everything,
        frozenset(run.record.run_id for _, runs in groups for run in runs),
        tuple(summaries),
        paired_tests([_best(runs).record for _, runs in groups]),
        tuple(NotCounted(run, why) for run, why in reasons.items() if why is not None),
    )


def _on_the_same_images(records: Sequence[RunRecord]) -> list[RunRecord]:
    """The scored runs of one data set, as others have no common mean: the official one, else the newest run's."""
    scored = [record for record in records if record.scores is not None]
    known = {record.run_id: fingerprints(record) for record in scored}
    best, newest = official.FASHION_MNIST.fingerprints, next(iter(known.values()), None)
    wanted = best if best in known.values() else newest
    return [record for record in scored if known[record.run_id] == wanted]


def _scored(records: Iterable[RunRecord], version: str) -> list[_Scored]:
    """The version's scored runs, oldest first."""
    own = sorted((record for record in records if record.version == version), key=lambda record: record.run_id)
    return [_Scored(record, record.scores, read_epochs(record.run)) for record in own if record.scores is not None]


def _best(runs: Sequence[_Scored]) -> _Scored:
    return max(runs, key=lambda run: run.best_validation)


def _summarise(version: Version, runs: Sequence[_Scored], marked: int, before: float | None) -> VersionSummary:
    seconds = [value for run in runs for value in run.seconds]
    accuracy = Spread.of([run.scores.accuracy for run in runs])
    return VersionSummary(
        version=version.name,
        runs=len(runs),
        marked=marked,
        test_accuracy=accuracy,
        test_nll=Spread.of([run.scores.nll for run in runs]),
        test_brier=Spread.of([run.scores.brier for run in runs]),
        test_ece=Spread.of([run.scores.ece for run in runs]),
        parameters=version.parameters,
        seconds_per_epoch=statistics.median(seconds) if seconds else None,
        device=", ".join(sorted({run.record.device for run in runs} - {""})),
        what_changed=version.what_changed,
        delta=None if before is None else accuracy.mean - before,
        best_run=_best(runs).record.run_id,
        reported=version.reported,
    )
