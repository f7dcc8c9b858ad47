"""The networks of v1 to v3, in PyTorch: images (n, channels, height, width), float32, to logits (n, classes)."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping

from torch import nn

from fmnist_tui.models.fused_layers import Convolution, Dropout, ReluNormPool
from fmnist_tui.models.spec import ImageShape

_ACTIVATIONS: Mapping[str, Callable[[], nn.Module]] = {
    "relu": nn.ReLU,
    "leaky_relu": nn.LeakyReLU,
    "gelu": nn.GELU,
    "silu": nn.SiLU,
    "tanh": nn.Tanh,
}


def build_cnn(
    image_shape: ImageShape,
    classes: int,
    *,
    blocks: int = 2,
    width: int = 64,
    norm: str = "batch",
    hidden_layers: int = 0,
    hidden_units: int = 1024,
    activation: str = "relu",
    dropout: float = 0.0,
) -> nn.Sequential:
    """An untrained network, its weights drawn from torch's global generator.

    The layers have the same names in all variants, so that their weights can be compared.

    Args:
        image_shape: Channels, height and width; for two blocks, height and width at least 8 pixels.
        classes: Number of outputs.
        blocks: Convolution blocks, as are all following ones in `network_options.cnn_options`.
        width: Filters of the first block.
        norm: "batch", "layer" or "none".
        hidden_layers: Layers with layer normalisation before the output.
        hidden_units: Units of each.
        activation: Of blocks and hidden layers.
        dropout: Probability of dropout after each block and each hidden layer; 0 for none.

    Raises:
        ValueError: The images are too small for so many blocks.
    """
    channels, height, image_width = image_shape
    filters = width * 2 ** (blocks - 1)
    features = filters * _pooled(height, blocks) * _pooled(image_width, blocks)
    if not features:
        raise ValueError(_too_small(height, image_width, blocks))
    layers: OrderedDict[str, nn.Module] = OrderedDict()
    for number in range(1, blocks + 1):
        layers |= _block(number, channels, width * 2 ** (number - 1), norm, activation)
        layers |= _dropout(f"dropout{number}", dropout)
        channels = width * 2 ** (number - 1)
    layers["flatten"] = nn.Flatten()
    for number in range(1, hidden_layers + 1):
        layers[f"hidden{number}"] = nn.Linear(features, hidden_units)
        layers[f"hidden_{activation}{number}"] = _ACTIVATIONS[activation]()
        if norm != "none":
            layers[f"hidden_norm{number}"] = nn.LayerNorm(hidden_units)
        layers |= _dropout(f"hidden_dropout{number}", dropout)
        features = hidden_units
    layers["output"] = nn.Linear(features, classes)
    return nn.Sequential(layers)


def _padding(block: int) -> int:
    """The second block's convolution has none, as in the original project; all others keep the image's size."""
    return 0 if block == 2 else 1


def _pooled(side: int, blocks: int) -> int:
    """Pixels along one side after so many blocks."""
    for block in range(1, blocks + 1):
        side = max(0, side - 2 + 2 * _padding(block)) // 2
    return side


def _too_small(height: int, width: int, blocks: int) -> str:
    needed = next(side for side in range(1, 2 ** (blocks + 2)) if _pooled(side, blocks))
    what = "this network" if blocks == 2 else f"a network of {blocks} blocks"
    return f"images of {height}x{width} pixels are too small for {what}: it needs {needed}x{needed}"


def _block(number: int, channels: int, filters: int, norm: str, activation: str) -> dict[str, nn.Module]:
    """For Fashion-MNIST, (n, 1, 28, 28) -> (n, 64, 14, 14) -> (n, 128, 6, 6) -> (n, 256, 3, 3) -> (n, 512, 1, 1)."""
    convolution = {f"conv{number}": Convolution(channels, filters, 3, padding=_padding(number))}
    if norm == "batch" and activation == "relu":
        return {**convolution, f"norm{number}": ReluNormPool(filters)}
    norms: Mapping[str, Callable[[], nn.Module]] = {
        "batch": lambda: nn.BatchNorm2d(filters),
        "layer": lambda: nn.GroupNorm(1, filters),  # over channels, height and width
    }
    return {
        **convolution,
        f"{activation}{number}": _ACTIVATIONS[activation](),
        **({f"norm{number}": norms[norm]()} if norm in norms else {}),
        f"pool{number}": nn.MaxPool2d(2),
    }


def _dropout(name: str, p: float) -> dict[str, nn.Module]:
    return {name: Dropout(p)} if p else {}
