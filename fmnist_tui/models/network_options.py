"""The settings that the built-in networks have of their own; their names are those of the builders' arguments."""

from __future__ import annotations

from fmnist_tui.models.options import Option

CNN_ACTIVATIONS = ("relu", "leaky_relu", "gelu", "silu", "tanh")
DENSE_ACTIVATIONS = ("relu", "leaky_relu", "tanh", "sigmoid")

DENSE_OPTIONS = (
    Option(
        name="hidden",
        kind="ints",
        documentation="Units of each hidden layer, from the pixels on.",
        default=(300, 100),
        low=1,
        high=10_000,
    ),
    Option(
        name="activation",
        kind="str",
        documentation="Of the hidden layers.",
        default="relu",
        choices=DENSE_ACTIVATIONS,
    ),
)


def cnn_options(*, hidden_layers: int = 0, dropout: float = 0.0) -> tuple[Option, ...]:
    """The settings of a CNN, by default the given ones and those that v1 to v3 share."""
    return (
        Option(
            name="blocks",
            kind="int",
            documentation="Convolution blocks: a 3x3 convolution, its activation, normalisation, pooling over 2x2.",
            default=2,
            low=1,
            high=6,
        ),
        Option(
            name="width",
            kind="int",
            documentation="Filters of the first block; each further block has twice as many.",
            default=64,
            low=1,
            high=1024,
        ),
        Option(
            name="norm",
            kind="str",
            documentation=(
                "batch: batch normalisation in the blocks, layer normalisation in the hidden layers. layer: layer "
                "normalisation in both. none: neither."
            ),
            default="batch",
            choices=("batch", "layer", "none"),
        ),
        Option(
            name="hidden_layers",
            kind="int",
            documentation="Hidden layers between the blocks and the output.",
            default=hidden_layers,
            low=0,
            high=8,
        ),
        Option(
            name="hidden_units",
            kind="int",
            documentation="Units of each hidden layer.",
            default=1024,
            low=1,
            high=16_384,
        ),
        Option(
            name="activation",
            kind="str",
            documentation="Of the blocks and the hidden layers.",
            default="relu",
            choices=CNN_ACTIVATIONS,
        ),
        Option(
            name="dropout",
            kind="float",
            documentation="Probability of dropout after each block and each hidden layer.",
            default=dropout,
            low=0,
            high=1,
            below=True,
        ),
    )
