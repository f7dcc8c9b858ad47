"""Output formats: Markdown tables, and CSV tables of metrics, classes and confusions."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from fmnist_tui.analysis.errors import ClassScore, Matrix
from fmnist_tui.runs.fold import Snapshot
from fmnist_tui.training.events import Epoch


def bullets(lines: Sequence[str]) -> str:
    """The lines as a list in Markdown."""
    return "\n".join(f"- {escaped(line)}" for line in lines)


def markdown_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table in Markdown."""
    lines = [header, ("---",) * len(header), *(tuple(map(escaped, row)) for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def escaped(text: str) -> str:
    """`text` as Markdown that means no more than its letters."""
    return re.sub(r"([\\`*_\[\]<>|])", r"\\\1", text)


def csv_text(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A line for the header and one for each row; numbers in full, an empty cell for None."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return text.getvalue()


def per_class_csv(scores: Sequence[ClassScore], names: Sequence[str]) -> str:
    """A row for each class: "label", "class", "precision", "recall", "f1", "support"; shares 0 to 1, 0/0 is 0."""
    rows = ((one.label, names[one.label], one.precision, one.recall, one.f1, one.support) for one in scores)
    return csv_text(("label", "class", "precision", "recall", "f1", "support"), rows)


def confusion_csv(matrix: Matrix, names: Sequence[str]) -> str:
    """A row for each true class ("true"), and in it the images that were taken for each class (its name)."""
    return csv_text(("true", *names), ((name, *row) for name, row in zip(names, matrix.tolist(), strict=True)))


COLUMNS = (
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

Row = dict[str, object]


def metrics_csv(snapshot: Snapshot) -> str:
    """A row for each window (kind "window") and for each epoch (kind "epoch"), in the order of the steps.

    An epoch's row follows its last window. Columns, empty where a kind has no such value: "epoch" (from 1), "step"
    (steps taken by then), "train_loss" and "train_accuracy" (means over the window or the epoch), "validation_loss",
    "validation_accuracy", "validation_nll" (epochs), "learning_rate" and "images_per_second" (windows), "seconds"
    and, within them, "validation_seconds" (epochs), "time" (unix seconds; windows). Losses are in the version's own
    terms, accuracies 0 to 1. Floats are written in full; a number that was not finite is "nan".
    """
    rows = sorted([*_windows(snapshot), *_epochs(snapshot)], key=_step)
    return csv_text(COLUMNS, ([row.get(name) for name in COLUMNS] for row in rows))


def _windows(snapshot: Snapshot) -> Iterator[Row]:
    curve = snapshot.curve
    columns = {
        "epoch": map(_whole, curve.epoch.tolist()),
        "step": map(_whole, curve.step.tolist()),
        "train_loss": curve.loss.tolist(),
        "train_accuracy": curve.accuracy.tolist(),
        "learning_rate": curve.learning_rate.tolist(),
        "images_per_second": curve.images_per_second.tolist(),
        "time": curve.time.tolist(),
    }
    for values in zip(*columns.values(), strict=True):
        yield {"kind": "window", **dict(zip(columns, values, strict=True))}


def _epochs(snapshot: Snapshot) -> Iterator[Row]:
    shared = [name for name in COLUMNS if name in Epoch.__struct_fields__]
    for epoch in snapshot.epochs:
        yield {"kind": "epoch", **{name: getattr(epoch, name) for name in shared}}


def _step(row: Mapping[str, Any]) -> Any:
    return row["step"]


def _whole(value: float) -> int | float:
    return int(value) if value.is_integer() else value
