"""Training dynamics: how each layer learns, measured on a few steps of each epoch.

For each layer with trained parameters of its own, w being all of them (weights and biases) as one vector:

    gradient norm   |g|                     g = dL/dw on the step's batch, before clipping and without weight decay
    update ratio    |w_after - w_before| / |w_before|       of the step as the optimiser took it
    dead fraction   units that are zero for all images / units

with Euclidean norms. The first two are means over the measured steps: at most four, each in the middle of an equal part
of the epoch's full batches, and at most one in a hundred steps. They are found from the epoch's number of steps alone,
so a resumed run measures the same ones, and a step that is measured is the same to the bit.

The dead fraction is that of the layer's outputs after the ReLU that follows it, over the first 250 validation images,
as they are validated after the epoch; these pass a custom module once more, since it may compute otherwise while it is
observed. The units of a convolution are its channels.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import fmean, median

from fmnist_tui.text import percent
from fmnist_tui.training.engine import DeadFractions, StepNorms
from fmnist_tui.training.events import Dynamics, LayerDynamics

_MEASURED = 4
_PER_MEASURED = 100
"""Measured steps of an epoch, and steps for each of them."""
_DIGITS = 6

DEAD = 0.9
"""The fraction of a layer's units above which it counts as dead."""
_GROWTH, _LARGE_EPOCHS, _EPOCHS_BEFORE = 100.0, 2, 3
"""A gradient norm so many times the median of the epochs before, in so many epochs running, after at least so many,
counts as exploding. One epoch isn't enough: with batches of one image, one that is misclassified may do that."""
_LARGE_UPDATE, _EPOCHS_RUNNING = 0.1, 3
"""An update ratio above this in so many epochs running counts as exploding."""


def measured_steps(images: int, batch_size: int) -> frozenset[int]:
    """The positions in an epoch, from 0, of the steps to measure: each in the middle of an equal part of full batches.

    Args:
        images: Training images.
        batch_size: Images of a full batch; there may be none.
    """
    full = max(1, images // batch_size)
    parts = min(_MEASURED, max(1, full // _PER_MEASURED))
    return frozenset((2 * part + 1) * full // (2 * parts) for part in range(parts))


def dynamics_of(
    epoch: int, step: int, layers: Sequence[str], norms: Sequence[StepNorms], dead: DeadFractions
) -> Dynamics:
    """The event of an epoch, with its measured steps averaged."""
    rows = []
    for index, name in enumerate(layers):
        gradients, ratios = ([taken[index][which] for taken in norms] for which in (0, 1))
        rows.append(LayerDynamics(name, _mean(gradients), _mean(ratios), _rounded(dead[index])))
    return Dynamics(epoch, step, tuple(rows))


def dead_message(dynamics: Dynamics) -> str:
    """The alert's message if a layer is dead, else ""."""
    for layer in dynamics.layers:
        dead = layer.dead_fraction or 0.0
        if dead > DEAD:
            return (
                f"dead layer: in epoch {dynamics.epoch}, {percent(dead, 0)} of the units of {layer.name} are zero for "
                "every image and can't learn; a lower learning rate may help"
            )
    return ""


def exploding_message(epochs: Sequence[Dynamics]) -> str:
    """The alert's message if a layer explodes in the last of the epochs, else ""."""
    newest = epochs[-1]
    for layer in newest.layers:
        norms = _history(epochs, layer.name, "gradient_norm")
        before, recent = norms[:-_LARGE_EPOCHS], norms[-_LARGE_EPOCHS:]
        if len(before) >= _EPOCHS_BEFORE and min(recent) > _GROWTH * median(before) > 0:
            usual = f"{norms[-1]:.3g}, usually {median(before):.3g}"
            return f"exploding layer: gradient norm of {layer.name} in epoch {newest.epoch} is {usual}; {_ADVICE}"
        ratios = _history(epochs[-_EPOCHS_RUNNING:], layer.name, "update_ratio")
        if len(ratios) == _EPOCHS_RUNNING and min(ratios) > _LARGE_UPDATE:
            often = f"by {percent(ratios[-1], 0)} in a step, for {_EPOCHS_RUNNING} epochs now"
            return f"exploding layer: the weights of {layer.name} change {often}; {_ADVICE}"
    return ""


_ADVICE = "a lower learning rate or clipping may help"


def _history(epochs: Sequence[Dynamics], name: str, measure: str) -> list[float]:
    values = (getattr(layer, measure) for one in epochs for layer in one.layers if layer.name == name)
    return [value for value in values if value is not None]


def _mean(values: Sequence[float]) -> float | None:
    return _rounded(fmean(values)) if values else None


def _rounded(value: float | None) -> float | None:
    return float(f"{value:.{_DIGITS}g}") if value is not None and math.isfinite(value) else None
