"""v0's network, written by hand in NumPy and SciPy: dense layers with ReLU between them and sigmoid outputs.

The loss is the binary cross-entropy of each output against its target, summed over the outputs and averaged over the
batch (Bishop, Pattern Recognition and Machine Learning, 2006, section 5.2):

    L = 1/n * sum over images and outputs of  -[t ln a + (1 - t) ln(1 - a)],   a = sigmoid(z)

With sigmoid outputs its derivative with respect to the logits is (a - t) / n, for soft targets too.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from fmnist_tui.models.kernels import blas, expit

Array = NDArray[np.floating[Any]]


def parameter_shapes(sizes: Sequence[int]) -> dict[str, tuple[int, ...]]:
    """Each parameter's name and shape, in the order of the layers; weights are (out, in).

    Args:
        sizes: Units of each layer, from the pixels to the outputs.
    """
    shapes: dict[str, tuple[int, ...]] = {}
    for layer, (fan_in, fan_out) in enumerate(pairwise(sizes)):
        shapes[f"layers.{layer}.weight"] = (fan_out, fan_in)
        shapes[f"layers.{layer}.bias"] = (fan_out,)
    return shapes


def initial_parameters(
    sizes: Sequence[int], init: str, rng: np.random.Generator, dtype: DTypeLike = np.float32
) -> dict[str, Array]:
    """Draws the weights; biases start at zero.

    Args:
        sizes: Units of each layer, from the pixels to the outputs.
        init: "he": N(0, sqrt(2 / fan_in)) (He et al., 2015), or "fan_out": N(0, fan_out ** -0.5), the original
            project's.
        rng: Where the numbers come from.
        dtype: float32 to train, float64 to check gradients.
    """
    parameters: dict[str, Array] = {}
    for name, shape in parameter_shapes(sizes).items():
        if name.endswith("bias"):
            parameters[name] = np.zeros(shape, dtype)
        else:
            fan_out, fan_in = shape
            scale = {"he": (2.0 / fan_in) ** 0.5, "fan_out": fan_out**-0.5}[init]
            parameters[name] = rng.normal(0.0, scale, shape).astype(dtype)
    return parameters


@dataclass(frozen=True)
class _Workspace:
    """Buffers for one batch size, so that a step allocates nothing that is large."""

    activations: list[Array]
    deltas: list[Array]
    masks: list[NDArray[np.bool_]]
    ones: Array

    @classmethod
    def of(cls, batch: int, sizes: Sequence[int], dtype: DTypeLike) -> _Workspace:
        outputs = sizes[1:]
        return cls(
            [np.empty((batch, size), dtype) for size in outputs],
            [np.empty((batch, size), dtype) for size in outputs],
            [np.empty((batch, size), np.bool_) for size in outputs[:-1]],
            np.ones(batch, dtype),
        )


_LEAK = 0.01


def _activate(activation: str, values: Array) -> None:
    """Replace the values by those of the activation function."""
    if activation == "relu":
        np.maximum(values, 0.0, out=values)
    elif activation == "leaky_relu":
        np.maximum(values, values * values.dtype.type(_LEAK), out=values)
    elif activation == "tanh":
        np.tanh(values, out=values)
    else:
        expit(values, out=values)


def derivative(activation: str, outputs: Array, mask: NDArray[np.bool_] | None = None) -> Array | NDArray[np.bool_]:
    """The activation function's derivative, from its outputs; `mask` is a buffer for that of ReLU."""
    if activation == "relu":
        return np.greater(outputs, 0.0, out=mask)
    one = outputs.dtype.type(1)
    if activation == "leaky_relu":
        return np.where(outputs > 0, one, outputs.dtype.type(_LEAK))
    return one - outputs * outputs if activation == "tanh" else outputs * (one - outputs)


