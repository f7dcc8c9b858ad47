"""The NumPy engine: hand-written dense networks, trained by stochastic gradient descent."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fmnist_tui.models.dense import Array, DenseNetwork, initial_parameters, loss_of, probabilities_of
from fmnist_tui.models.kernels import blas
from fmnist_tui.training.augment import Augmentation
from fmnist_tui.training.config import Hyperparameters
from fmnist_tui.training.engine import (
    OPTIMIZER,
    DeadFractions,
    Indices,
    StepNorms,
    Tensors,
    Totals,
    average_weight,
    checked_tensor,
)
from fmnist_tui.training.metrics import negative_log_likelihood
from fmnist_tui.training.streams import Stream, generator

VELOCITY = f"{OPTIMIZER}velocity."
_AVERAGE = f"{OPTIMIZER}average."
_STEPS = f"{OPTIMIZER}average_steps"
_QUIET = np.errstate(all="ignore")
"""An overflowing loss is detected anyway; NumPy's warnings would be printed over the screen."""


class NumpyEngine:
    """The dense network and the training images.

    Momentum is classical: v = momentum * v + gradient, w = w - learning_rate * v (Sutskever et al., 2013, in the form
    that PyTorch's SGD has); Nesterov's is w = w - learning_rate * (gradient + momentum * v). The network's gradient
    buffers hold the velocities, unless weight decay, clipping or Nesterov's momentum need the gradient by itself.
    """

    def __init__(
        self,
        network: DenseNetwork,
        settings: Hyperparameters,
        seed: int,
        images: NDArray[np.uint8],
        labels: NDArray[Any],
    ) -> None:
        """Draws the network's initial weights; calculates in its dtype."""
        dtype = network.dtype.type
        self._settings = settings
        self._image_shape = images.shape[1:]
        self._images = images.reshape(len(images), -1)
        self._labels = labels
        self._seed = seed
        self._dtype = network.dtype
        self._scale, self._offset = map(dtype, settings.pixel_scaling)
        margin = settings.target_margin
        self._targets: Array = (np.eye(network.sizes[-1]) * (1 - 2 * margin) + margin).astype(dtype)
        rng = generator(seed, Stream.INIT)
        self._network = network
        network.load(initial_parameters(network.sizes, settings.init, rng, dtype))
        self._needs_gradient = bool(settings.nesterov or settings.weight_decay or settings.clip)
        velocities = DenseNetwork(network.sizes, dtype) if self._needs_gradient else None
        self._flat_velocities = velocities.flat_gradients if velocities else network.flat_gradients
        self._velocities = velocities.gradients if velocities else network.gradients
        self._average = DenseNetwork(network.sizes, dtype, network.activation) if settings.ema else None
        self._averaged_steps = 0
        if self._average:
            self._average.load(network.parameters)
        self._augmentation = Augmentation(settings, seed)
        self._axpy = blas("axpy", dtype)
        self._buffers: dict[int, tuple[NDArray[np.uint8], Array]] = {}
        self._measuring: Array | None = None
        self._totals = Totals()

    @property
    def parameters(self) -> int:
        """The number of trained parameters."""
        return sum(value.size for value in self._network.parameters.values())

    @property
    def layers(self) -> tuple[str, ...]:
        """The names of the dense layers."""
        return tuple(f"layers.{layer}" for layer in range(len(self._network.sizes) - 1))

    graph = None
    """Steps on a CPU are never replayed."""

    def expect(self, batches: Sequence[Indices], epoch: int, first: int) -> None:
        """There is nothing to upload."""

    @_QUIET
    def step(self, indices: Indices, learning_rate: float, epoch: int, step: int) -> None:
        """Take one step of gradient descent; (epoch, step) address the augmentation, if there is any."""
        if self._differentiate(indices, epoch, step):
            self._update(learning_rate)

    @_QUIET
    def measured_step(self, indices: Indices, learning_rate: float, epoch: int, step: int) -> StepNorms:
        """The same step; see Engine."""
        network = self._network
        if self._measuring is None:  # buffers, since memory that is new at each step would take as long as the step
            self._measuring = np.empty((2, *network.flat_parameters.shape), self._dtype)
        before, gradient = self._measuring
        before[:], gradient[:] = network.flat_parameters, network.flat_gradients
        weights, gradients = self._layer_norms(before), [0.0] * len(self.layers)
        if self._differentiate(indices, epoch, step):
            gradient *= self._dtype.type(0.0 if self._needs_gradient else -self._settings.momentum)
            gradient += network.flat_gradients
            gradients = self._layer_norms(gradient)
            self._update(learning_rate)
        before -= network.flat_parameters
        updates = self._layer_norms(before)
        return tuple(
            (norm, update / weight if weight else math.nan)
            for norm, update, weight in zip(gradients, updates, weights, strict=True)
        )

    def _layer_norms(self, flat: Array) -> list[float]:
        """The norm of each layer's part, weights and biases together, of a vector of all parameters."""
        sizes = [(fan_in + 1) * fan_out for fan_in, fan_out in pairwise(self._network.sizes)]
        return [float(np.linalg.norm(part)) for part in np.split(flat, np.cumsum(sizes)[:-1])]

    def _differentiate(self, indices: Indices, epoch: int, step: int) -> bool:
        """Compute the gradients on these images, or the velocities, if they can be had at once.

        Returns:
            Whether the loss is finite; if not, nothing has changed but the totals.
        """
        if self._augmentation.is_on:
            inputs = self._inputs(self._augmented(indices, epoch, step), np.arange(len(indices)))
        else:
            inputs = self._inputs(self._images, indices)
        labels = self._labels[indices]
        targets = self._targets[labels]
        if mixture := self._augmentation.mixture(len(indices), epoch, step):
            weight, other = self._dtype.type(mixture.weight), self._dtype.type(1.0 - mixture.weight)
            inputs = weight * inputs + other * inputs[mixture.partners]
            targets = weight * targets + other * targets[mixture.partners]
        logits = self._network.forward(inputs)
        loss = float(loss_of(logits, targets).sum())
        correct = int((logits.argmax(axis=1) == labels).sum())
        self._totals += Totals(loss, 0.0, correct, len(indices))
        if not math.isfinite(loss):
            return False
        self._network.backward(inputs, targets, keep=0.0 if self._needs_gradient else self._settings.momentum)
        return True

    def _update(self, learning_rate: float) -> None:
        network, settings = self._network, self._settings
        if not self._needs_gradient:
            self._axpy(network.flat_gradients, network.flat_parameters, a=-learning_rate)
        else:
            gradient = network.flat_gradients
            if settings.clip:
                norm = float(np.linalg.norm(gradient))
                gradient *= self._dtype.type(min(1.0, settings.clip / (norm + 1e-6)))
            self._axpy(network.flat_parameters, gradient, a=settings.weight_decay)
            self._flat_velocities *= self._dtype.type(settings.momentum)
            self._flat_velocities += gradient
            direction = self._flat_velocities
            if settings.nesterov:
                direction = gradient + self._dtype.type(settings.momentum) * self._flat_velocities
            self._axpy(direction, network.flat_parameters, a=-learning_rate)
        if self._average:
            weight = self._dtype.type(average_weight(settings.ema, self._averaged_steps))
            self._averaged_steps += 1
            self._average.flat_parameters += weight * (network.flat_parameters - self._average.flat_parameters)

    @property
    def _scored(self) -> DenseNetwork:
        """The network that is validated, scored and saved: the averaged one, if there is one."""
        return self._average or self._network

    def take_totals(self) -> Totals:
        """The totals over the steps since the last call."""
        totals, self._totals = self._totals, Totals()
        return totals

    @_QUIET
    def evaluate(self, indices: Indices) -> Totals:
        """The totals over these images."""
        labels = self._labels[indices]
        logits = self._scored.forward(self._inputs(self._images, indices))
        nll = negative_log_likelihood(probabilities_of(logits), labels) * len(labels)
        loss = float(loss_of(logits, self._targets[labels]).sum())
        return Totals(loss, nll, int((logits.argmax(axis=1) == labels).sum()), len(labels))

    def evaluate_units(self, indices: Indices) -> tuple[Totals, DeadFractions]:
        """As `evaluate`, and which hidden units are zero for all of these images."""
        totals = self.evaluate(indices)
        network = self._scored
        if network.activation != "relu":
            return totals, (None,) * len(self.layers)
        outputs = network.hidden_activations(len(indices))
        return totals, (*(1.0 - float((values > 0).any(axis=0).mean()) for values in outputs), None)

    @_QUIET
    def predict(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Probabilities (n, classes), normalised, for uint8 images (n, C, H, W)."""
        flat = images.reshape(len(images), -1)
        logits = self._scored.forward(self._inputs(flat, np.arange(len(flat))))
        return probabilities_of(logits).astype(np.float32)

    @property
    def scored_network(self) -> DenseNetwork:
        """The network that predicts, for those who look inside it."""
        return self._scored

    def inputs_of(self, images: NDArray[np.uint8]) -> Array:
        """What the network is given for uint8 images (n, C, H, W): (n, pixels)."""
        return self._inputs(images.reshape(len(images), -1), np.arange(len(images))).copy()

    def weights(self) -> Tensors:
        """A copy of the scored parameters."""
        return {name: value.copy() for name, value in self._scored.parameters.items()}

    def state(self) -> Tensors:
        """A copy of the trained parameters, the velocities and the averages, if there are any."""
        tensors = {name: value.copy() for name, value in self._network.parameters.items()}
        tensors |= {f"{VELOCITY}{name}": value.copy() for name, value in self._velocities.items()}
        if self._average:
            tensors |= {f"{_AVERAGE}{name}": value.copy() for name, value in self._average.parameters.items()}
            tensors[_STEPS] = np.array(self._averaged_steps, np.int64)
        return tensors

    def load_state(self, tensors: Mapping[str, NDArray[Any]]) -> None:
        """Restore a `state`. If it is invalid, ValueError is raised and the engine stays as it is."""
        shapes = {name: value.shape for name, value in self._network.parameters.items()}
        weights = {name: checked_tensor(tensors, name, shape) for name, shape in shapes.items()}
        velocities, averages = {}, weights
        if any(name.startswith(OPTIMIZER) for name in tensors):
            velocities = {name: checked_tensor(tensors, f"{VELOCITY}{name}", shape) for name, shape in shapes.items()}
            if self._average:
                checked_tensor(tensors, _STEPS, ())
                averages = {name: checked_tensor(tensors, f"{_AVERAGE}{name}", shape) for name, shape in shapes.items()}
        for name in shapes:
            self._network.parameters[name][...] = weights[name]
            self._velocities[name][...] = velocities.get(name, 0.0)
        if self._average:
            self._average.load(averages)
            self._averaged_steps = int(tensors.get(_STEPS, np.array(0)))
        self._totals = Totals()

    def _inputs(self, images: NDArray[np.uint8], indices: Indices) -> Array:
        """The scaled pixels of the images, (n, pixels), in a buffer that the next call with the same n overwrites."""
        count = len(indices)
        if count not in self._buffers:
            shape = (count, images.shape[1])
            self._buffers[count] = (np.empty(shape, np.uint8), np.empty(shape, self._dtype))
        pixels, inputs = self._buffers[count]
        np.take(images, indices, axis=0, out=pixels, mode="clip")  # mode="raise" would buffer the output
        np.multiply(pixels, self._scale, out=inputs)
        inputs += self._offset
        return inputs

    def _augmented(self, indices: Indices, epoch: int, step: int) -> NDArray[np.uint8]:
        images = self._images[indices].reshape(len(indices), *self._image_shape)
        return self._augmentation.apply(images, epoch, step).reshape(len(indices), -1)
