"""v1 to v3, in PyTorch. Images come as (n, 1, 28, 28) float, logits leave as (n, 10)."""

from __future__ import annotations

from collections import OrderedDict

from torch import nn

from fmnist_tui.models.fused_layers import Convolution, Dropout, ReluNormPool

FEATURES = 128 * 6 * 6
HIDDEN = 1024
DROPOUT = 0.1


def build_cnn(version: str) -> nn.Sequential:
    """The untrained network of "v1", "v2" or "v3", weights drawn from torch's global generator.

    The layers have the same names in all three, so that their weights can be compared.
    """
    dropout = DROPOUT if version == "v3" else 0.0
    layers = OrderedDict(_convolutions(dropout))
    layers["flatten"] = nn.Flatten()
    if version == "v1":
        layers["output"] = nn.Linear(FEATURES, 10)
    else:
        layers |= _hidden_layer(1, FEATURES, dropout) | _hidden_layer(2, HIDDEN, dropout)
        layers["output"] = nn.Linear(HIDDEN, 10)
    return nn.Sequential(layers)


def _convolutions(dropout: float) -> dict[str, nn.Module]:
    """Two blocks: (n, 1, 28, 28) -> (n, 64, 14, 14) -> (n, 128, 6, 6)."""
    return {
        "conv1": Convolution(1, 64, 3, padding=1),
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
