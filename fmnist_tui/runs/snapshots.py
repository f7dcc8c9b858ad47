"""The snapshots of a network that a run saved while it learned; see `training.snapshots` for what they hold."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import safetensors.numpy
from numpy.typing import NDArray
from safetensors import SafetensorError

from fmnist_tui.files import check_regular_file, reading_fault
from fmnist_tui.runs.directory import RunDirectory
from fmnist_tui.text import safe
from fmnist_tui.training.snapshots import EpochSnapshot

_LARGEST = 8_000_000
"""Bytes; this program writes at most 2 MB."""
_ROUNDED = 0.02
"""How far a sum of probabilities in float16 may be from 1."""


class NoSnapshotsError(Exception):
    """A run has no usable snapshots; the message is a short reason."""


@dataclass(frozen=True, eq=False)
class NetworkSnapshots:
    """A network before training and after epochs.

    Attributes:
        epochs: int64, (n,), ascending; 0 is before training.
        weights: float16, (n, units, ...): the first layer's, of the recorded units; for a convolution
            (n, filters, channels, height, width), for a dense layer (n, units, inputs). There may be no units.
        probabilities: float16, (n, images, classes).
        units: int64, (units,): positions of the recorded units in the first layer.
        images: int64, (images,): positions of the images in the run's validation set.
        labels: int64, (images,): their classes.
        layer: The name of the first layer's weights in model.safetensors, "" if it has none.
    """

    epochs: NDArray[np.int64]
    weights: NDArray[np.float16]
    probabilities: NDArray[np.float16]
    units: NDArray[np.int64]
    images: NDArray[np.int64]
    labels: NDArray[np.int64]
    layer: str

    def __len__(self) -> int:
        return len(self.epochs)

    @property
    def accuracies(self) -> NDArray[np.float64]:
        """The fraction of the images that are predicted correctly, (n,), 0 to 1."""
        correct: NDArray[np.float64] = (self.probabilities.argmax(axis=2) == self.labels).mean(axis=1)
        return correct

    def before(self, epoch: int) -> list[EpochSnapshot]:
        """Those of earlier epochs, one by one."""
        rows = zip(self.epochs.tolist(), self.weights, self.probabilities, strict=True)
        return [EpochSnapshot(*row) for row in rows if row[0] < epoch]


def read_snapshots(run: RunDirectory) -> NetworkSnapshots:
    """The run's snapshots.

    Raises:
        NoSnapshotsError: There are none (runs of earlier versions have none), they are damaged, or may not be read.
    """
    path = run.snapshots
    try:
        check_regular_file(path, _LARGEST)
        content = path.read_bytes()
        tensors = safetensors.numpy.load(content)
    except FileNotFoundError:
        raise NoSnapshotsError(f"no {path.name}") from None
    except (OSError, SafetensorError, ValueError, KeyError, TypeError) as error:
        why = reading_fault(path)
        raise NoSnapshotsError(f"{path.name} {f'cannot be read ({why})' if why else 'is damaged'}") from error
    snapshots = _snapshots(tensors, _layer(content))
    if snapshots is None or not _is_sound(snapshots):
        raise NoSnapshotsError(f"{path.name} is damaged")
    return snapshots


def _layer(content: bytes) -> str:
    """The name in the header of a file that could be loaded."""
    header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
    return safe(str(header.get("__metadata__", {}).get("layer", "")))


def _snapshots(tensors: Mapping[str, NDArray[Any]], layer: str) -> NetworkSnapshots | None:
    kinds = {"weights": np.float16, "probabilities": np.float16}
    names = ("epochs", "weights", "probabilities", "units", "images", "labels")
    if any(name not in tensors or tensors[name].dtype != kinds.get(name, np.int64) for name in names):
        return None
    return NetworkSnapshots(**{name: tensors[name] for name in names}, layer=layer)


def _is_sound(found: NetworkSnapshots) -> bool:
    lists = (found.epochs, found.units, found.images)
    if any(one.ndim != 1 or (one < 0).any() or (np.diff(one) <= 0).any() for one in lists) or not len(found):
        return False
    if found.weights.ndim < 3 or found.weights.shape[:2] != (len(found), len(found.units)):
        return False
    shape, images = found.probabilities.shape, len(found.images)
    if len(shape) != 3 or shape[:2] != (len(found), images) or shape[2] < 2 or not images:
        return False
    if found.labels.shape != (images,) or (found.labels < 0).any() or (found.labels >= shape[2]).any():
        return False
    sums = found.probabilities.astype(np.float64).sum(axis=2)
    return bool((found.probabilities >= 0).all() and np.allclose(sums, 1.0, atol=_ROUNDED))
