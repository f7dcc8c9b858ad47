"""How the recipe `tuned` of v1 to v3 was found: `python assets/reference/search.py RUNS [VERSION...]`.

Trains each candidate without ever looking at a test image, and prints the best epoch's validation accuracy, which is
that of the weights a run keeps. Runs that lie in RUNS already are not trained again.
"""

from __future__ import annotations

import statistics
import sys
from dataclasses import replace
from pathlib import Path

import click
from trained import train_all

from fmnist_tui.analysis.markdown import markdown_table
from fmnist_tui.analysis.record import read_epochs
from fmnist_tui.training.config import Hyperparameters, TrainingConfig

# In full, and not the recipe's own: that changes with what is found here.
_FIRST = Hyperparameters(
    epochs=10,
    batch_size=128,
    learning_rate=1e-3,
    schedule="one_cycle",
    optimizer="adamw",
    init="torch",
    input_scale=1 / (255 * 0.35302),
    input_offset=-0.28604 / 0.35302,
    weight_decay=0.01,
    augment="flip_shift",
)
CANDIDATES = {
    "first guess: batch 128, peak 1e-3, one cycle, decay 0.01, flips and shifts": _FIRST,
    "no augmentation": replace(_FIRST, augment="none"),
    "peak 2e-3": replace(_FIRST, learning_rate=2e-3),
    "batch 64": replace(_FIRST, batch_size=64),
    "label smoothing 0.05": replace(_FIRST, label_smoothing=0.05),
    "peak 2e-3, decay 0.05": replace(_FIRST, learning_rate=2e-3, weight_decay=0.05),
}


def main(runs: Path, versions: list[str]) -> None:
    """Trains what is missing; prints a table after each candidate, since it takes hours."""
    lines: list[tuple[str, ...]] = []
    for name, settings in CANDIDATES.items():
        configs = [
            TrainingConfig(version, "tuned", modified=True, hyperparameters=settings, score_test=False, device="cpu")
            for version in versions
        ]
        reached = [
            max(epoch.validation_accuracy for epoch in read_epochs(record.run)) * 100
            for record in train_all(runs, configs)
        ]
        lines.append((name, *(f"{value:.2f} %" for value in reached), f"{statistics.mean(reached):.2f} %"))
        click.echo(f"\n{markdown_table(('candidate', *versions, 'mean'), lines)}")


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:] or ["v1", "v2", "v3"])
