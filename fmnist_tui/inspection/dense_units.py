"""What the hidden units of v0's dense network see in one image, and how they add up to a prediction.

A unit's contribution to a class is its activation times the derivative of that class's logit (the output before the
sigmoid) with respect to it. With ReLU (or leaky ReLU) a network is linear around an image, so the contributions of
one hidden layer's units and one remainder, which comes from the biases above that layer, sum to the logit exactly.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fmnist_tui.models.dense import DenseNetwork, derivative, probabilities_of

Floats = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Units:
    """The units of the first hidden layer, those that contribute most to the class first.

    Attributes:
        units: (u,) their positions in the layer.
        weights: (u, C, H, W), each unit's incoming weights as an image.
        activations: (u,).
        contributions: (u,), to the class's logit.
        remainder: What the logit consists of besides them.
        logit: The class's.
        dead: (u,) bool, whether the unit's activation is the same for all sample images.
    """

    units: NDArray[np.int64]
    weights: Floats
    activations: Floats
    contributions: Floats
    remainder: float
    logit: float
    dead: NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Evidence:
    """How the last hidden layer's units add up to each class's logit: contributions.sum(1) + bias == logits.

    Attributes:
        contributions: (classes, units), outgoing weight times activation.
        bias: (classes,).
        logits: (classes,).
        probabilities: (classes,), the sigmoid outputs divided by their sum.
    """

    contributions: Floats
    bias: Floats
    logits: Floats
    probabilities: Floats

    @property
    def in_favour(self) -> Floats:
        """The sum of the positive contributions, (classes,)."""
        total: Floats = np.maximum(self.contributions, 0).sum(axis=1)
        return total

    @property
    def against(self) -> Floats:
        """The sum of the negative contributions, (classes,); at most zero."""
        total: Floats = np.minimum(self.contributions, 0).sum(axis=1)
        return total


def units_of(
    network: DenseNetwork, inputs: Floats, label: int, image_shape: tuple[int, ...], samples: Floats | None = None
) -> Units:
    """The first hidden layer for one image.

    Args:
        network: The network, with at least one hidden layer.
        inputs: (pixels,), scaled as in training.
        label: The class that the contributions are to.
        image_shape: (C, H, W).
        samples: (n, pixels), images that decide which units are dead; None marks none.
    """
    activations, logits = _forward(network, inputs[None])
    first = activations[0][0]
    contributions = first * _logit_gradients(network, activations, label)[0]
    order = np.argsort(-contributions, kind="stable")
    dead = np.zeros(len(first), np.bool_)
    if samples is not None and len(samples):
        dead = np.ptp(_forward(network, samples)[0][0], axis=0) == 0
    logit = float(logits[0, label])
    weights = np.array(network.parameters["layers.0.weight"], np.float32).reshape(-1, *image_shape)
    return Units(
        order,
        weights[order],
        first[order],
        contributions[order],
        logit - float(contributions.sum(dtype=np.float64)),
        logit,
        dead[order],
    )


def evidence_of(network: DenseNetwork, inputs: Floats) -> Evidence:
    """The evidence for each class in one image, `inputs` (pixels,), scaled as in training."""
    activations, logits = _forward(network, inputs[None])
    last = f"layers.{len(network.sizes) - 2}"
    below = activations[-1][0] if activations else inputs
    contributions = np.array(network.parameters[f"{last}.weight"], np.float32) * below
    bias = np.array(network.parameters[f"{last}.bias"], np.float32)
    probabilities = probabilities_of(logits)[0].astype(np.float32)
    return Evidence(contributions, bias, logits[0], probabilities)


def input_gradient(network: DenseNetwork, inputs: Floats, label: int) -> Floats:
    """The derivative of the class's logit with respect to each input of one image, (pixels,)."""
    activations, _ = _forward(network, inputs[None])
    if not activations:
        return np.array(network.parameters["layers.0.weight"][label], np.float32)
    delta = _logit_gradients(network, activations, label)
    gradient: Floats = _through(network, activations, 0, delta)[0]
    return gradient


def _forward(network: DenseNetwork, inputs: Floats) -> tuple[list[Floats], Floats]:
    """Copies of each hidden layer's activations, (n, units), and the logits, (n, classes)."""
    logits = np.array(network.forward(np.ascontiguousarray(inputs, network.dtype)), np.float32)
    return [np.array(layer, np.float32) for layer in network.hidden_activations(len(inputs))], logits


def _logit_gradients(network: DenseNetwork, activations: list[Floats], label: int) -> Floats:
    """The derivative of the class's logit with respect to the first hidden layer's activations, (n, units)."""
    last = len(network.sizes) - 2
    delta = np.array(network.parameters[f"layers.{last}.weight"][label], np.float32)[None]
    for layer in range(last - 1, 0, -1):
        delta = _through(network, activations, layer, delta)
    return delta


def _through(network: DenseNetwork, activations: list[Floats], layer: int, delta: Floats) -> Floats:
    """From the derivatives with respect to a layer's activations to those with respect to its inputs."""
    slopes = derivative(network.activation, activations[layer])
    back: Floats = ((delta * slopes) @ network.parameters[f"layers.{layer}.weight"]).astype(np.float32)
    return back
