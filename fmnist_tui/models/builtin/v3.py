"""v3: v2 with dropout."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fmnist_tui.models.network_options import cnn_options
from fmnist_tui.models.spec import ImageShape, ModelSpec, Reported

if TYPE_CHECKING:
    from torch import nn


def build(image_shape: ImageShape, classes: int, **options: Any) -> nn.Module:
    """The convolution blocks and a deep head, with dropout after each block and each hidden layer."""
    from fmnist_tui.models.cnn import build_cnn

    return build_cnn(image_shape, classes, **{"hidden_layers": 2, "dropout": 0.1, **options})


SPEC = ModelSpec(
    name="v3",
    title="Regularised",
    build=build,
    what_changed="Dropout(0.1) after every block and hidden layer",
    why_it_helps="prevents overfitting",
    story=(
        "v2 with dropout: in training, a tenth of the features is set to zero at random, so that no unit can rely on "
        "a single other one. The original project's table mentions the FC layers in one place and all layers in "
        "another; its code, and ours, applies dropout after the convolution blocks too."
    ),
    reported=Reported(0.9319, 0.2689),
    options=cnn_options(hidden_layers=2, dropout=0.1),
)
