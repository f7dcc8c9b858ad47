"""The engine protocol: one model being trained. An engine knows nothing about files, terminals or epochs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

Tensors = dict[str, NDArray[Any]]
Indices = NDArray[np.int64]
StepNorms = tuple[tuple[float, float], ...]
"""Of one step, for each layer: the norm of its gradient, and that of its update divided by that of its weights."""
DeadFractions = tuple[float | None, ...]
"""For each layer the fraction of its units that a ReLU after it leaves at zero; None where no ReLU follows."""

OPTIMIZER = "optimizer."
"""The prefix of the names of optimiser tensors in an engine's state."""
EVALUATION_BATCH = 250
"""Images; on a CPU 500 would be 7% faster, but need 110 MB more for v3's activations."""
_GPU_EVALUATION_BATCH, _PIXELS = 2000, 28 * 28


def evaluation_batch(device: str, pixels: int) -> int:
    """How many images are evaluated at once: on a GPU, which is waited for after each batch, more.

    Args:
        device: PyTorch's name.
        pixels: Numbers of an image; of those larger than Fashion-MNIST's, a GPU evaluates fewer.
    """
    if not device.startswith("cuda"):
        return EVALUATION_BATCH
    return max(EVALUATION_BATCH, _GPU_EVALUATION_BATCH * _PIXELS // max(pixels, _PIXELS))


@dataclass(frozen=True)
class Totals:
    """Totals over images: the model's own loss, the negative log-likelihood, and the number of correct predictions."""

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
        """The mean loss per image."""
        return self.loss / self.images

    @property
    def mean_nll(self) -> float:
        """The mean negative log-likelihood per image."""
        return self.nll / self.images

    @property
    def accuracy(self) -> float:
        """The fraction of correct predictions, 0 to 1."""
        return self.correct / self.images


@dataclass(frozen=True)
class GraphUse:
    """Whether full batches are replayed as a CUDA graph, and if not, why."""

    used: bool
    reason: str = ""


class Engine(Protocol):
    """What the training loop needs of a model. Indices refer to the training images that the engine was built with."""

    @property
    def graph(self) -> GraphUse | None:
        """Whether steps are replayed as a CUDA graph; None on other devices."""

    @property
    def parameters(self) -> int:
        """The number of trained parameters."""

    @property
    def layers(self) -> tuple[str, ...]:
        """The names of the layers with trained parameters of their own, in the network's order."""

    def expect(self, batches: Sequence[Indices], epoch: int, first: int) -> None:
        """Announce the images of the steps from `first` on, so that what several of them draw is uploaded at once.

        It changes no bit, and a step that wasn't announced, or has other images, is taken as usual.
        """

    def step(self, indices: Indices, learning_rate: float, epoch: int, step: int) -> None:
        """Take one optimiser step on these images; (epoch, step) address its augmentation and dropout.

        If the loss is not finite, the update is not applied.
        """

    def measured_step(self, indices: Indices, learning_rate: float, epoch: int, step: int) -> StepNorms:
        """Take the same step, to the bit, and measure it. Waits for the device."""

    def take_totals(self) -> Totals:
        """The totals over the steps since the last call (without `nll`, which stays 0). Waits for the device."""

    def evaluate(self, indices: Indices) -> Totals:
        """The totals over these images, in evaluation mode."""

    def evaluate_units(self, indices: Indices) -> tuple[Totals, DeadFractions]:
        """As `evaluate`, to the bit, and which units are dead: zero for all of these images."""

    def predict(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Probabilities (n, classes), normalised, for uint8 images (n, C, H, W)."""

    def weights(self) -> Tensors:
        """A copy of all tensors that `predict` depends on, by their names in `model.safetensors`."""

    def state(self) -> Tensors:
        """A copy of all tensors needed to resume training."""

    def load_state(self, tensors: Mapping[str, NDArray[Any]]) -> None:
        """Restore a `state`.

        Raises:
            ValueError: A tensor is missing or has another shape.
        """


def average_weight(decay: float, step: int) -> float:
    """The weight of the newest weights in their exponential moving average.

    It is 1 - decay, and larger in the first steps (`step` counts from 0), so that the initial weights are forgotten.
    """
    return 1.0 - min(decay, (1.0 + step) / (10.0 + step))


def checked_tensor(tensors: Mapping[str, NDArray[Any]], name: str, shape: tuple[int, ...]) -> NDArray[Any]:
    """The tensor of this name and shape.

    Raises:
        ValueError: It is missing or has another shape.
    """
    if name not in tensors:
        raise ValueError(f"tensor {name} is missing")
    if tensors[name].shape != shape:
        raise ValueError(f"tensor {name} has shape {tensors[name].shape}, not {shape}")
    return tensors[name]
