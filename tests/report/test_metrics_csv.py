from __future__ import annotations

import csv
import io
import math
from pathlib import Path

from analysis.builders import epoch, make_run, window, write_log

from fmnist_tui.report.export import METRICS_COLUMNS, metrics_csv
from fmnist_tui.runs.fold import read_snapshot
from fmnist_tui.training.events import RunStarted


def table(folder: Path, *log: object) -> list[dict[str, str]]:
    run = make_run(folder)
    write_log(run, [RunStarted("v0", 20, 10, 2, 1, 1), *log])  # type: ignore[list-item]
    text = metrics_csv(read_snapshot(run))
    assert text.splitlines()[0] == ",".join(METRICS_COLUMNS)
    return list(csv.DictReader(io.StringIO(text)))


def test_log_intervals_and_epochs_are_in_the_order_of_the_steps(tmp_path: Path) -> None:
    rows = table(tmp_path, window(5), window(10), epoch(1, 0.9), window(15))
    assert [(row["kind"], row["epoch"], row["step"]) for row in rows] == [
        ("interval", "1", "5"),
        ("interval", "1", "10"),
        ("epoch", "1", "10"),
        ("interval", "2", "15"),
    ]


def test_floats_are_written_in_full_and_what_a_kind_lacks_is_empty(tmp_path: Path) -> None:
    first, second = table(tmp_path, window(5, 1 / 3), epoch(1, 0.1 + 0.2))
    assert float(first["train_loss"]) == 1 / 3
    assert float(second["validation_accuracy"]) == 0.1 + 0.2
    assert {name for name, value in first.items() if not value} == {
        "validation_loss",
        "validation_accuracy",
        "validation_nll",
        "seconds",
        "validation_seconds",
    }
    assert {name for name, value in second.items() if not value} == {"learning_rate", "images_per_second", "time"}


def test_a_loss_that_was_not_finite_is_nan(tmp_path: Path) -> None:
    (row,) = table(tmp_path, window(5, math.inf))
    assert row["train_loss"] == "nan"
