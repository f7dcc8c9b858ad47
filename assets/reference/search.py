"""How the recipe `tuned` was found: `python assets/reference/search.py v0|cnn RUNS [DEVICE]`.

Trains each candidate without ever looking at a test image, and prints the best epoch's validation accuracy, means over
seeds. (A run is scored with its last weights; SEARCH.md says what that makes.) Runs that lie in RUNS
already are not trained again.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from statistics import fmean
from typing import Any

import click
from trained import train_all

from fmnist_tui.report.formats import markdown_table
from fmnist_tui.report.report import Column, Line, Table
from fmnist_tui.runs.directory import RunDirectory
from fmnist_tui.runs.fold import read_epochs
from fmnist_tui.text import percent
from fmnist_tui.training.config import Hyperparameters, TrainingConfig

SEEDS = (0, 1, 2)

# In full, and not the recipes' own: those change with what is found here.
_SCALE, _OFFSET = 1 / (255 * 0.35302), -0.28604 / 0.35302
_FIRST_V0 = Hyperparameters(
    epochs=30,
    batch_size=64,
    learning_rate=0.05,
    schedule="cosine",
    optimizer="sgd",
    momentum=0.9,
    init="he",
    target_margin=0.01,
    input_scale=_SCALE,
    input_offset=_OFFSET,
)
_FIRST = Hyperparameters(
    epochs=10,
    batch_size=128,
    learning_rate=1e-3,
    schedule="one_cycle",
    optimizer="adamw",
    init="torch",
    weight_decay=0.01,
    flip="on",
    shift=1,
    input_scale=_SCALE,
    input_offset=_OFFSET,
)
_V0 = {
    "first guess: batch 64, rate 0.05, cosine, momentum 0.9, 30 epochs, targets 0.01 from 0 and 1": _FIRST_V0,
    "rate 0.1": replace(_FIRST_V0, learning_rate=0.1),
    "rate 0.02": replace(_FIRST_V0, learning_rate=0.02),
    "rate 0.01": replace(_FIRST_V0, learning_rate=0.01),
    "rate 0.02, 60 epochs": replace(_FIRST_V0, learning_rate=0.02, epochs=60),
    "rate 0.02, one cycle": replace(_FIRST_V0, learning_rate=0.02, schedule="one_cycle"),
    "rate 0.02, targets 0 and 1": replace(_FIRST_V0, learning_rate=0.02, target_margin=0.0),
}
_CNN = {
    "first guess: batch 128, peak 1e-3, one cycle, decay 0.01, flips and shifts": _FIRST,
    "peak 2e-3": replace(_FIRST, learning_rate=2e-3),
    "peak 2e-3, decay 0.05": replace(_FIRST, learning_rate=2e-3, weight_decay=0.05),
    "peak 2e-3, label smoothing 0.05": replace(_FIRST, learning_rate=2e-3, label_smoothing=0.05),
    "peak 4e-3": replace(_FIRST, learning_rate=4e-3),
    "batch 64": replace(_FIRST, batch_size=64),
    "no augmentation": replace(_FIRST, flip="off", shift=0),
    "cosine from the start": replace(_FIRST, schedule="cosine"),
}


FAMILIES = {"v0": (("v0",), _V0), "cnn": (("v1", "v2", "v3"), _CNN)}


def main(family: str, runs: Path, device: str) -> None:
    """Trains what is missing; prints a table after each candidate, since it takes long."""
    versions, candidates = FAMILIES[family]
    columns = tuple(map(Column, ("candidate", *versions, "mean")))
    rows: list[tuple[Line, ...]] = []
    for name, settings in candidates.items():
        given: dict[str, Any] = {"modified": True, "hyperparameters": settings, "score_test": False, "device": device}
        configs = [TrainingConfig(version, "tuned", seed=seed, **given) for version in versions for seed in SEEDS]
        reached = [best_accuracy(record.directory) for record in train_all(runs, configs)]
        means = [fmean(reached[at : at + len(SEEDS)]) for at in range(0, len(reached), len(SEEDS))]
        rows.append(tuple(map(Line, (name, *map(percent, (*means, fmean(means)))))))
        click.echo(f"\n{markdown_table(Table(columns, tuple(rows)))}")


def best_accuracy(run: RunDirectory) -> float:
    """The best epoch's validation accuracy, 0 to 1."""
    return max(epoch.validation_accuracy for epoch in read_epochs(run))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), sys.argv[3] if len(sys.argv) > 3 else "cpu")
