"""All that is known of where one run errs, alone and beside the best runs of the other versions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from fmnist_tui.analysis.calibration import Bin, calibration_error, reliability
from fmnist_tui.analysis.comparison import Comparison
from fmnist_tui.analysis.errors import (
    ClassScore,
    Confusion,
    Indices,
    Matrix,
    SharedMistake,
    class_scores,
    confusion_matrix,
    mistakes,
    most_confused,
    only_right,
    same_images,
    wrong_by_all,
)
from fmnist_tui.runs.predictions import NoPredictionsError, Predictions, read_predictions
from fmnist_tui.runs.run import Run


@dataclass(frozen=True, eq=False)
class Diagnosis:
    """Where a run errs.

    Attributes:
        record: The run.
        names: Its ten classes.
        predictions: What it said of each test image.
        matrix: Images by true class (row) and predicted class (column), (10, 10).
        classes: Precision, recall and F1 of each class.
        confused: The pairs that were confused, the most frequent first.
        mistakes: Indices of the images that are wrong, the most confident first.
        bins: The reliability diagram.
        ece: Its expected calibration error, 0 to 1.
        versions: Of the runs below: this one's, then the others'.
        shared: The images that every one of those gets wrong, the likeliest label errors first; none where this run
            has no other beside it.
        alone: Indices of the images that this run alone gets right; none where it has no other beside it.
    """

    record: Run
    names: tuple[str, ...]
    predictions: Predictions
    matrix: Matrix
    classes: tuple[ClassScore, ...]
    confused: tuple[Confusion, ...]
    mistakes: Indices
    bins: tuple[Bin, ...]
    ece: float
    versions: tuple[str, ...]
    shared: tuple[SharedMistake, ...]
    alone: Indices


def diagnose(record: Run, others: Sequence[Run]) -> Diagnosis:
    """Where the run errs; `others` are of other versions, and those that saw other images are left out.

    Raises:
        NoPredictionsError: The run has no predictions that can be used.
    """
    predictions = read_predictions(record.directory)
    beside = list(_on_the_same_images(record, predictions, others))
    runs = [predictions, *(other for _, other in beside)]
    matrix, bins = confusion_matrix(predictions), reliability(predictions)
    return Diagnosis(
        record,
        record.class_names,
        predictions,
        matrix,
        class_scores(matrix),
        most_confused(matrix),
        mistakes(predictions),
        bins,
        calibration_error(bins),
        (record.version, *(version for version, _ in beside)),
        wrong_by_all(runs) if beside else (),
        only_right(runs, 0) if beside else mistakes(predictions)[:0],
    )


def best_of_last(comparison: Comparison, records: Sequence[Run]) -> Run | None:
    """The best compared run of the last version that has one."""
    best = [summary.best_run for summary in comparison.versions][-1:]
    return next((record for record in records if record.run_id in best), None)


def best_of_others(record: Run, comparison: Comparison, records: Sequence[Run]) -> list[Run]:
    """The best compared runs of the other versions, for `diagnose`."""
    best = [summary.best_run for summary in comparison.versions if summary.version != record.version]
    return [other for other in reversed(records) if other.run_id in best]


def _on_the_same_images(
    record: Run, predictions: Predictions, others: Sequence[Run]
) -> Iterator[tuple[str, Predictions]]:
    """The versions and predictions of the others that were scored on this run's images."""
    for other in others:
        if other.test_fingerprint != record.test_fingerprint:
            continue
        try:
            found = read_predictions(other.directory)
        except NoPredictionsError:
            continue
        if same_images(predictions, found):
            yield other.version, found
