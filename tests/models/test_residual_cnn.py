from __future__ import annotations

import pytest
import torch
from torch import nn

from fmnist_tui.models.registry import get_model
from fmnist_tui.models.residual_cnn import Residual, build_residual_cnn


def parameters(name: str) -> int:
    network = get_model(name).build((1, 28, 28), 10)
    assert isinstance(network, nn.Module)
    return sum(value.numel() for value in network.parameters())


def test_v4_has_under_an_eighth_of_v3s_parameters() -> None:
    count = {name: parameters(name) for name in ("v3", "v4")}
    assert count["v4"] == sum(
        [
            9 * 32 + 32 + 64,
            9 * 32 * 64 + 64 + 128,
            9 * 64 * 64 + 64 + 128,
            9 * 64 * 128 + 128 + 256,
            9 * 128 * 176 + 176 + 352,
            9 * 176 * 176 + 176 + 352,
            176 * 9 * 10 + 10,
        ]
    )
    assert count["v4"] < count["v3"] / 8


def test_a_residual_block_adds_to_its_input_and_nothing_where_the_convolution_is_negative() -> None:
    block = Residual(2).eval()
    assert block.conv.bias is not None
    nn.init.zeros_(block.conv.weight)
    nn.init.constant_(block.conv.bias, -1.0)
    images = torch.randn(1, 2, 5, 5)
    with torch.no_grad():
        assert torch.equal(block(images), images)
        nn.init.constant_(block.conv.bias, 3.0)
        assert torch.allclose(block(images), images + 3.0, atol=1e-4)


def test_any_images_of_eight_pixels_or_more_become_logits() -> None:
    network = build_residual_cnn((3, 8, 20), 7, width=4, last_width=6, dropout=0.5).eval()
    assert network(torch.rand(2, 3, 8, 20)).shape == (2, 7)
    with pytest.raises(ValueError, match="images of 20x7 pixels are too small for this network: it needs 8x8"):
        build_residual_cnn((1, 7, 20), 7)
