"""Where one run errs, alone and beside the best runs of the other versions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from fmnist_tui.analysis.calibration import Bin, calibration_error, reliability
from fmnist_tui.analysis.comparison import Comparison
from fmnist_tui.analysis.eligibility import same_test_images
from fmnist_tui.analysis.errors import (
    ClassScore,
    Confusion,
    Indices,
    Matrix,
    SharedError,
    class_scores,
    mistakes,
    most_confused,
    only_correct,
    shared_errors,
)
from fmnist_tui.runs.predictions import NoPredictionsError, Predictions, read_predictions
from fmnist_tui.runs.run import Run


@dataclass(frozen=True, eq=False)
class ErrorReport:
    """Where a run errs.

    Attributes:
        record: The run.
        names: The names of its classes.
        predictions: Its predictions for each test image.
        matrix: Images by true class (row) and predicted class (column), (classes, classes).
        classes: Precision, recall and F1 of each class.
        confused: The confused pairs of classes, the most frequent first.
        mistakes: Indices of the misclassified images, the most confident first.
        bins: The reliability diagram.
        ece: Its expected calibration error, 0 to 1.
        versions: This run's version, then those of the other runs that it is compared with.
        compared: The versions and the predictions of all these runs.
        shared: The images that all of these runs get wrong, the most likely label errors first; empty without others.
        only_correct: Indices of the images that this run alone gets right; empty without others.
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
    compared: tuple[tuple[str, Predictions], ...]
    shared: tuple[SharedError, ...]
    only_correct: Indices


def error_report(record: Run, others: Sequence[Run]) -> ErrorReport:
    """Where the run errs; `others` are runs of other versions, of which those scored on other images are left out.

    Raises:
        NoPredictionsError: The run has no usable predictions.
    """
    predictions = read_predictions(record.directory)
    compared = list(_on_same_images(record, predictions, others))
    runs = [predictions, *(other for _, other in compared)]
    matrix, bins = predictions.confusion_matrix, reliability(predictions)
    return ErrorReport(
        record,
        record.class_names,
        predictions,
        matrix,
        class_scores(matrix),
        most_confused(matrix),
        mistakes(predictions),
        bins,
        calibration_error(bins),
        (record.version, *(version for version, _ in compared)),
        ((record.version, predictions), *compared),
        shared_errors(runs) if compared else (),
        only_correct(runs, 0) if compared else mistakes(predictions)[:0],
    )


def best_of_last(comparison: Comparison, records: Sequence[Run]) -> Run | None:
    """The best compared run of the last version that has one."""
    best = [summary.best_run for summary in comparison.versions][-1:]
    return next((record for record in records if record.run_id in best), None)


def best_of_others(record: Run, comparison: Comparison, records: Sequence[Run]) -> list[Run]:
    """The best compared runs of the other versions, for `error_report`."""
    best = [summary.best_run for summary in comparison.versions if summary.version != record.version]
    return [other for other in reversed(records) if other.run_id in best]


def _on_same_images(record: Run, predictions: Predictions, others: Sequence[Run]) -> Iterator[tuple[str, Predictions]]:
    """The versions and predictions of the others that were scored on this run's images."""
    for other in others:
        try:
            found = read_predictions(other.directory)
        except NoPredictionsError:
            continue
        if same_test_images([(run.test_fingerprint, of.labels) for run, of in ((record, predictions), (other, found))]):
            yield other.version, found
