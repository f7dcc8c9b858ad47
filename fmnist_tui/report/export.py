"""A run exported as files: statistics, metrics, loss plot, errors and predictions."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fmnist_tui.analysis.calibration import reliability
from fmnist_tui.analysis.errors import ClassScore, Matrix, class_scores
from fmnist_tui.analysis.probes.cache import read_findings
from fmnist_tui.files import write_atomically
from fmnist_tui.report.figures import confusion_figure, loss_figure, reliability_figure, shift_files
from fmnist_tui.report.formats import csv_text
from fmnist_tui.report.rendering import to_png, to_svg
from fmnist_tui.runs.fold import Snapshot, read_snapshot
from fmnist_tui.runs.predictions import NoPredictionsError, Predictions, read_predictions
from fmnist_tui.runs.run import Run
from fmnist_tui.text import grouped, percent
from fmnist_tui.training.events import Epoch
from fmnist_tui.training.metrics import accuracy, negative_log_likelihood

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PLOT = "training_loss_plot"
METRICS_COLUMNS = (
    "kind",
    "epoch",
    "step",
    "train_loss",
    "train_accuracy",
    "validation_loss",
    "validation_accuracy",
    "validation_nll",
    "learning_rate",
    "images_per_second",
    "seconds",
    "validation_seconds",
    "time",
)

Files = dict[str, bytes]
Row = dict[str, object]


class ExportError(Exception):
    """The export can't be written; its text is one line that says where and why."""


@dataclass(frozen=True)
class Export:
    """What was written.

    Attributes:
        folder: The run's folder; it exists even if the run had nothing to export.
        files: Each file's path.
        notes: What couldn't be exported and why, a line each.
    """

    folder: Path
    files: tuple[Path, ...]
    notes: tuple[str, ...]


def export_run(record: Run, folder: Path) -> Export:
    """Writes everything the run has to `folder`/<run id>/, which is created.

    If the test images were scored: the statistics (normal_nn_stats.json of a NumPy model, cnn_model_stats.json of
    others), predictions.npz, per_class.csv, confusion.csv, and the confusion matrix and the reliability diagram as PNG
    and SVG. If a log interval has ended: metrics.csv and the loss plot as PNG and SVG. If that analysis is cached: the
    figure of accuracy over shift.

    Raises:
        ExportError: The folder can't be written.
    """
    contents, notes = _contents(record)
    target = folder / record.run_id
    try:
        target.mkdir(parents=True, exist_ok=True)
        for name, content in contents.items():
            write_atomically(target / name, content)
    except OSError as error:
        raise ExportError(f"can't write to {target} ({error.strerror})") from None
    return Export(target, tuple(target / name for name in contents), tuple(notes))


def export_shifts(records: Sequence[Run], folder: Path) -> tuple[Path, ...]:
    """Writes the figure of accuracy over shift with a line for each of several runs to `folder`, which is created.

    Writes nothing if fewer than two runs have that analysis cached.

    Raises:
        ExportError: The folder can't be written.
    """
    known = [record for record in records if read_findings(record).shifts]
    contents = shift_files(known) if len(known) > 1 else {}
    try:
        for name, content in contents.items():
            folder.mkdir(parents=True, exist_ok=True)
            write_atomically(folder / name, content)
    except OSError as error:
        raise ExportError(f"can't write to {folder} ({error.strerror})") from None
    return tuple(folder / name for name in contents)


def stats_json(predictions: Predictions) -> str:
    """Each test image, in the original project's format: {"data": [...], "loss": mean NLL, "accuracy": 0 to 1}.

    Each image has "index" (its position in the test set), "target", "predicted", "predicted_list" (ten probabilities)
    and "result" (whether it is correct), and a line of its own.
    """
    columns = (predictions.labels, predictions.predicted, predictions.probabilities, predictions.correct)
    keys = ("index", "target", "predicted", "predicted_list", "result")
    images = zip(range(len(predictions.labels)), *(column.tolist() for column in columns), strict=True)
    lines = ",\n".join(json.dumps(dict(zip(keys, image, strict=True))) for image in images)
    loss = negative_log_likelihood(predictions.probabilities, predictions.labels)
    fraction = accuracy(predictions.probabilities, predictions.labels)
    return f'{{"data": [\n{lines}\n], "loss": {loss!r}, "accuracy": {fraction!r}}}\n'


def per_class_csv(scores: Sequence[ClassScore], names: Sequence[str]) -> str:
    """A row for each class: "label", "class", "precision", "recall", "f1", "support"; 0 to 1, 0 if undefined (0/0)."""
    rows = ((one.label, names[one.label], one.precision, one.recall, one.f1, one.support) for one in scores)
    return csv_text(("label", "class", "precision", "recall", "f1", "support"), rows)


