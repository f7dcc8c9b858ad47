"""Layer tables are measured on built networks; the saved ones are what a measurement finds."""

from __future__ import annotations

import math
from collections import OrderedDict

import pytest
import torch
from torch import Tensor, nn

from fmnist_tui.models import layers
from fmnist_tui.models.fused_layers import Convolution, Dropout, ReluNormPool
from fmnist_tui.models.layer_table import Layer, LayerTable
from fmnist_tui.models.layers import layer_table, measure_layers
from fmnist_tui.models.registry import BUILT_IN, get_model
from fmnist_tui.models.spec import FASHION_MNIST_CLASSES, FASHION_MNIST_SHAPE, ImageShape, ModelSpec

KINDS: dict[str, type[nn.Module]] = {
    "Conv 3x3": Convolution,
    "ReLU": nn.ReLU,
    "BatchNorm": ReluNormPool,
    "LayerNorm": nn.LayerNorm,
    "Dropout 0.1": Dropout,
    "Flatten": nn.Flatten,
    "Linear": nn.Linear,
}


def measured(network: nn.Module, image_shape: ImageShape = (3, 8, 6)) -> LayerTable:
    return measure_layers(ModelSpec("mine", "A model", lambda *_: network), image_shape, 4)


@pytest.mark.parametrize("name", BUILT_IN)
def test_a_saved_table_is_what_a_measurement_finds(name: str) -> None:
    """If a model was changed on purpose: python -m fmnist_tui.models.layers."""
    assert measure_layers(get_model(name), FASHION_MNIST_SHAPE, FASHION_MNIST_CLASSES) == layer_table(get_model(name))


def output_shapes(network: nn.Sequential) -> dict[str, tuple[int, ...]]:
    """What each layer gives for one image, seen by forward hooks."""
    shapes: dict[str, tuple[int, ...]] = {}

    def note(name: str) -> None:
        def hook(_module: nn.Module, _inputs: tuple[Tensor, ...], output: Tensor) -> None:
            shapes[name] = tuple(output.shape[1:])

        network.get_submodule(name).register_forward_hook(hook)

    for name, _ in network.named_children():
        note(name)
    network.eval()(torch.zeros(1, 1, 28, 28))
    return shapes


def macs(module: nn.Module, output_shape: tuple[int, ...]) -> int:
    if isinstance(module, nn.Conv2d):
        per_value = module.in_channels // module.groups * math.prod(module.kernel_size)
        return per_value * math.prod(output_shape)
    return module.in_features * module.out_features if isinstance(module, nn.Linear) else 0


def rows_of(name: str, module: nn.Module) -> list[str]:
    """The rows of the layer table for a module: one that computes three layers has three."""
    return [name.replace("norm", what) for what in ("relu", "norm", "pool")] if type(module) is ReluNormPool else [name]


@pytest.mark.parametrize("name", ["v1", "v2", "v3"])
def test_the_layer_table_is_the_network(name: str) -> None:
    network = get_model(name).build(FASHION_MNIST_SHAPE, 10)
    assert isinstance(network, nn.Sequential)
    shapes = output_shapes(network)
    rows = layer_table(get_model(name)).layers
    expected = [row for child, module in network.named_children() for row in rows_of(child, module)]
    assert [row.name for row in rows] == expected
    for row in rows:
        if row.kind == "MaxPool 2":
            assert row.output_shape == shapes[row.name.replace("pool", "norm")], row.name
        if row.name not in shapes:
            assert (row.parameters, row.macs) == (0, 0), row.name
            continue
        module = network.get_submodule(row.name)
        assert type(module) is KINDS[row.kind], row.name
        assert row.output_shape == shapes[row.name] or type(module) is ReluNormPool, row.name
        assert row.parameters == sum(value.numel() for value in module.parameters()), row.name
        assert row.macs == macs(module, shapes[row.name]), row.name


