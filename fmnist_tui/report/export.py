"""A run as files to take away: statistics, metrics, the loss plot, where it errs, predictions."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from fmnist_tui.analysis.calibration import reliability
from fmnist_tui.analysis.errors import class_scores, confusion_matrix
from fmnist_tui.analysis.probes.cache import read_findings
from fmnist_tui.files import write_atomically
from fmnist_tui.models.registry import find_model
from fmnist_tui.report.figures import confusion_figure, loss_figure, reliability_figure, shift_files
from fmnist_tui.report.formats import confusion_csv, metrics_csv, per_class_csv
from fmnist_tui.report.rendering import to_png, to_svg
from fmnist_tui.runs.fold import Snapshot, read_snapshot
from fmnist_tui.runs.predictions import NoPredictionsError, Predictions, read_predictions
from fmnist_tui.runs.run import Run
from fmnist_tui.text import grouped, percent
from fmnist_tui.training.metrics import accuracy, negative_log_likelihood

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PLOT = "training_loss_plot"

Files = dict[str, bytes]


class ExportError(Exception):
    """An export that can't be written; its text is one line that says where and why."""


@dataclass(frozen=True)
class Export:
    """What was written.

    Attributes:
        folder: Where; it is there even where the run had nothing to export.
        files: Each file's path.
        notes: What the run did not have, a line each.
    """

    folder: Path
    files: tuple[Path, ...]
    notes: tuple[str, ...]


def export_run(record: Run, folder: Path) -> Export:
    """Writes what the run has to `folder`/<run id>/, which is made.

    Where the test images were scored: the statistics (normal_nn_stats.json of a NumPy model, cnn_model_stats.json of
    others), predictions.npz, per_class.csv, confusion.csv, and the confusion matrix and the reliability diagram as PNG
    and SVG. Where a window has ended: metrics.csv and the loss plot as PNG and SVG.
    The figure of accuracy over shift, where that analysis is kept.

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
    """Writes the figure of accuracy over shift with a line for each of several runs to `folder`, which is made.

    Nothing where that analysis is kept with less than two of them.

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
    """The test images one by one, in the origin's shape: {"data": [...], "loss": mean NLL, "accuracy": 0 to 1}.

    Each image has "index" (its place in the test set), "target", "predicted", "predicted_list" (ten probabilities)
    and "result" (whether it is right), and a line of its own.
    """
    columns = (predictions.labels, predictions.predicted, predictions.probabilities, predictions.correct)
    keys = ("index", "target", "predicted", "predicted_list", "result")
    images = zip(range(len(predictions.labels)), *(column.tolist() for column in columns), strict=True)
    lines = ",\n".join(json.dumps(dict(zip(keys, image, strict=True))) for image in images)
    loss = negative_log_likelihood(predictions.probabilities, predictions.labels)
    share = accuracy(predictions.probabilities, predictions.labels)
    return f'{{"data": [\n{lines}\n], "loss": {loss!r}, "accuracy": {share!r}}}\n'


def _contents(record: Run) -> tuple[Files, list[str]]:
    """All files by name, and what could not be made."""
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
        notes.append(f"{record.run_id}: no metrics and no plot exported (its log holds no step)")
    return contents | shift_files([record], f"{_title(record)}\naccuracy on shifted test images"), notes


def _scored(record: Run) -> Files:
    predictions = read_predictions(record.directory)
    model = find_model(record.version)
    name = "normal_nn_stats.json" if model and not model.needs_torch else "cnn_model_stats.json"
    kept = {name: stats_json(predictions).encode(), "predictions.npz": record.directory.predictions.read_bytes()}
    return kept | _errors(record, predictions)


def _errors(record: Run, predictions: Predictions) -> Files:
    names, matrix = record.class_names, confusion_matrix(predictions)
    title = _title(record)
    on = f"{grouped(len(predictions.labels))} test images, {percent(predictions.correct.mean())} right"
    matrix_figure = confusion_figure(
        matrix, names, f"{title}\nconfusion matrix, {on}; shade: cube root of the row's share"
    )
    bins_figure = reliability_figure(reliability(predictions), f"{title}\nreliability, {on}")
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
    known = find_model(record.version)
    title = f"{known.name}: {known.title}" if known else record.version
    recipe = f"{record.recipe}{' (modified)' if record.manifest.modified else ''}"
    first = f"{title}, recipe {recipe}, seed {record.seed}"
    learned = f", learned from {grouped(record.n_train)} images" if record.n_train is not None else ""
    return f"{first}{learned}\n{record.label or record.run_id}"