def confusion_csv(matrix: Matrix, names: Sequence[str]) -> str:
    """A row for each true class ("true"), with a column for each predicted class (its name): numbers of images."""
    return csv_text(("true", *names), ((name, *row) for name, row in zip(names, matrix.tolist(), strict=True)))


def metrics_csv(snapshot: Snapshot) -> str:
    """A row for each log interval (kind "interval") and for each epoch (kind "epoch"), in the order of the steps.

    An epoch's row follows that of its last interval. Columns, empty if a kind has no such value: "epoch" (from 1),
    "step" (steps taken so far), "train_loss" and "train_accuracy" (means over the interval or the epoch),
    "validation_loss", "validation_accuracy", "validation_nll" (epochs), "learning_rate" and "images_per_second"
    (intervals), "seconds", of which "validation_seconds" (epochs), "time" (Unix time; intervals). The loss is the
    model's own, accuracies are 0 to 1. Floats are written in full; a non-finite number is "nan".
    """
    rows = sorted([*_intervals(snapshot), *_epochs(snapshot)], key=_step)
    return csv_text(METRICS_COLUMNS, ([row.get(name) for name in METRICS_COLUMNS] for row in rows))


def _contents(record: Run) -> tuple[Files, list[str]]:
    """All files by name, and notes on what is missing."""
    contents: Files = {}
    notes = []
    try:
        contents |= _scored(record)
    except NoPredictionsError as error:
        notes.append(f"{record.run_id}: no statistics and no predictions exported ({error})")
    snapshot = read_snapshot(record.directory)
    if len(snapshot.curve):
        contents |= _trained(record, snapshot)
    else:
        notes.append(f"{record.run_id}: no metrics and no plot exported (its log has no steps)")
    return contents | shift_files([record], f"{_title(record)}\naccuracy on shifted test images"), notes


def _scored(record: Run) -> Files:
    predictions = read_predictions(record.directory)
    model = record.model
    name = "normal_nn_stats.json" if model and not model.needs_torch else "cnn_model_stats.json"
    files = {name: stats_json(predictions).encode(), "predictions.npz": record.directory.predictions.read_bytes()}
    return files | _errors(record, predictions)


def _errors(record: Run, predictions: Predictions) -> Files:
    names, matrix = record.class_names, predictions.confusion_matrix
    title = _title(record)
    on = f"{grouped(len(predictions.labels))} test images, {percent(predictions.correct.mean())} correct"
    matrix_figure = confusion_figure(
        matrix, names, f"{title}\nconfusion matrix, {on}\nshade: cube root of the fraction of the row"
    )
    bins_figure = reliability_figure(reliability(predictions), f"{title}\nreliability, {on}", record.version)
    return {
        "per_class.csv": per_class_csv(class_scores(matrix), names).encode(),
        "confusion.csv": confusion_csv(matrix, names).encode(),
        **_pictures("confusion", matrix_figure),
        **_pictures("reliability", bins_figure),
    }


def _trained(record: Run, snapshot: Snapshot) -> Files:
    pictures = _pictures(PLOT, loss_figure(snapshot, _title(record)))
    return {"metrics.csv": metrics_csv(snapshot).encode(), **pictures}


def _pictures(name: str, figure: Figure) -> Files:
    return {f"{name}.png": to_png(figure), f"{name}.svg": to_svg(figure)}


def _title(record: Run) -> str:
    known = record.model
    title = f"{known.name}: {known.title}" if known else record.version
    recipe = f"{record.recipe}{' (modified)' if record.manifest.modified else ''}"
    first = f"{title}, recipe {recipe}, seed {record.seed}"
    n_train = f", {grouped(record.n_train)} training images" if record.n_train is not None else ""
    return f"{first}{n_train}\n{record.label or record.run_id}"


def _intervals(snapshot: Snapshot) -> Iterator[Row]:
    curve = snapshot.curve
    columns = {
        "epoch": map(_integer, curve.epoch.tolist()),
        "step": map(_integer, curve.step.tolist()),
        "train_loss": curve.loss.tolist(),
        "train_accuracy": curve.accuracy.tolist(),
        "learning_rate": curve.learning_rate.tolist(),
        "images_per_second": curve.images_per_second.tolist(),
        "time": curve.time.tolist(),
    }
    for values in zip(*columns.values(), strict=True):
        yield {"kind": "interval", **dict(zip(columns, values, strict=True))}


def _epochs(snapshot: Snapshot) -> Iterator[Row]:
    shared = [name for name in METRICS_COLUMNS if name in Epoch.__struct_fields__]
    for epoch in snapshot.epochs:
        yield {"kind": "epoch", **{name: getattr(epoch, name) for name in shared}}


def _step(row: Mapping[str, Any]) -> Any:
    return row["step"]


def _integer(value: float) -> int | float:
    return int(value) if value.is_integer() else value
