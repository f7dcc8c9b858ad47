"""The network of v4, in PyTorch: images (n, channels, height, width), float32, to logits (n, classes)."""

from __future__ import annotations

from collections import OrderedDict

import torch.nn.functional as F
from torch import Tensor, nn

from fmnist_tui.models.fused_layers import Convolution, Dropout, ReluNormPool
from fmnist_tui.models.spec import ImageShape

_SMALLEST = 8
"""Pixels: each side is halved three times."""


class Residual(nn.Module):
    """x + relu(norm(conv(x))): a 3x3 convolution that starts from what it was given (He et al., 2016)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv = Convolution(channels, channels, 3, padding=1)
        self.norm = nn.BatchNorm2d(channels)

    def forward(self, inputs: Tensor) -> Tensor:
        """(n, channels, height, width), as is the result."""
        return inputs + F.relu(self.norm(self.conv(inputs)))


def build_residual_cnn(
    image_shape: ImageShape, classes: int, *, width: int = 32, last_width: int = 176, dropout: float = 0.0
) -> nn.Sequential:
    """An untrained network, its weights drawn from torch's global generator.

    For Fashion-MNIST: (n, 1, 28, 28) -> (n, 32, 14, 14) -> (n, 64, 7, 7) -> (n, 128, 3, 3) -> (n, 176, 3, 3) -> logits.

    Args:
        image_shape: Channels, height and width; height and width at least 8 pixels.
        classes: Number of outputs.
        width: Filters of the first block; the second has twice, the third four times as many.
        last_width: Filters of the last block.
        dropout: Probability of dropout before the output; 0 for none.

    Raises:
        ValueError: The images are too small.
    """
    channels, height, image_width = image_shape
    if min(height, image_width) < _SMALLEST:
        raise ValueError(
            f"images of {image_width}x{height} pixels are too small for this network: it needs {_SMALLEST}x{_SMALLEST}"
        )
    layers: OrderedDict[str, nn.Module] = OrderedDict()
    for number, filters in enumerate((width, 2 * width), 1):
        layers[f"conv{number}"] = Convolution(channels, filters, 3, padding=1)
        layers[f"norm{number}"] = ReluNormPool(filters)
        channels = filters
    layers["residual2"] = Residual(channels)
    layers |= _convolution(3, channels, 4 * width)
    layers["pool3"] = nn.MaxPool2d(2)
    layers |= _convolution(4, 4 * width, last_width)
    layers["residual4"] = Residual(last_width)
    layers["flatten"] = nn.Flatten()
    if dropout:
        layers["dropout"] = Dropout(dropout)
    layers["output"] = nn.Linear(last_width * (height // 8) * (image_width // 8), classes)
    return nn.Sequential(layers)


def _convolution(number: int, channels: int, filters: int) -> dict[str, nn.Module]:
    return {
        f"conv{number}": Convolution(channels, filters, 3, padding=1),
        f"norm{number}": nn.BatchNorm2d(filters),
        f"relu{number}": nn.ReLU(),
    }
