"""An engine is one model learning. It knows nothing about files, terminals or epochs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

Tensors = dict[str, NDArray[Any]]
Indices = NDArray[np.int64]

OPTIMIZER = "optimizer."
"""How the names of those of an engine's tensors begin that belong to its optimiser."""
EVALUATION_BATCH = 250
"""Images; 500 would score a fourteenth faster, and hold 110 MB more of v3's activations."""


@dataclass(frozen=True)
class Totals:
    """Sums over images: of the version's own loss, of the negative log-likelihood, and of right answers."""

    loss: float = 0.0
    nll: float = 0.0
    correct: int = 0
    images: int = 0

    def __add__(self, other: Totals) -> Totals:
        return Totals(
            self.loss + other.loss,
            self.nll + other.nll,
            self.correct + other.correct,
            self.images + other.images,
        )

    @property
    def mean_loss(self) -> float:
        """The loss of one image."""
        return self.loss / self.images

    @property
    def mean_nll(self) -> float:
        """The negative log-likelihood of one image."""
        return self.nll / self.images

    @property
    def accuracy(self) -> float:
        """The share of right answers, 0 to 1."""
        return self.correct / self.images


class Engine(Protocol):
    """What the trainer needs of a model; indices point into the training images that the engine was built with."""

    @property
    def parameters(self) -> int:
        """Number of trained parameters."""

    def step(self, indices: Indices, learning_rate: float, epoch: int, step: int) -> None:
        """One optimiser step on these images; (epoch, step) address its augmentation and dropout.

        An update whose loss is not finite is not applied.
        """

    def take_totals(self) -> Totals:
        """What the steps since the last call summed up to (`nll` is left at zero). Waits for the device."""

    def evaluate(self, indices: Indices) -> Totals:
        """Totals over these images without learning from them."""

    def predict(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Normalised probabilities (n, 10) of images (n, 28, 28)."""

    def weights(self) -> Tensors:
        """A copy of what `predict` depends on, by the names of the run directory's contract."""

    def state(self) -> Tensors:
        """A copy of everything that training goes on from."""

    def load_state(self, tensors: Mapping[str, NDArray[Any]]) -> None:
        """Puts the engine where `state` was taken.

        Raises:
            ValueError: A tensor is missing or has another shape.
        """


def matching(tensors: Mapping[str, NDArray[Any]], name: str, shape: tuple[int, ...]) -> NDArray[Any]:
    """The tensor of that name, checked.

    Raises:
        ValueError: It is missing or has another shape.
    """
    if name not in tensors:
        raise ValueError(f"tensor {name} is missing")
    if tensors[name].shape != shape:
        raise ValueError(f"tensor {name} has shape {tensors[name].shape}, not {shape}")
    return tensors[name]
