"""The runs of one version that have scores."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from fmnist_tui.analysis.record import RunRecord
from fmnist_tui.training.events import Epoch
from fmnist_tui.training.metrics import Scores

_FOREVER = 1e9


@dataclass(frozen=True)
class ScoredRun:
    """A run, its scores on the test images and its epochs."""

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


def scored_runs(records: Iterable[RunRecord], version: str) -> list[ScoredRun]:
    """The version's scored runs, oldest first."""
    own = sorted((record for record in records if record.version == version), key=lambda record: record.run_id)
    return [ScoredRun(record, record.scores, record.epochs) for record in own if record.scores is not None]


def best_of(runs: Sequence[ScoredRun]) -> ScoredRun:
    """By validation accuracy, the oldest of equals. The test set has no say."""
    return max(runs, key=lambda run: run.best_validation)


def trained_alike(runs: Sequence[ScoredRun]) -> bool:
    """Whether all learned from as many images, and those of each version with the same settings."""
    of_version = {run.record.version: run.record.settings for run in runs}
    same_settings = all(run.record.settings == of_version[run.record.version] for run in runs)
    return same_settings and len({run.record.learned_from for run in runs}) == 1


def seeds_of(runs: Sequence[ScoredRun]) -> tuple[int | None, ...]:
    """Of each run."""
    return tuple(run.record.seed for run in runs)


def different(seeds: Sequence[int | None]) -> int:
    """How many different ones; each run whose seed isn't known counts as one of its own."""
    return len(set(seeds) - {None}) + seeds.count(None)