def test_pytorchs_own_layers_are_named_and_counted() -> None:
    network = nn.Sequential(
        OrderedDict(
            conv=nn.Conv2d(3, 6, (3, 5), padding=(1, 2), groups=3),
            norm=nn.BatchNorm2d(6),
            act=nn.GELU(),
            pool=nn.MaxPool2d(2),
            drop=nn.Dropout2d(0.25),
            up=nn.ConvTranspose2d(6, 2, 2, stride=2),
            mean=nn.AvgPool2d((8, 6)),
            flat=nn.Flatten(),
            out=nn.Linear(2, 4, bias=False),
        )
    )
    assert measured(network).layers == (
        Layer("conv", "Conv 3x5", (6, 8, 6), 6 * 15 + 6, 6 * 48 * 15),
        Layer("norm", "BatchNorm", (6, 8, 6), 12),
        Layer("act", "GELU", (6, 8, 6)),
        Layer("pool", "MaxPool 2", (6, 4, 3)),
        Layer("drop", "Dropout 0.25", (6, 4, 3)),
        Layer("up", "ConvTranspose 2x2", (2, 8, 6), 6 * 2 * 4 + 2, 6 * 12 * 2 * 4),
        Layer("mean", "AvgPool 8x6", (2, 1, 1)),
        Layer("flat", "Flatten", (2,)),
        Layer("out", "Linear", (4,), 8, 8),
    )


class Shared(nn.Module):
    """A layer used twice, a weight of its own, a layer that is never called, and a frozen one."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(4))
        self.inner = nn.Linear(4, 4)
        self.unused = nn.Linear(2, 3)
        self.frozen = nn.Linear(4, 4).requires_grad_(requires_grad=False)

    def forward(self, images: Tensor) -> Tensor:
        """(n, 1, 2, 2) -> (n, 4)."""
        logits: Tensor = self.frozen(self.inner(self.inner(images.flatten(1)))) * self.scale
        return logits


def test_each_weight_counts_once_and_each_use_of_it_costs() -> None:
    network = Shared()
    table = measured(network, (1, 2, 2))
    assert [(layer.name, layer.parameters, layer.macs) for layer in table.layers] == [
        ("inner", 20, 16),
        ("inner", 0, 16),
        ("frozen", 0, 16),
        ("Shared", 4, 0),
        ("unused", 9, 0),
    ]
    assert table.parameters == sum(value.numel() for value in network.parameters() if value.requires_grad)


class Choosy(nn.Module):
    """It looks at its inputs' values, which tensors on the device "meta" don't have."""

    def __init__(self) -> None:
        super().__init__()
        self.out = nn.Linear(4, 2)

    def forward(self, images: Tensor) -> Tensor:
        """(n, 1, 2, 2) -> (n, 2)."""
        flat = images.flatten(1)
        logits: Tensor = self.out(flat if float(flat.sum()) == 0.0 else -flat)
        return logits


def test_a_module_that_needs_values_is_measured_on_the_cpu_and_draws_nothing() -> None:
    before = torch.random.get_rng_state()
    table = measure_layers(ModelSpec("mine", "A model", lambda *_: Choosy()), (1, 2, 2), 2)
    assert table.layers == (Layer("out", "Linear", (2,), 10, 8),)
    assert torch.equal(torch.random.get_rng_state(), before)


def test_a_module_that_fails_says_why() -> None:
    with pytest.raises(RuntimeError, match="shapes cannot be multiplied"):
        measured(nn.Sequential(nn.Flatten(), nn.Linear(5, 2)))


def test_other_images_are_measured_and_not_looked_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(layers, "_saved_tables", dict)
    layers._layer_table.cache_clear()
    v0, v1 = (layer_table(get_model(name), (3, 32, 32), 100) for name in ("v0", "v1"))
    layers._layer_table.cache_clear()
    assert v0.layers[0] == Layer("layers.0", "Linear", (300,), 3072 * 300 + 300, 3072 * 300)
    assert v0.layers[-1].output_shape == v1.layers[-1].output_shape == (100,)
    assert v1.layers[0] == Layer("conv1", "Conv 3x3", (64, 32, 32), 64 * 27 + 64, 64 * 1024 * 27)
