from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor, nn

from fmnist_tui.models.catalogue import version
from fmnist_tui.models.cnn import build_cnn
from fmnist_tui.models.fused_layers import Convolution, Dropout, ReluNormPool

CNNS = ("v1", "v2", "v3")
KINDS: dict[str, type[nn.Module]] = {
    "Conv 3x3": Convolution,
    "ReLU": nn.ReLU,
    "BatchNorm": ReluNormPool,
    "LayerNorm": nn.LayerNorm,
    "Dropout 0.1": Dropout,
    "Flatten": nn.Flatten,
    "Linear": nn.Linear,
}


def output_shapes(network: nn.Sequential) -> dict[str, tuple[int, ...]]:
    """What each layer gives for one image, told by forward hooks."""
    shapes: dict[str, tuple[int, ...]] = {}

    def note(name: str) -> None:
        def hook(_module: nn.Module, _inputs: tuple[Tensor, ...], output: Tensor) -> None:
            shapes[name] = tuple(output.shape[1:])

        network.get_submodule(name).register_forward_hook(hook)

    for name, _ in network.named_children():
        note(name)
    network.eval()(torch.zeros(1, 1, 28, 28))
    return shapes


def multiply_adds(module: nn.Module, output_shape: tuple[int, ...]) -> int:
    if isinstance(module, nn.Conv2d):
        a_value = module.in_channels // module.groups * math.prod(module.kernel_size)
        return a_value * math.prod(output_shape)
    return module.in_features * module.out_features if isinstance(module, nn.Linear) else 0


@pytest.mark.parametrize(("name", "parameters"), [("v1", 120_970), ("v2", 5_858_442), ("v3", 5_858_442)])
def test_the_networks_have_the_origins_number_of_parameters(name: str, parameters: int) -> None:
    assert sum(value.numel() for value in build_cnn(name).parameters()) == parameters


def told_as(name: str, module: nn.Module) -> list[str]:
    """The rows of the layer table that a module is: three layers run as one."""
    return [name.replace("norm", what) for what in ("relu", "norm", "pool")] if type(module) is ReluNormPool else [name]


@pytest.mark.parametrize("name", CNNS)
def test_the_layer_table_is_the_network(name: str) -> None:
    network = build_cnn(name)
    shapes = output_shapes(network)
    rows = version(name).layers
    told = [part for child, module in network.named_children() for part in told_as(child, module)]
    assert [row.name for row in rows] == told
    for row in rows:
        if row.kind == "MaxPool 2":
            assert row.output_shape == shapes[row.name.replace("pool", "norm")], row.name
        if row.name not in shapes:
            assert (row.parameters, row.multiply_adds) == (0, 0), row.name
            continue
        module = network.get_submodule(row.name)
        assert type(module) is KINDS[row.kind], row.name
        assert row.output_shape == shapes[row.name] or type(module) is ReluNormPool, row.name
        assert row.parameters == sum(value.numel() for value in module.parameters()), row.name
        assert row.multiply_adds == multiply_adds(module, shapes[row.name]), row.name


@pytest.mark.parametrize("name", CNNS)
def test_filters_and_dropout_are_what_the_table_calls_them(name: str) -> None:
    for module in build_cnn(name):
        if isinstance(module, nn.Conv2d):
            assert module.kernel_size == (3, 3)
        elif isinstance(module, Dropout):
            assert module.p == 0.1


def test_only_the_first_convolution_is_padded() -> None:
    for name in CNNS:
        paddings = [module.padding for module in build_cnn(name) if isinstance(module, nn.Conv2d)]
        assert paddings == [(1, 1), (0, 0)]


def test_v3_is_v2_with_a_dropout_after_each_block_and_each_hidden_layer() -> None:
    v3 = list(build_cnn("v3").named_children())
    assert [name for name, _ in v3 if "dropout" not in name] == [name for name, _ in build_cnn("v2").named_children()]
    before = [v3[place - 1][0] for place, (_, module) in enumerate(v3) if isinstance(module, Dropout)]
    assert before == ["norm1", "norm2", "hidden_norm1", "hidden_norm2"]
    assert list(build_cnn("v3").state_dict()) == list(build_cnn("v2").state_dict())


@pytest.mark.parametrize("name", CNNS)
def test_images_become_logits_not_probabilities(name: str) -> None:
    torch.manual_seed(0)
    logits = build_cnn(name).eval()(torch.rand(3, 1, 28, 28))
    assert logits.shape == (3, 10)
    assert (logits < 0).any()
    assert not torch.allclose(logits.sum(dim=1), torch.ones(3))
