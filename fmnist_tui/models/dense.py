"""v0's network, written by hand: 784 -> 300 (ReLU) -> 100 (ReLU) -> 10 (sigmoid), in NumPy and SciPy.

The loss is the binary cross-entropy of each of the ten outputs against its target, summed over the outputs and
averaged over the batch (Bishop, Pattern Recognition and Machine Learning, 2006, section 5.2):

    L = 1/n * sum over images and outputs of  -[t ln a + (1 - t) ln(1 - a)],   a = sigmoid(z)

With sigmoid outputs its derivative with respect to the logits is (a - t) / n, for soft targets too.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray
from scipy.linalg import get_blas_funcs
from scipy.special import expit

from fmnist_tui.models.layers import SIZES

Array = NDArray[np.floating[Any]]


def parameter_shapes() -> dict[str, tuple[int, ...]]:
    """Each parameter's name and shape, in the order of the layers; weights are (out, in)."""
    shapes: dict[str, tuple[int, ...]] = {}
    for layer, (fan_in, fan_out) in enumerate(pairwise(SIZES)):
        shapes[f"layers.{layer}.weight"] = (fan_out, fan_in)
        shapes[f"layers.{layer}.bias"] = (fan_out,)
    return shapes


def initial_parameters(init: str, rng: np.random.Generator, dtype: DTypeLike = np.float32) -> dict[str, Array]:
    """Draws the weights; biases start at zero.

    Args:
        init: "he": N(0, sqrt(2 / fan_in)) (He et al., 2015), or "fan_out": N(0, fan_out ** -0.5), the origin's.
        rng: Where the numbers come from.
        dtype: float32 to train, float64 to check gradients.
    """
    parameters: dict[str, Array] = {}
    for name, shape in parameter_shapes().items():
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
    def of(cls, batch: int, dtype: DTypeLike) -> _Workspace:
        sizes = SIZES[1:]
        return cls(
            [np.empty((batch, size), dtype) for size in sizes],
            [np.empty((batch, size), dtype) for size in sizes],
            [np.empty((batch, size), np.bool_) for size in sizes[:-1]],
            np.ones(batch, dtype),
        )


class DenseNetwork:
    """Forward and backward pass over parameters that are updated in place.

    The products call BLAS, which adds to what is there already: momentum costs no pass over memory of its own. BLAS
    counts columns first: a (n, k) array of NumPy's is its (k, n), hence the transposes, which copy nothing.

    Attributes:
        parameters: name -> array, `layers.0.weight` (300, 784) to `layers.2.bias` (10,).
        gradients: The same names and shapes; `backward` changes them.
        flat_parameters: All parameters as one vector, (266 610,), of which those above are views.
        flat_gradients: Likewise.
    """

    def __init__(self, parameters: dict[str, Array]) -> None:
        """Copies the parameters."""
        self._dtype = parameters["layers.0.weight"].dtype
        self.flat_parameters, self.parameters = _views(self._dtype)
        self.flat_gradients, self.gradients = _views(self._dtype)
        for name, value in parameters.items():
            self.parameters[name][...] = value
        self._gemm, self._gemv = get_blas_funcs(("gemm", "gemv"), dtype=self._dtype)
        self._workspaces: dict[int, _Workspace] = {}

    def forward(self, images: Array) -> Array:
        """Logits (n, 10) of images (n, 784). The result is overwritten by the next call with this n."""
        space = self._workspace(len(images))
        signal = images
        last = len(SIZES) - 2
        for layer in range(last + 1):
            out = space.activations[layer]
            self._gemm(1.0, self.parameters[f"layers.{layer}.weight"], signal.T, 0.0, out.T, overwrite_c=True)
            out += self.parameters[f"layers.{layer}.bias"]
            if layer < last:
                np.maximum(out, 0.0, out=out)
            signal = out
        return signal

    def backward(self, images: Array, targets: Array, keep: float = 0.0) -> None:
        """Sets `gradients` to keep * gradients + the loss's derivatives, for the last `forward`.

        Args:
            images: (n, 784), those that `forward` was called with.
            targets: (n, 10), in 0 to 1.
            keep: How much of the gradients before stays: 0 for plain ones, the momentum for velocities.
        """
        space = self._workspace(len(images))
        delta = space.deltas[-1]
        expit(space.activations[-1], out=delta)
        delta -= targets
        delta /= len(images)
        for layer in reversed(range(len(SIZES) - 1)):
            below = space.activations[layer - 1] if layer else images
            gradient, of_bias = (self.gradients[f"layers.{layer}.{name}"] for name in ("weight", "bias"))
            self._gemm(1.0, delta.T, below.T, keep, gradient, trans_b=True, overwrite_c=True)
            self._gemv(1.0, delta.T, space.ones, keep, of_bias, overwrite_y=True)
            if layer:
                mask = np.greater(below, 0.0, out=space.masks[layer - 1])
                behind, weight = space.deltas[layer - 1], self.parameters[f"layers.{layer}.weight"]
                self._gemm(1.0, weight, delta.T, 0.0, behind.T, trans_a=True, overwrite_c=True)
                delta = np.multiply(behind, mask, out=behind)

    def _workspace(self, batch: int) -> _Workspace:
        if batch not in self._workspaces:
            self._workspaces[batch] = _Workspace.of(batch, self._dtype)
        return self._workspaces[batch]


def _views(dtype: DTypeLike) -> tuple[Array, dict[str, Array]]:
    """A vector of zeros, and its parts under the parameters' names, each with BLAS's order."""
    shapes = parameter_shapes()
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
    """The sigmoid outputs divided by their sum, (n, 10); rows sum to 1."""
    outputs = expit(logits.astype(np.float64))
    outputs += np.finfo(np.float64).tiny  # all ten outputs may round to zero
    probabilities: Array = outputs / outputs.sum(axis=1, keepdims=True)
    return probabilities
