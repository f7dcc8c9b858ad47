"""Small snapshots of a network while it learns: the first layer's weights, and predictions for 100 validation images.

They take at most 2 MB in a run's folder, whatever the model and the number of epochs:

- The images are 100 of the validation set, evenly spaced, so the same for all runs on the same data.
- Snapshots are taken before training (epoch 0) and after epochs: of up to 39 epochs after each, of more after 1, 3, 10,
  the last one, and evenly spaced ones in between. With hundreds of classes there are fewer, at least those.
- Of the first layer 64 units (rows of its weights; filters of a convolution) or as many as then fit, evenly spaced;
  none if not even one does.
- Numbers are float16.

The first layer is the first one with weights in two or more dimensions; a network without one has no snapshots.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fmnist_tui.training.engine import Engine, Indices, Tensors
from fmnist_tui.training.task import Task

_IMAGES = 100
_MOST, _LEAST = 40, 5
"""Snapshots of a run."""
_ALWAYS = (0, 1, 3, 10)
"""Epochs that are always among them, and the last."""
_UNITS = 64
_BYTES = 1_900_000
"""Leaves room for the file's header."""
_SIZE = 2
"""Bytes of a float16."""
_LARGEST = float(np.finfo(np.float16).max)

Half = NDArray[np.float16]


@dataclass(frozen=True, eq=False)
class EpochSnapshot:
    """A network after an epoch, 0 for before training.

    Attributes:
        epoch: The epoch.
        weights: Of the first layer's recorded units, float16, (units, ...).
        probabilities: float16, (images, classes).
    """

    epoch: int
    weights: Half
    probabilities: Half


@dataclass(frozen=True, eq=False)
class SnapshotPlan:
    """What a run's snapshots hold, known before its first step.

    Attributes:
        layer: The name of the first layer's weights.
        epochs: Those after which snapshots are taken, 0 for before training; none if there is no such layer.
        units: Positions of the recorded units in the first layer, ascending.
        images: Positions of the images in the validation set, ascending.
        labels: Of the images.
    """

    layer: str
    epochs: frozenset[int]
    units: Indices
    images: Indices
    labels: NDArray[Any]

    def take(self, engine: Engine, task: Task, epoch: int) -> EpochSnapshot:
        """The snapshot of the network as it is now."""
        weights = engine.weights()[self.layer][self.units]
        pictures = task.dataset.train.images[task.validation_indices[self.images]]
        return EpochSnapshot(epoch, _half(weights), _half(engine.predict(pictures)))

    def to_tensors(self, snapshots: Sequence[EpochSnapshot]) -> Tensors:
        """The tensors of the file snapshots.safetensors."""
        return {
            "epochs": np.array([one.epoch for one in snapshots], np.int64),
            "weights": np.stack([one.weights for one in snapshots]),
            "probabilities": np.stack([one.probabilities for one in snapshots]),
            "units": self.units,
            "images": self.images,
            "labels": self.labels.astype(np.int64),
        }


def plan_snapshots(engine: Engine, task: Task) -> SnapshotPlan:
    """What to record of this run."""
    classes, validation = len(task.dataset.classes), task.validation_indices
    images = evenly_spaced(len(validation), _IMAGES)
    of_images = len(images) * classes * _SIZE
    epochs = task.config.hyperparameters.epochs
    most = max(_LEAST, min(_MOST, _BYTES // (2 * of_images)))
    kept = snapshot_epochs(epochs, most)
    tensors = ((name, value.shape) for name, value in engine.weights().items() if value.ndim >= 2)
    layer, shape = next(tensors, ("", (0,)))
    room = _BYTES // len(kept) - of_images
    fitting = min(_UNITS, max(0, room // max(1, math.prod(shape[1:]) * _SIZE)))
    labels = task.dataset.train.labels[validation[images]]
    return SnapshotPlan(layer, kept if layer else frozenset(), evenly_spaced(shape[0], fitting), images, labels)


def snapshot_epochs(epochs: int, most: int) -> frozenset[int]:
    """The epochs after which snapshots are taken, at most `most`, which is at least 5: 0 is before training."""
    if epochs < most:
        return frozenset(range(epochs + 1))
    spaced = most - len(_ALWAYS) + 1
    return frozenset(_ALWAYS) | {round(part * epochs / (spaced - 1)) for part in range(spaced)}


def evenly_spaced(count: int, most: int) -> Indices:
    """At most `most` of the positions below `count`, ascending and evenly spaced from 0 on."""
    chosen = min(count, most)
    return np.arange(chosen, dtype=np.int64) * count // max(1, chosen)


def _half(values: NDArray[Any]) -> Half:
    halved: Half = np.clip(values, -_LARGEST, _LARGEST).astype(np.float16)
    return halved
