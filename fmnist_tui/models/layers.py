"""A network's layers, parameters and MACs, measured on the built network.

PyTorch is slow to import and may be missing, so the tables of the built-in models for Fashion-MNIST are saved in
layer_tables.json, which a test compares with the measurement. `python -m fmnist_tui.models.layers` writes it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import astuple
from functools import cache
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fmnist_tui.models.layer_table import Layer, LayerTable
from fmnist_tui.models.spec import FASHION_MNIST_CLASSES, FASHION_MNIST_SHAPE, ImageShape, ModelSpec

if TYPE_CHECKING:
    from torch import Tensor, nn

    from fmnist_tui.models.dense import DenseNetwork

_SAVED = Path(__file__).with_name("layer_tables.json")


Options = tuple[tuple[str, Any], ...]
"""Settings of a model that differ from its own, as pairs of name and value."""


def saved_table(
    spec: ModelSpec, image_shape: ImageShape = FASHION_MNIST_SHAPE, classes: int = FASHION_MNIST_CLASSES
) -> LayerTable | None:
    """The model's layers for such images if they are saved: then nothing has to be built.

    A custom model's were saved when it was named.
    """
    if (source := spec.source) is not None:
        same = (source.image_shape, source.classes) == (image_shape, classes)
        return source.table if same and source.layers else None
    fashion_mnist = (image_shape, classes) == (FASHION_MNIST_SHAPE, FASHION_MNIST_CLASSES)
    return _saved_tables().get(spec.name) if fashion_mnist else None


def layer_table(
    spec: ModelSpec,
    image_shape: ImageShape = FASHION_MNIST_SHAPE,
    classes: int = FASHION_MNIST_CLASSES,
    options: Options = (),
) -> LayerTable:
    """The model's layers for such images: the saved table if there is one, else measured.

    Args:
        spec: The model.
        image_shape: Channels, height and width.
        classes: Number of classes.
        options: Settings of the model that differ from its own.

    Those of a custom model are as they were when it was named: its code isn't run for a table.

    Raises:
        ImportError: It has to be measured, and PyTorch is missing.
    """
    if spec.source is not None:
        return spec.source.table
    return _layer_table(spec, image_shape, classes, options)


@cache
def _layer_table(spec: ModelSpec, image_shape: ImageShape, classes: int, options: Options) -> LayerTable:
    saved = None if options else saved_table(spec, image_shape, classes)
    return saved or measure_layers(spec, image_shape, classes, options)


def measure_layers(spec: ModelSpec, image_shape: ImageShape, classes: int, options: Options = ()) -> LayerTable:
    """Build the network and read its layers: of a PyTorch model by passing a zero image through it.

    That is done without memory or arithmetic (on the device "meta") if the module allows it, and leaves torch's random
    number generators as they were.

    Raises:
        ImportError: PyTorch is needed and missing.
    """
    if spec.engine == "numpy":
        network: Any = spec.build(image_shape, classes, **dict(options))
        return LayerTable(tuple(_dense_layers(network)))
    return LayerTable(_module_layers(lambda: spec.build(image_shape, classes, **dict(options)), image_shape))


@cache
def _saved_tables() -> dict[str, LayerTable]:
    saved = json.loads(_SAVED.read_text(encoding="utf-8"))
    return {
        name: LayerTable(tuple(Layer(layer, kind, tuple(shape), *counts) for layer, kind, shape, *counts in rows))
        for name, rows in saved.items()
    }


_ACTIVATIONS = {"relu": "ReLU", "leaky_relu": "LeakyReLU", "tanh": "Tanh", "sigmoid": "Sigmoid"}


def _dense_layers(network: DenseNetwork) -> Iterator[Layer]:
    last = len(network.sizes) - 2
    for number in range(last + 1):
        weight, bias = (network.parameters[f"layers.{number}.{name}"] for name in ("weight", "bias"))
        yield Layer(f"layers.{number}", "Linear", bias.shape, weight.size + bias.size, weight.size)
        kind = "Sigmoid" if number == last else _ACTIVATIONS[network.activation]
        name = "sigmoid" if number == last else f"{network.activation}{number}"
        yield Layer(name, kind, bias.shape)


def layers_of(network: nn.Module, image_shape: ImageShape) -> tuple[Layer, ...]:
    """The layers of a network that is built, read by passing a zero image through it; it is left in evaluation mode."""
    import torch

    return _Trace(network).of(torch.zeros(1, *image_shape))


def _module_layers(build: Callable[[], Any], image_shape: ImageShape) -> tuple[Layer, ...]:
    import torch

    try:
        with torch.device("meta"):
            return _Trace(build()).of(torch.zeros(1, *image_shape))
    except RuntimeError:  # the module looks at values, which meta tensors don't have
        with torch.random.fork_rng(devices=[]):
            return _Trace(build()).of(torch.zeros(1, *image_shape))


class _Trace:
    """Follows one batch through a module and notes each layer: a module without children, or with weights of its own.

    Weights count where they are used first; those of modules that were not called come last.
    """

    def __init__(self, network: nn.Module) -> None:
        self._network = network
        self._layers: list[Layer] = []
        self._counted: set[int] = set()

    def of(self, images: Tensor) -> tuple[Layer, ...]:
        import torch

        named = {module: name or type(module).__name__ for name, module in self._network.named_modules()}
        modules = [module for module in named if not [*module.children()] or [*module.parameters(recurse=False)]]

        def note(module: nn.Module, inputs: tuple[Any, ...], output: Any) -> None:
            self._layers += _rows(
                named[module], module, inputs[0] if inputs else None, output, self._parameters(module)
            )

        hooks = [module.register_forward_hook(note) for module in modules]
        try:
            with torch.no_grad():
                self._network.eval()(images)
        finally:
            for hook in hooks:
                hook.remove()
        uncalled = ((module, self._parameters(module)) for module in modules)
        return (*self._layers, *(Layer(named[one], _kind(one), (), count) for one, count in uncalled if count))

    def _parameters(self, module: nn.Module) -> int:
        """How many parameters the module has that weren't counted yet."""
        new = {id(value): value for value in module.parameters(recurse=False) if id(value) not in self._counted}
        self._counted.update(new)
        return sum(value.numel() for value in new.values() if value.requires_grad)


