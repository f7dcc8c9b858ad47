"""A run's log as a tidy table, for spreadsheets and notebooks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from fmnist_tui.analysis.csv_text import csv_text
from fmnist_tui.runs.snapshot import Snapshot
from fmnist_tui.training.events import Epoch

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
