"""How the recipe `tuned` of v1 to v3 was found: `python assets/reference/search.py RUNS [DEVICE]`.

Trains each candidate without ever looking at a test image, and prints the best epoch's validation accuracy, which is
that of the weights a run keeps: means over seeds. Versions and seeds train side by side. Runs that lie in RUNS already
are not trained again.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from statistics import fmean

import click
from trained import train_all

from fmnist_tui.analysis.markdown import markdown_table
from fmnist_tui.analysis.record import read_epochs
from fmnist_tui.training.config import Hyperparameters, TrainingConfig

VERSIONS = ("v1", "v2", "v3")
SEEDS = (0, 1, 2)

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
    "peak 2e-3": replace(_FIRST, learning_rate=2e-3),
    "peak 2e-3, decay 0.05": replace(_FIRST, learning_rate=2e-3, weight_decay=0.05),
    "peak 2e-3, label smoothing 0.05": replace(_FIRST, learning_rate=2e-3, label_smoothing=0.05),
    "peak 4e-3": replace(_FIRST, learning_rate=4e-3),
    "batch 64": replace(_FIRST, batch_size=64),
    "no augmentation": replace(_FIRST, augment="none"),
    "cosine from the start": replace(_FIRST, schedule="cosine"),
}


def main(runs: Path, device: str) -> None:
    """Trains what is missing; prints a table after each candidate, since it takes long."""
    lines: list[tuple[str, ...]] = []
    for name, settings in CANDIDATES.items():
        reached = reached_by(runs, settings, device)
        means = [fmean(reached[version]) for version in VERSIONS]
        lines.append((name, *(f"{value * 100:.2f} %" for value in (*means, fmean(means)))))
        click.echo(f"\n{markdown_table(('candidate', *VERSIONS, 'mean'), lines)}")


def reached_by(runs: Path, settings: Hyperparameters, device: str) -> dict[str, list[float]]:
    """Each version's validation accuracies, 0 to 1, by seed. A folder each: of one folder, one run trains at a time."""
    wanted = [
        TrainingConfig(
            version, "tuned", modified=True, hyperparameters=settings, seed=seed, score_test=False, device=device
        )
        for version in VERSIONS
        for seed in SEEDS
    ]
    with ThreadPoolExecutor(len(wanted)) as side_by_side:
        found = list(side_by_side.map(lambda one: _accuracy(runs / f"{one.version}-{one.seed}", [one]), wanted))
    return {v: found[at : at + len(SEEDS)] for v, at in zip(VERSIONS, range(0, len(found), len(SEEDS)), strict=True)}


def _accuracy(runs: Path, config: Sequence[TrainingConfig]) -> float:
    return max(epoch.validation_accuracy for epoch in read_epochs(train_all(runs, config)[0].run))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2] if len(sys.argv) > 2 else "cpu")
