"""The validation curves of several runs in one chart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from fmnist_tui.runs.directory import version_in
from fmnist_tui.training.events import Epoch
from fmnist_tui.tui.widgets.chart import Series

MEASURES = {"nll": "validation NLL", "accuracy": "validation accuracy"}
# Okabe and Ito's colours, each with a mark of its own, so that curves differ without colour, too.
_COLOURS = (
    (86, 180, 233),
    (230, 159, 0),
    (0, 158, 115),
    (204, 121, 167),
    (213, 94, 0),
    (240, 228, 66),
    (150, 150, 150),
)
_MARKS = ("dot", "x", "star", "+", "o", "hd", "braille")
MAX_CURVES = len(_COLOURS)


def validation_series(epochs: Mapping[str, Sequence[Epoch]], measure: str) -> tuple[Series, ...]:
    """A line for each run over its epochs, and a mark at each epoch.

    Args:
        epochs: Each run's epochs by its id, for at most `MAX_CURVES` runs.
        measure: "nll", which all models share, or "accuracy".
    """
    lines, points = [], []
    for (run, of_run), colour, mark in zip(epochs.items(), _COLOURS, _MARKS, strict=False):
        x = np.array([float(epoch.epoch) for epoch in of_run])
        y = np.array([float(getattr(epoch, f"validation_{measure}")) for epoch in of_run])
        lines.append(Series("", x, y, colour))
        points.append(Series(_name(run, epochs), x, y, colour, marker=mark, joined=False))
    return (*lines, *points)


def _name(run: str, among: Mapping[str, Sequence[Epoch]]) -> str:
    """The version, with the end of the id if several runs share it."""
    version = version_in(run)
    alone = sum(version_in(other) == version for other in among) == 1
    return version if alone else f"{version} {run[-4:]}"
