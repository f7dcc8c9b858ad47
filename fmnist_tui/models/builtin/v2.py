"""v2: v1 with two hidden layers before the output."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fmnist_tui.models.network_options import cnn_options
from fmnist_tui.models.spec import ImageShape, ModelSpec, Reported

if TYPE_CHECKING:
    from torch import nn


def build(image_shape: ImageShape, classes: int, **options: Any) -> nn.Module:
    """The convolution blocks and a deep head."""
    from fmnist_tui.models.cnn import build_cnn

    return build_cnn(image_shape, classes, **{"hidden_layers": 2, **options})


SPEC = ModelSpec(
    name="v2",
    title="Deep head",
    build=build,
    what_changed="two hidden FC layers (1024) + LayerNorm",
    why_it_helps="the deeper head learns more complex decision boundaries",
    story=(
        "Between the features and the outputs are two hidden layers of 1,024 units with layer normalisation. On "
        "Fashion-MNIST these are nearly fifty times v1's parameters, which also leaves a lot of room to memorise the "
        "training images."
    ),
    reported=Reported(0.9254, 0.2860),
    options=cnn_options(hidden_layers=2),
)
