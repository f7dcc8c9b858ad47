"""One training step of v0's dense network on one image, operation by operation, in plain NumPy.

The network's own code (`models/dense.py`) does the same on whole batches and in place; here each intermediate result
has a name and stays, so that it can be looked at.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from fmnist_tui.errors import RunError
from fmnist_tui.inspection.predict import load_model
from fmnist_tui.models.hyperparameters import Hyperparameters
from fmnist_tui.runs.run import Run
from fmnist_tui.text import counted
from fmnist_tui.training.numpy_engine import NumpyEngine

Floats = NDArray[np.float32]

FORWARD, BACKWARD, UPDATE = "Forward pass", "Backward pass", "Update"
_LEAK = np.float32(0.01)
_SUBSCRIPTS = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")
_NAMES = {"relu": "ReLU", "leaky_relu": "leaky ReLU", "tanh": "tanh", "sigmoid": "sigmoid"}


@dataclass(frozen=True, eq=False)
class Operand:
    """A named array.

    Attributes:
        symbol: As in the formula.
        values: A vector (n,), a matrix (rows, columns), or a single number ().
        is_image: Whether a vector has one value for each pixel of the image.
    """

    symbol: str
    values: Floats
    is_image: bool = False


@dataclass(frozen=True, eq=False)
class Operation:
    """One operation.

    Attributes:
        phase: FORWARD, BACKWARD or UPDATE.
        title: A few words.
        formula: In the operands' symbols.
        operands: What goes in.
        result: What comes out.
        why: A sentence or two, in two lines of 58 cells.
        layer: The layer that it belongs to, from 0, if any.
    """

    phase: str
    title: str
    formula: str
    operands: tuple[Operand, ...]
    result: Operand
    why: str
    layer: int | None = None


@dataclass(frozen=True, eq=False)
class Walk:
    """A whole step.

    Attributes:
        operations: In their order.
        probabilities: (classes,), the sigmoid outputs divided by their sum, before the step.
        label: The class that the step was taken towards.
        parameters: After the step, by name.
    """

    operations: tuple[Operation, ...]
    probabilities: Floats
    label: int
    parameters: Mapping[str, Floats]


@dataclass(frozen=True, eq=False)
class DenseRun:
    """What a run of v0 learned, and how it was trained.

    Attributes:
        parameters: By name: `layers.0.weight` (out, in), `layers.0.bias` (out,) ...
        settings: The hyper-parameters, with the input scale.
        activation: Of the hidden layers.
    """

    parameters: Mapping[str, Floats]
    settings: Hyperparameters
    activation: str

    @property
    def layers(self) -> int:
        """How many layers have weights."""
        return len(self.parameters) // 2


def read_dense_run(run: Run) -> DenseRun:
    """A run's weights and settings.

    Raises:
        RunError: It isn't a dense network, or its weights are missing or damaged.
        ConfigError: run.json is damaged.
    """
    if run.model is None or run.model.needs_torch:
        raise RunError(f"{run.version} is not a dense network in NumPy: choose a run of v0")
    model = load_model(run)
    if not isinstance(model, NumpyEngine):
        raise RunError(f"{run.version} is not a dense network in NumPy: choose a run of v0")
    activation = str(dict(run.manifest.options).get("activation", "relu"))
    weights = {name: np.ascontiguousarray(value, np.float32) for name, value in model.weights().items()}
    return DenseRun(weights, run.config.hyperparameters, activation)


def walk(dense: DenseRun, image: NDArray[np.uint8], label: int | None) -> Walk:
    """One step on one image, with the run's highest learning rate, from velocities of zero and without augmentation.

    Args:
        dense: The network.
        image: uint8 (channels, height, width).
        label: Its class; None takes the predicted one.
    """
    steps = _Steps(dense)
    operations = list(steps.forward(image))
    probabilities = steps.probabilities()
    goal = int(steps.values["a"].argmax()) if label is None else label
    operations += [*steps.loss(goal), *steps.backward(), *steps.update(), *steps.outcome(image, probabilities, goal)]
    return Walk(tuple(operations), probabilities, goal, steps.after)


def sub(symbol: str, layer: int) -> str:
    """A symbol with the layer's number, from 1."""
    return f"{symbol}{layer + 1}".translate(_SUBSCRIPTS)


