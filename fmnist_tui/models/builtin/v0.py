"""v0: a dense network in NumPy, written by hand."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import TYPE_CHECKING

from fmnist_tui.models.hyperparameters import ORIGIN_PIXELS, Hyperparameters
from fmnist_tui.models.network_options import DENSE_OPTIONS
from fmnist_tui.models.spec import ImageShape, ModelSpec, Reported

if TYPE_CHECKING:
    from fmnist_tui.models.dense import DenseNetwork


def build(
    image_shape: ImageShape, classes: int, *, hidden: Sequence[int] = (300, 100), activation: str = "relu"
) -> DenseNetwork:
    """Pixels -> 300 (ReLU) -> 100 (ReLU) -> classes (sigmoid)."""
    from fmnist_tui.models.dense import DenseNetwork

    return DenseNetwork((prod(image_shape), *hidden, classes), activation=activation)


SPEC = ModelSpec(
    name="v0",
    title="Dense network by hand",
    build=build,
    engine="numpy",
    recipes={
        "tuned": Hyperparameters(
            epochs=30,
            batch_size=64,
            learning_rate=0.02,
            schedule="one_cycle",
            optimizer="sgd",
            momentum=0.9,
            init="he",
            target_margin=0.01,
            input_scale=None,
            input_offset=None,
        ),
        "origin": Hyperparameters(
            epochs=15,
            batch_size=1,
            learning_rate=1e-4,
            schedule="constant",
            optimizer="sgd",
            init="fan_out",
            target_margin=0.01,
            input_scale=ORIGIN_PIXELS[0],
            input_offset=ORIGIN_PIXELS[1],
        ),
    },
    loss="binary cross-entropy, summed over the outputs, one for each class",
    what_changed="baseline, NumPy",
    story=(
        "Every pixel is connected to each of 300 units, those to 100, and those to one sigmoid output a class. The "
        "forward pass, the backward pass and gradient descent are written out in NumPy: nothing is hidden in a "
        "framework. It doesn't know that two pixels are neighbours."
    ),
    reported=Reported(0.8748, 0.2177),
    options=DENSE_OPTIONS,
)
