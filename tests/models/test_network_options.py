"""The built-in networks with settings of their own."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from fmnist_tui.models.dense import DenseNetwork, initial_parameters, loss_of
from fmnist_tui.models.layer_table import LayerTable
from fmnist_tui.models.layers import layer_table
from fmnist_tui.models.network_options import CNN_ACTIVATIONS, DENSE_ACTIVATIONS
from fmnist_tui.models.registry import BUILT_IN, get_model
from fmnist_tui.models.spec import FASHION_MNIST_SHAPE


def table(name: str, **options: Any) -> LayerTable:
    return layer_table(get_model(name), options=tuple(options.items()))


def kinds(found: LayerTable) -> list[str]:
    return [layer.kind for layer in found.layers]


@pytest.mark.parametrize("name", BUILT_IN)
def test_the_documented_defaults_build_the_same_network(name: str) -> None:
    model = get_model(name)
    defaults = {option.name: option.default for option in model.options}
    torch.manual_seed(0)
    usual = model.build(FASHION_MNIST_SHAPE, 10)
    torch.manual_seed(0)
    spelt_out = model.build(FASHION_MNIST_SHAPE, 10, **defaults)
    assert table(name, **defaults) == table(name)
    if isinstance(usual, nn.Module):
        assert isinstance(spelt_out, nn.Module)
        assert str(usual) == str(spelt_out)
        for value, other in zip(usual.state_dict().values(), spelt_out.state_dict().values(), strict=True):
            assert torch.equal(value, other)


def test_each_block_halves_the_image_and_doubles_the_filters() -> None:
    shapes = [layer.output_shape for layer in table("v1", blocks=4, width=8).layers if layer.kind == "MaxPool 2"]
    assert shapes == [(8, 14, 14), (16, 6, 6), (32, 3, 3), (64, 1, 1)]
    one = table("v1", blocks=1)
    assert [layer.output_shape for layer in one.layers if layer.kind == "MaxPool 2"] == [(64, 14, 14)]
    assert one.macs == 28 * 28 * 64 * 9 + 64 * 14 * 14 * 10


def test_too_many_blocks_for_the_images_are_reported() -> None:
    with pytest.raises(ValueError, match=r"^images of 28x28 pixels are too small for a network of 5 blocks: it needs"):
        table("v1", blocks=5)


def test_normalisation_can_be_changed_and_left_out() -> None:
    assert {"BatchNorm", "LayerNorm"} <= set(kinds(table("v2")))
    assert {"GroupNorm", "LayerNorm"} <= set(kinds(table("v2", norm="layer")))
    assert not [kind for kind in kinds(table("v2", norm="none")) if "Norm" in kind]


def test_hidden_layers_and_dropout_can_be_added_to_any_cnn() -> None:
    assert kinds(table("v1", hidden_layers=2, dropout=0.1)) == kinds(table("v3"))
    assert table("v1", hidden_layers=2, hidden_units=30).parameters == table("v2", hidden_units=30).parameters
    assert kinds(table("v1", dropout=0.25)).count("Dropout 0.25") == 2


@pytest.mark.parametrize("activation", CNN_ACTIVATIONS)
@pytest.mark.parametrize("norm", ["batch", "layer", "none"])
def test_all_combinations_train_and_evaluate(activation: str, norm: str) -> None:
    network = get_model("v3").build((1, 8, 8), 3, activation=activation, norm=norm, width=4, hidden_units=5)
    assert isinstance(network, nn.Module)
    images = torch.rand(6, 1, 8, 8)
    network.train()(images).square().sum().backward()
    assert all(value.grad is not None and value.grad.isfinite().all() for value in network.parameters())
    assert network.eval()(images).shape == (6, 3)


@pytest.mark.parametrize("activation", DENSE_ACTIVATIONS)
def test_v0s_gradients_are_those_of_its_loss(activation: str) -> None:
    network = DenseNetwork((5, 4, 3, 2), np.float64, activation)
    rng = np.random.default_rng(0)
    network.load(initial_parameters(network.sizes, "he", rng, np.float64))
    images, targets = rng.normal(size=(6, 5)), rng.uniform(size=(6, 2))
    network.forward(images)
    network.backward(images, targets)
    for place in range(0, network.flat_parameters.size, 3):
        ends = []
        for change in (1e-6, -2e-6):
            network.flat_parameters[place] += change
            ends.append(float(loss_of(network.forward(images), targets).mean()))
        network.flat_parameters[place] += 1e-6
        assert network.flat_gradients[place] == pytest.approx((ends[0] - ends[1]) / 2e-6, rel=1e-4, abs=1e-8)


def test_v0s_hidden_layers_follow_its_settings() -> None:
    found = table("v0", hidden=(30, 20, 10), activation="tanh")
    assert [layer.output_shape for layer in found.layers[::2]] == [(30,), (20,), (10,), (10,)]
    assert kinds(found).count("Tanh") == 3