class _Steps:
    """The operations in their order; each keeps its result for those that follow."""

    def __init__(self, dense: DenseRun) -> None:
        self._dense, self._settings = dense, dense.settings
        self.values: dict[str, Floats] = {}
        self.after: dict[str, Floats] = {}
        self._gradients: dict[str, Floats] = {}

    def forward(self, image: NDArray[np.uint8]) -> Iterator[Operation]:
        scale, offset = (np.float32(value) for value in self._settings.pixel_scaling)
        pixels = image.reshape(-1).astype(np.float32)
        signal = Operand("x", pixels * scale + offset, is_image=True)
        yield Operation(
            FORWARD,
            "Scale the pixels",
            f"x = p · {scale:.5g} {'+' if offset >= 0 else '-'} {abs(offset):.4g}",
            (Operand("p", pixels, is_image=True),),
            signal,
            "Pixels of 0 to 255 are scaled as in training, so that the first sums are neither huge nor tiny.",
        )
        last = self._dense.layers - 1
        for layer in range(last + 1):
            weight, bias = self._weight(layer), self._bias(layer)
            sums = Operand(sub("z", layer), weight.values @ signal.values + bias.values)
            yield Operation(
                FORWARD,
                f"Weighted sums of layer {layer + 1}",
                f"{sums.symbol} = {weight.symbol} {signal.symbol} + {bias.symbol}",
                (weight, signal, bias),
                sums,
                "Each row of the weights belongs to one unit: it is multiplied by the inputs and summed.",
                layer,
            )
            self.values[sub("x", layer)] = signal.values
            if layer < last:
                name = _NAMES[self._dense.activation]
                signal = Operand(sub("a", layer), _activated(self._dense.activation, sums.values))
                yield Operation(
                    FORWARD,
                    f"Activation of layer {layer + 1}",
                    f"{signal.symbol} = {name}({sums.symbol})",
                    (sums,),
                    signal,
                    "Negative sums become zero: these units are silent for this image."
                    if self._dense.activation == "relu"
                    else "Without this bend, all layers together would be no more than one.",
                    layer,
                )
        outputs = Operand("a", _sigmoid(sums.values))
        self.values |= {"z": sums.values, "a": outputs.values}
        yield Operation(
            FORWARD,
            "Outputs",
            f"a = sigmoid({sums.symbol}) = 1 / (1 + exp(-{sums.symbol}))",
            (sums,),
            outputs,
            "One output for each class, from 0 to 1. Divided by their sum, they are the probabilities.",
            last,
        )

    def loss(self, label: int) -> Iterator[Operation]:
        margin = np.float32(self._settings.target_margin)
        targets = np.full(len(self.values["a"]), margin, np.float32)
        targets[label] = np.float32(1) - margin
        self.values["t"] = targets
        logits = self.values["z"]
        losses = np.logaddexp(np.float32(0), logits) - targets * logits
        self.values["L"] = np.array(losses.sum(), np.float32)
        yield Operation(
            FORWARD,
            "Loss",
            "L = Σ -[t ln a + (1 - t) ln(1 - a)]",
            (Operand("a", self.values["a"]), Operand("t", targets)),
            Operand("L", self.values["L"]),
            _about_loss(float(margin), len(targets)),
        )

    def backward(self) -> Iterator[Operation]:
        last = self._dense.layers - 1
        delta = Operand(sub("δ", last), self.values["a"] - self.values["t"])
        yield Operation(
            BACKWARD,
            "Error of the outputs",
            f"{delta.symbol} = ∂L/∂{sub('z', last)} = a - t",
            (Operand("a", self.values["a"]), Operand("t", self.values["t"])),
            delta,
            "With sigmoid outputs and this loss the derivative is simply what was predicted minus the target.",
            last,
        )
        for layer in range(last, -1, -1):
            below = Operand(sub("a", layer - 1) if layer else "x", self.values[sub("x", layer)], is_image=not layer)
            weight = self._weight(layer)
            gradient = Operand(f"∂L/∂{weight.symbol}", np.outer(delta.values, below.values))
            yield Operation(
                BACKWARD,
                f"Gradient of the weights of layer {layer + 1}",
                f"{gradient.symbol} = {delta.symbol} {below.symbol}ᵀ",
                (delta, below),
                gradient,
                "A weight's gradient is its unit's error times its input: an input of 0 changes none.",
                layer,
            )
            of_bias = Operand(f"∂L/∂{sub('b', layer)}", delta.values)
            yield Operation(
                BACKWARD,
                f"Gradient of the biases of layer {layer + 1}",
                f"{of_bias.symbol} = {delta.symbol}",
                (delta,),
                of_bias,
                "A bias is a weight whose input is always 1.",
                layer,
            )
            self._gradients |= {f"layers.{layer}.weight": gradient.values, f"layers.{layer}.bias": of_bias.values}
            if layer:
                yield from self._through(layer, weight, delta)
                delta = Operand(sub("δ", layer - 1), self.values[sub("δ", layer - 1)])

    def _through(self, layer: int, weight: Operand, delta: Operand) -> Iterator[Operation]:
        behind = Operand(f"∂L/∂{sub('a', layer - 1)}", weight.values.T @ delta.values)
        yield Operation(
            BACKWARD,
            f"Error passed back through layer {layer + 1}",
            f"{behind.symbol} = {weight.symbol}ᵀ {delta.symbol}",
            (weight, delta),
            behind,
            "The same weights carry the error back: each unit's error is the weighted sum of the errors of the units "
            "it feeds.",
            layer,
        )
        active = self.values[sub("x", layer)]
        slopes = Operand(f"φ'({sub('z', layer - 1)})", _slopes(self._dense.activation, active))
        result = Operand(sub("δ", layer - 1), behind.values * slopes.values)
        self.values[result.symbol] = result.values
        yield Operation(
            BACKWARD,
            f"Error of layer {layer}",
            f"{result.symbol} = {behind.symbol} ⊙ {slopes.symbol}",
            (behind, slopes),
            result,
            "Units that were silent (slope 0) get no error, so this image doesn't change their weights."
            if self._dense.activation == "relu"
            else "Each error is multiplied by the slope of the activation function where the unit is.",
            layer - 1,
        )

    def update(self) -> Iterator[Operation]:
        settings = self._settings
        factor = np.float32(1)
        if settings.clip:
            norm = float(np.sqrt(sum(float((one.astype(np.float64) ** 2).sum()) for one in self._gradients.values())))
            factor = np.float32(min(1.0, settings.clip / (norm + 1e-6)))
            yield Operation(
                UPDATE,
                "Clip the gradient",
                f"c = min(1, {settings.clip:g} / ‖∂L/∂θ‖)",
                (Operand("‖∂L/∂θ‖", np.array(norm, np.float32)),),
                Operand("c", np.array(factor, np.float32)),
                "All gradients are made smaller together if they are longer than the limit.",
            )
        for layer in range(self._dense.layers):
            for old in (self._weight(layer), self._bias(layer)):
                name = f"layers.{layer}.{'weight' if old.symbol.startswith('W') else 'bias'}"
                yield self._updated(name, old, factor)

    def _updated(self, name: str, old: Operand, factor: np.float32) -> Operation:
        settings = self._settings
        rate, decay, momentum = map(np.float32, (settings.learning_rate, settings.weight_decay, settings.momentum))
        gradient = self._gradients[name] * factor + decay * old.values
        direction = gradient + momentum * gradient if settings.nesterov else gradient
        self.after[name] = old.values - rate * direction
        of = f"∂L/∂{old.symbol}"
        term = f"c {of}" if settings.clip else of
        term = f"{term} + {settings.weight_decay:g} {old.symbol}" if settings.weight_decay else term
        factors = f"{settings.learning_rate:g}" + (f" · {1 + settings.momentum:g}" if settings.nesterov else "")
        layer, is_weight = int(name.split(".")[1]), name.endswith("weight")
        momentum_text = f" Momentum adds {settings.momentum:.0%} of the previous step; the first has none."
        return Operation(
            UPDATE,
            f"New {'weights' if is_weight else 'biases'} of layer {layer + 1}",
            f"{old.symbol} ← {old.symbol} - {factors} {f'({term})' if '+' in term else term}",
            (old, Operand(of, self._gradients[name])),
            Operand(f"Δ{old.symbol}", self.after[name] - old.values),
            "One step against the gradient, times the highest learning rate; training averages the "
            f"gradients of {counted(settings.batch_size, 'image')}."
            if is_weight
            else f"The same for the biases.{momentum_text if settings.momentum else ''}",
            layer,
        )

    def outcome(self, image: NDArray[np.uint8], before: Floats, label: int) -> Iterator[Operation]:
        """What the step did: the same image through the new weights."""
        new = _Steps(replace(self._dense, parameters=self.after))
        tuple(new.forward(image))
        tuple(new.loss(label))
        old, now = Operand("P", before), Operand("P new", new.probabilities())
        losses = f"L {self.values['L']:.4g} → {new.values['L']:.4g}"
        chances = f"P {float(old.values[label]):.1%} → {float(now.values[label]):.1%}"
        yield Operation(
            UPDATE,
            "After the step",
            f"{losses} · {chances}",
            (old,),
            now,
            "The same image with the new weights: its loss, and the probability of the class that the step aimed at.",
        )

    def probabilities(self) -> Floats:
        """(classes,), the outputs of the forward pass divided by their sum."""
        outputs = self.values["a"].astype(np.float64)
        divided: Floats = (outputs / max(outputs.sum(), np.finfo(np.float64).tiny)).astype(np.float32)
        return divided

    def _weight(self, layer: int) -> Operand:
        return Operand(sub("W", layer), self._dense.parameters[f"layers.{layer}.weight"])

    def _bias(self, layer: int) -> Operand:
        return Operand(sub("b", layer), self._dense.parameters[f"layers.{layer}.bias"])