def _rows(name: str, module: nn.Module, inputs: Any, output: Any, parameters: int) -> list[Layer]:
    from fmnist_tui.models.fused_layers import ReluNormPool

    shape = _shape(output)
    if isinstance(module, ReluNormPool):
        relu, pool = (name.replace("norm", part) for part in ("relu", "pool"))
        unpooled = _shape(inputs)
        norm = Layer(name, "BatchNorm", unpooled, parameters)
        return [Layer(relu, "ReLU", unpooled), norm, Layer(pool, "MaxPool 2", shape)]
    return [Layer(name, _kind(module), shape, parameters, _macs(module, _shape(inputs), shape))]


def _shape(output: Any) -> tuple[int, ...]:
    """Without the batch dimension; () for anything that is not a tensor."""
    return tuple(getattr(output, "shape", ())[1:])


def _kind(module: nn.Module) -> str:
    from torch import nn

    from fmnist_tui.models.fused_layers import Dropout

    name = type(module).__name__
    if isinstance(module, nn.modules.conv._ConvNd):
        kind = "ConvTranspose" if module.transposed else "Conv"
        return f"{kind} {'x'.join(map(str, module.kernel_size))}"
    if isinstance(module, nn.modules.batchnorm._BatchNorm):
        return "BatchNorm"
    if isinstance(module, nn.modules.pooling._MaxPoolNd | nn.AvgPool1d | nn.AvgPool2d | nn.AvgPool3d):
        size = module.kernel_size
        return f"{name[:7]} {size if isinstance(size, int) else 'x'.join(map(str, size))}"
    if isinstance(module, nn.modules.dropout._DropoutNd | Dropout):
        return f"Dropout {module.p:g}"
    return "Linear" if isinstance(module, nn.Linear) else name


def _macs(module: nn.Module, inputs: tuple[int, ...], output: tuple[int, ...]) -> int:
    from torch import nn

    if isinstance(module, nn.modules.conv._ConvNd):
        numbers, channels = (inputs, module.out_channels) if module.transposed else (output, module.in_channels)
        return prod(numbers) * channels // module.groups * prod(module.kernel_size)
    return module.in_features * prod(output) if isinstance(module, nn.Linear) else 0


def main() -> None:
    """Measure the built-in models and write layer_tables.json."""
    from fmnist_tui.models.registry import BUILT_IN, get_model

    tables = {
        name: [
            astuple(layer)
            for layer in measure_layers(get_model(name), FASHION_MNIST_SHAPE, FASHION_MNIST_CLASSES).layers
        ]
        for name in BUILT_IN
    }
    models = (
        f"{json.dumps(name)}: [\n  " + ",\n  ".join(map(json.dumps, rows)) + "\n]" for name, rows in tables.items()
    )
    _SAVED.write_text("{" + ",\n".join(models) + "}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
