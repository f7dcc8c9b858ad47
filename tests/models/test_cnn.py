from __future__ import annotations

import pytest
import torch
from torch import nn

from fmnist_tui.models.fused_layers import Dropout
from fmnist_tui.models.registry import get_model
from fmnist_tui.models.spec import FASHION_MNIST_SHAPE, ImageShape

CNNS = ("v1", "v2", "v3")


def built(name: str, image_shape: ImageShape = FASHION_MNIST_SHAPE, classes: int = 10) -> nn.Sequential:
    network = get_model(name).build(image_shape, classes)
    assert isinstance(network, nn.Sequential)
    return network


@pytest.mark.parametrize(("name", "parameters"), [("v1", 120_970), ("v2", 5_858_442), ("v3", 5_858_442)])
def test_the_networks_have_the_original_projects_number_of_parameters(name: str, parameters: int) -> None:
    assert sum(value.numel() for value in built(name).parameters()) == parameters


@pytest.mark.parametrize("name", CNNS)
def test_filters_and_dropout_are_what_the_table_calls_them(name: str) -> None:
    for module in built(name):
        if isinstance(module, nn.Conv2d):
            assert module.kernel_size == (3, 3)
        elif isinstance(module, Dropout):
            assert module.p == 0.1


def test_only_the_first_convolution_is_padded() -> None:
    for name in CNNS:
        paddings = [module.padding for module in built(name) if isinstance(module, nn.Conv2d)]
        assert paddings == [(1, 1), (0, 0)]


def test_v3_is_v2_with_a_dropout_after_each_block_and_each_hidden_layer() -> None:
    v3 = list(built("v3").named_children())
    assert [name for name, _ in v3 if "dropout" not in name] == [name for name, _ in built("v2").named_children()]
    before = [v3[place - 1][0] for place, (_, module) in enumerate(v3) if isinstance(module, Dropout)]
    assert before == ["norm1", "norm2", "hidden_norm1", "hidden_norm2"]
    assert list(built("v3").state_dict()) == list(built("v2").state_dict())


@pytest.mark.parametrize("name", CNNS)
def test_images_become_logits_not_probabilities(name: str) -> None:
    torch.manual_seed(0)
    logits = built(name).eval()(torch.rand(3, 1, 28, 28))
    assert logits.shape == (3, 10)
    assert (logits < 0).any()
    assert not torch.allclose(logits.sum(dim=1), torch.ones(3))


@pytest.mark.parametrize("name", CNNS)
def test_any_image_shape_and_number_of_classes_can_be_built(name: str) -> None:
    assert built(name, (3, 32, 40), 7).eval()(torch.rand(2, 3, 32, 40)).shape == (2, 7)


def test_images_too_small_for_two_blocks_are_refused() -> None:
    assert built("v1", (1, 8, 8)).eval()(torch.rand(1, 1, 8, 8)).shape == (1, 10)
    with pytest.raises(ValueError, match="images of 5x28 pixels are too small"):
        built("v1", (1, 5, 28))