class DenseNetwork:
    """Forward and backward pass over parameters that are updated in place.

    The products call BLAS, which can add to its output: so momentum costs no extra pass over memory. BLAS is
    column-major: NumPy's (n, k) is its (k, n), hence the transposes, which copy nothing.

    Attributes:
        sizes: Units of each layer, from the pixels to the outputs.
        dtype: Of all arrays.
        activation: "relu", "leaky_relu", "tanh" or "sigmoid", of the hidden layers.
        parameters: name -> array, `layers.0.weight` (out, in), `layers.0.bias` (out,), `layers.1.weight` ...
        gradients: The same names and shapes; `backward` changes them.
        flat_parameters: All parameters as one vector, of which those above are views.
        flat_gradients: Likewise.
    """

    def __init__(
        self, sizes: Sequence[int], dtype: type[np.floating[Any]] = np.float32, activation: str = "relu"
    ) -> None:
        """A network whose parameters are all zero."""
        self.sizes = tuple(sizes)
        self.activation = activation
        self.dtype: np.dtype[np.floating[Any]] = np.dtype(dtype)
        self.flat_parameters, self.parameters = _views(self.sizes, self.dtype)
        self.flat_gradients, self.gradients = _views(self.sizes, self.dtype)
        self._gemm, self._gemv = blas("gemm", self.dtype), blas("gemv", self.dtype)
        self._workspaces: dict[int, _Workspace] = {}

    def load(self, parameters: Mapping[str, Array]) -> None:
        """Copies the parameters, whose names and shapes must be the network's."""
        for name, own in self.parameters.items():
            own[...] = parameters[name]

    def forward(self, images: Array) -> Array:
        """Logits (n, outputs) of images (n, pixels). The result is overwritten by the next call with this n."""
        space = self._workspace(len(images))
        signal = images
        last = len(self.sizes) - 2
        for layer in range(last + 1):
            out = space.activations[layer]
            self._gemm(1.0, self.parameters[f"layers.{layer}.weight"], signal.T, 0.0, out.T, overwrite_c=True)
            out += self.parameters[f"layers.{layer}.bias"]
            if layer < last:
                _activate(self.activation, out)
            signal = out
        return signal

    def backward(self, images: Array, targets: Array, keep: float = 0.0) -> None:
        """Sets `gradients` to keep * gradients + the loss's derivatives, for the last `forward`.

        Args:
            images: (n, pixels), those that `forward` was called with.
            targets: (n, outputs), in 0 to 1.
            keep: Factor of the previous gradients: 0 for plain ones, the momentum for velocities.
        """
        space = self._workspace(len(images))
        delta = space.deltas[-1]
        expit(space.activations[-1], out=delta)
        delta -= targets
        delta /= len(images)
        for layer in reversed(range(len(self.sizes) - 1)):
            below = space.activations[layer - 1] if layer else images
            gradient, of_bias = (self.gradients[f"layers.{layer}.{name}"] for name in ("weight", "bias"))
            self._gemm(1.0, delta.T, below.T, keep, gradient, trans_b=True, overwrite_c=True)
            self._gemv(1.0, delta.T, space.ones, keep, of_bias, overwrite_y=True)
            if layer:
                slopes = derivative(self.activation, below, space.masks[layer - 1])
                behind, weight = space.deltas[layer - 1], self.parameters[f"layers.{layer}.weight"]
                self._gemm(1.0, weight, delta.T, 0.0, behind.T, trans_a=True, overwrite_c=True)
                delta = np.multiply(behind, slopes, out=behind)

    def hidden_activations(self, batch: int) -> list[Array]:
        """The outputs of the hidden layers, (batch, units) each, in the last `forward` of so many images."""
        return self._workspace(batch).activations[:-1]

    def _workspace(self, batch: int) -> _Workspace:
        if batch not in self._workspaces:
            self._workspaces[batch] = _Workspace.of(batch, self.sizes, self.dtype)
        return self._workspaces[batch]


def _views(sizes: Sequence[int], dtype: DTypeLike) -> tuple[Array, dict[str, Array]]:
    """A vector of zeros, and its parts under the parameters' names, each in BLAS's (column-major) order."""
    shapes = parameter_shapes(sizes)
    flat = np.zeros(sum(map(math.prod, shapes.values())), dtype)
    parts = np.split(flat, np.cumsum([math.prod(shape) for shape in shapes.values()])[:-1])
    return flat, {name: part.reshape(shapes[name], order="F") for name, part in zip(shapes, parts, strict=True)}


def loss_of(logits: Array, targets: Array) -> Array:
    """Each image's loss, (n,): binary cross-entropy summed over the outputs, from logits so that it can't overflow.

    -[t ln a + (1 - t) ln(1 - a)] with a = sigmoid(z) is ln(1 + e^z) - t z.
    """
    losses: Array = (np.logaddexp(0.0, logits) - targets * logits).sum(axis=1)
    return losses


def probabilities_of(logits: Array) -> Array:
    """The sigmoid outputs divided by their sum, (n, classes); rows sum to 1."""
    outputs = expit(logits.astype(np.float64))
    outputs += np.finfo(np.float64).tiny  # all outputs may round to zero
    probabilities: Array = outputs / outputs.sum(axis=1, keepdims=True)
    return probabilities
