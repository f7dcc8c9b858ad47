"""Where a run errs, as tables for spreadsheets and notebooks."""

from __future__ import annotations

from collections.abc import Sequence

from fmnist_tui.analysis.csv_text import csv_text
from fmnist_tui.analysis.errors import ClassScore, Matrix


def per_class_csv(scores: Sequence[ClassScore], names: Sequence[str]) -> str:
    """A row for each class: "label", "class", "precision", "recall", "f1", "support"; shares 0 to 1, 0/0 is 0."""
    rows = ((one.label, names[one.label], one.precision, one.recall, one.f1, one.support) for one in scores)
    return csv_text(("label", "class", "precision", "recall", "f1", "support"), rows)


def confusion_csv(matrix: Matrix, names: Sequence[str]) -> str:
    """A row for each true class ("true"), and in it the images that were taken for each class (its name)."""
    return csv_text(("true", *names), ((name, *row) for name, row in zip(names, matrix.tolist(), strict=True)))
