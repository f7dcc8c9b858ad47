"""A network's layers as a table, worked out without importing PyTorch."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

SIZES = (784, 300, 100, 10)
"""Of v0's layers, from the pixels to the outputs."""


@dataclass(frozen=True)
class Layer:
    """One row of the table.

    Attributes:
        name: The layer's name in the weights file, or what it does where it has no weights.
        kind: What it is, "Conv 3x3".
        output_shape: Of one image, channels first.
        parameters: Trained ones.
        multiply_adds: For one image; normalisation, pooling and activations are not counted.
    """

    name: str
    kind: str
    output_shape: tuple[int, ...]
    parameters: int = 0
    multiply_adds: int = 0


def dense_layers() -> tuple[Layer, ...]:
    """v0's."""
    rows: list[Layer] = []
    last = len(SIZES) - 2
    for number in range(last + 1):
        rows.append(_linear(f"layers.{number}", SIZES[number], SIZES[number + 1]))
        rows.append(_plain("sigmoid" if number == last else f"relu{number}", rows[-1].output_shape))
    return tuple(rows)


def cnn_layers(version: str) -> tuple[Layer, ...]:
    """Those of "v1", "v2" or "v3"."""
    dropout = version == "v3"
    rows = [*_block(1, 1, (64, 28, 28), dropout=dropout), *_block(2, 64, (128, 12, 12), dropout=dropout)]
    features = prod(rows[-1].output_shape)
    rows.append(_plain("flatten", (features,)))
    if version != "v1":
        rows += [*_hidden(1, features, dropout=dropout), *_hidden(2, 1024, dropout=dropout)]
    rows.append(_linear("output", prod(rows[-1].output_shape), 10))
    return tuple(rows)


def _block(number: int, channels: int, shape: tuple[int, int, int], *, dropout: bool) -> list[Layer]:
    out, height, width = shape
    pooled = (out, height // 2, width // 2)
    weights = out * channels * 9
    return [
        Layer(f"conv{number}", "Conv 3x3", shape, weights + out, weights * height * width),
        _plain(f"relu{number}", shape),
        Layer(f"norm{number}", "BatchNorm", shape, 2 * out),
        Layer(f"pool{number}", "MaxPool 2", pooled),
        *([Layer(f"dropout{number}", "Dropout 0.1", pooled)] if dropout else []),
    ]


def _hidden(number: int, inputs: int, *, dropout: bool) -> list[Layer]:
    return [
        _linear(f"hidden{number}", inputs, 1024),
        _plain(f"hidden_relu{number}", (1024,)),
        Layer(f"hidden_norm{number}", "LayerNorm", (1024,), 2 * 1024),
        *([Layer(f"hidden_dropout{number}", "Dropout 0.1", (1024,))] if dropout else []),
    ]


def _linear(name: str, inputs: int, outputs: int) -> Layer:
    return Layer(name, "Linear", (outputs,), inputs * outputs + outputs, inputs * outputs)


def _plain(name: str, shape: tuple[int, ...]) -> Layer:
    kinds = {"relu": "ReLU", "sigmoid": "Sigmoid", "flatten": "Flatten"}
    kind = next(kind for word, kind in kinds.items() if word in name)
    return Layer(name, kind, shape)
