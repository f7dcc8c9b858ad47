"""The validation curves of several runs in one chart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from textual.theme import Theme

from fmnist_tui.runs.directory import version_in
from fmnist_tui.training.events import Epoch
from fmnist_tui.tui.themes import model_colour
from fmnist_tui.tui.widgets.drawing import Series

MEASURES = {"nll": "validation NLL", "accuracy": "validation accuracy"}
MAX_CURVES = 8


def validation_series(epochs: Mapping[str, Sequence[Epoch]], measure: str, theme: Theme) -> tuple[Series, ...]:
    """A line for each run over its epochs, in its model's colour; a second run of a model is dashed.

    Args:
        epochs: Each run's epochs by its id, for at most `MAX_CURVES` runs.
        measure: "nll", which all models share, or "accuracy".
        theme: What the colours stand out from.
    """
    drawn: list[Series] = []
    used: set[str] = set()
    for run, of_run in epochs.items():
        model = version_in(run)
        x = np.array([float(epoch.epoch) for epoch in of_run])
        y = np.array([float(getattr(epoch, f"validation_{measure}")) for epoch in of_run])
        name = _name(run, epochs)
        drawn.append(Series(name, x, y, model_colour(model, theme), dashed=model in used, end=model))
        used.add(model)
    return tuple(drawn)


def _name(run: str, among: Mapping[str, Sequence[Epoch]]) -> str:
    """The version, with the end of the id if several runs share it."""
    version = version_in(run)
    alone = sum(version_in(other) == version for other in among) == 1
    return version if alone else f"{version} {run[-4:]}"
