"""Where a run errs, as tables for spreadsheets and notebooks."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence

from fmnist_tui.analysis.errors import ClassScore, Matrix


def per_class_csv(scores: Sequence[ClassScore], names: Sequence[str]) -> str:
    """A row for each class: "label", "class", "precision", "recall", "f1", "support"; shares 0 to 1, 0/0 is 0."""
    rows = ((one.label, names[one.label], one.precision, one.recall, one.f1, one.support) for one in scores)
    return _csv(("label", "class", "precision", "recall", "f1", "support"), rows)


def confusion_csv(matrix: Matrix, names: Sequence[str]) -> str:
    """A row for each true class ("true"), and in it the images that were taken for each class (its name)."""
    return _csv(("true", *names), ((name, *row) for name, row in zip(names, matrix.tolist(), strict=True)))


def _csv(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return text.getvalue()