def _about_loss(margin: float, classes: int) -> str:
    """The targets, and the least loss that they allow: that of outputs equal to them."""
    summed = "Binary cross-entropies, summed."
    if not margin:
        return f"{summed} They are 0 only where every output is its target."
    least = -classes * (margin * math.log(margin) + (1 - margin) * math.log1p(-margin))
    return (
        f"{summed} Targets are {1 - margin:g} and {margin:g} instead of 1 and 0, so the smallest possible loss is "
        f"{least:.2f}."
    )


def _sigmoid(values: Floats) -> Floats:
    outputs: Floats = np.exp(-np.logaddexp(np.float32(0), -values)).astype(np.float32)
    return outputs


def _activated(activation: str, values: Floats) -> Floats:
    if activation in ("tanh", "sigmoid"):
        return np.tanh(values) if activation == "tanh" else _sigmoid(values)
    below = values * (_LEAK if activation == "leaky_relu" else np.float32(0))
    activated: Floats = np.maximum(values, below)
    return activated


def _slopes(activation: str, outputs: Floats) -> Floats:
    if activation in ("tanh", "sigmoid"):
        one = np.float32(1)
        return one - outputs * outputs if activation == "tanh" else outputs * (one - outputs)
    slopes: Floats = np.where(outputs > 0, 1, _LEAK if activation == "leaky_relu" else 0).astype(np.float32)
    return slopes
