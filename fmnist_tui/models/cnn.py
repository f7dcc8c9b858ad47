"""The networks of v1 to v3, in PyTorch: images (n, channels, height, width), float32, to logits (n, classes)."""

from __future__ import annotations

from collections import OrderedDict

from torch import nn

from fmnist_tui.models.fused_layers import Convolution, Dropout, ReluNormPool
from fmnist_tui.models.spec import ImageShape

HIDDEN = 1024


def build_cnn(image_shape: ImageShape, classes: int, *, hidden_layers: int = 0, dropout: float = 0.0) -> nn.Sequential:
    """An untrained network, its weights drawn from torch's global generator.

    The layers have the same names in all variants, so that their weights can be compared.

    Args:
        image_shape: Channels, height and width; height and width at least 8 pixels.
        classes: Number of outputs.
        hidden_layers: Layers of 1,024 units with layer normalisation before the output.
        dropout: Probability of dropout after each block and each hidden layer; 0 for none.

    Raises:
        ValueError: The images are too small for two blocks.
    """
    channels, height, width = image_shape
    features = 128 * _pooled(height) * _pooled(width)
    if not features:
        raise ValueError(f"images of {height}x{width} pixels are too small for this network: it needs 8x8")
    layers = OrderedDict(_convolutions(channels, dropout))
    layers["flatten"] = nn.Flatten()
    for number in range(1, hidden_layers + 1):
        layers |= _hidden_layer(number, features, dropout)
        features = HIDDEN
    layers["output"] = nn.Linear(features, classes)
    return nn.Sequential(layers)


def _pooled(side: int) -> int:
    """Pixels along one side after both blocks."""
    return max(0, (side // 2 - 2) // 2)


def _convolutions(channels: int, dropout: float) -> dict[str, nn.Module]:
    """Two blocks, for Fashion-MNIST (n, 1, 28, 28) -> (n, 64, 14, 14) -> (n, 128, 6, 6)."""
    return {
        "conv1": Convolution(channels, 64, 3, padding=1),
        "norm1": ReluNormPool(64),
        **_dropout("dropout1", dropout),
        "conv2": Convolution(64, 128, 3),
        "norm2": ReluNormPool(128),
        **_dropout("dropout2", dropout),
    }


def _hidden_layer(number: int, inputs: int, dropout: float) -> OrderedDict[str, nn.Module]:
    return OrderedDict(
        {
            f"hidden{number}": nn.Linear(inputs, HIDDEN),
            f"hidden_relu{number}": nn.ReLU(),
            f"hidden_norm{number}": nn.LayerNorm(HIDDEN),
            **_dropout(f"hidden_dropout{number}", dropout),
        }
    )


def _dropout(name: str, p: float) -> dict[str, nn.Module]:
    return {name: Dropout(p)} if p else {}
