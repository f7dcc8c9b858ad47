"""What a PyTorch module sees in one image: filters, feature maps, gradient saliency and Grad-CAM.

The modules may be anyone's: layers are found by passing the image through and noting what each of them returns, so
that neither names nor nesting matter. Modules are put into evaluation mode; no weight and no gradient buffer changes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any, TypeGuard

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from fmnist_tui.errors import RunError
from fmnist_tui.training.torch_dynamics import ActiveUnits

Floats = NDArray[np.float32]
_Note = Callable[[str, nn.Module, Any], Any]
_MATRIX, _BATCH = 2, 4
"""Dimensions of (n, classes) and of (n, C, H, W)."""


class NoMapError(RunError):
    """The module has no such map; the message says why, in one line."""


@dataclass(frozen=True, eq=False)
class Filters:
    """The first layer's weights as images.

    Attributes:
        layer: Its name.
        kind: The class of the module.
        weights: (filters, C, height, width).
        dead: (filters,) bool, see `_Dead`.
    """

    layer: str
    kind: str
    weights: Floats
    dead: NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class LayerMaps:
    """What one layer returns for an image.

    Attributes:
        layer: Its name; that of a layer that is used again ends in " (2)".
        kind: The class of the module.
        maps: (channels, height, width).
        dead: (channels,) bool, see `_Dead`.
    """

    layer: str
    kind: str
    maps: Floats
    dead: NDArray[np.bool_]


def first_filters(network: nn.Module, inputs: Tensor) -> Filters:
    """The weights of the first layer that has any: of a convolution, or of a linear layer on the pixels.

    Args:
        network: The module.
        inputs: (n, C, H, W), scaled as in training; images that decide which filters are dead.

    Raises:
        NoMapError: That layer has other weights.
    """
    used: list[tuple[str, nn.Module, Tensor | None]] = []

    def note(name: str, module: nn.Module, output: Any) -> None:
        if not used and any(True for _ in module.parameters(recurse=False)):
            used.append((name, module, output.clone() if isinstance(output, Tensor) else None))

    with torch.no_grad(), _noted(network, note):
        logits_of(network, inputs)
    name, module, output = used[0] if used else ("", network, None)
    kind = type(module).__name__
    if _has_filters(module, inputs):
        weights = module.weight if isinstance(module, nn.Conv2d) else module.weight.view(-1, *inputs.shape[1:])
    elif used:
        raise NoMapError(f"The first layer with weights, {name} ({kind}), isn't a convolution, so it has no filters")
    else:
        raise NoMapError("No layer of this model has weights")
    count = len(weights)
    dead = _Dead(network, inputs).of(name, output) if output is not None else np.zeros(0, np.bool_)
    return Filters(name, kind, _array(weights), dead if len(dead) == count else np.zeros(count, np.bool_))


def views_of(network: nn.Module, image: Tensor) -> list[str]:
    """Which of "filters", "maps", "grad_cam" and "saliency" a module has, found by passing an image through it.

    Args:
        network: The module.
        image: (1, C, H, W), scaled as in training.
    """
    used: list[tuple[nn.Module, bool]] = []

    def note(_: str, module: nn.Module, output: Any) -> None:
        has_maps = isinstance(output, Tensor) and output.dim() == _BATCH and not _is_same(image, output)
        used.append((module, has_maps))

    with torch.no_grad(), _noted(network, note):
        logits_of(network, image)
    weighted = next((module for module, _ in used if any(True for _ in module.parameters(recurse=False))), None)
    has = {
        "filters": _has_filters(weighted, image),
        "maps": any(has_maps for _, has_maps in used),
        "saliency": True,
        "grad_cam": any(isinstance(module, nn.Conv2d) and has_maps for module, has_maps in used),
    }
    return [view for view, is_there in has.items() if is_there]


def feature_maps(network: nn.Module, image: Tensor, samples: Tensor | None = None) -> list[LayerMaps]:
    """The output of each layer that returns maps, in the order in which they are computed.

    Args:
        network: The module.
        image: (1, C, H, W), scaled as in training.
        samples: (n, C, H, W), images that decide which channels are dead; None marks none.

    Raises:
        NoMapError: No layer returns maps.
    """
    found: list[tuple[str, nn.Module, Tensor]] = []

    images = image if samples is None else torch.cat([image, samples])

    def note(name: str, module: nn.Module, output: Any) -> None:
        before = found[-1][2] if found else images
        if isinstance(output, Tensor) and output.dim() == _BATCH and not _is_same(before, output):
            found.append((name, module, output.clone()))  # the next layer may work in place

    with torch.no_grad(), _noted(network, note):
        logits_of(network, images)
    if not found:
        raise NoMapError("No layer of this model returns maps (images, channels, height, width)")
    dead = _Dead(network, samples)
    return [
        LayerMaps(name, type(module).__name__, _array(output[0]), dead.of(name, output))
        for name, module, output in found
    ]


def saliency(network: nn.Module, image: Tensor, label: int) -> Floats:
    """The derivative of the class's logit with respect to each input, (C, H, W) (Simonyan et al., 2014), with its sign.

    Raises:
        NoMapError: The logits don't depend on the image by differentiable operations.
    """
    inputs = image.detach().clone().requires_grad_()
    with torch.enable_grad():
        logit = logits_of(network, inputs)[0, label]
        return _array(_derivative(logit, inputs)[0])


def grad_cam(network: nn.Module, image: Tensor, labels: list[int]) -> tuple[str, Floats]:
    """Grad-CAM on the last convolution (Selvaraju et al., 2017): its name, and for each class a map (labels, h, w).

    A map is relu(sum over channels of a_k * A_k), where A_k is channel k of the convolution's output, and a_k the mean
    of the derivative of the class's logit with respect to it. It has the size of the convolution's output.

    Raises:
        NoMapError: The model has no convolution, or its logits don't depend on it.
    """
    outputs: list[tuple[str, Tensor]] = []

    def note(name: str, module: nn.Module, output: Any) -> Tensor | None:
        if not isinstance(module, nn.Conv2d) or not isinstance(output, Tensor) or output.dim() != _BATCH:
            return None
        outputs.append((name, output))
        return output.clone()  # what follows may work in place

    with torch.enable_grad(), _noted(network, note):
        logits = logits_of(network, image.detach().clone().requires_grad_())
        if not outputs:
            raise NoMapError("Grad-CAM needs a convolution, and this model has none; try s or o")
        name, output = outputs[-1]
        maps = []
        for label in labels:
            gradient = _derivative(logits[0, label], output)
            maps.append(F.relu((gradient.mean((2, 3), keepdim=True) * output).sum(1)[0]))
    return name, _array(torch.stack(maps))


def logits_of(network: nn.Module, inputs: Tensor) -> Tensor:
    """What the module returns for images, in evaluation mode: (n, classes).

    Raises:
        NoMapError: It takes more than one input, or returns something else.
    """
    network.eval()
    try:
        logits: Any = network(inputs.clone())  # it may work in place
    except TypeError as error:
        raise NoMapError(f"The model can't be called with images alone: {error}") from None
    if not isinstance(logits, Tensor) or logits.dim() != _MATRIX:
        found = f"a {type(logits).__name__}" if not isinstance(logits, Tensor) else f"shape {tuple(logits.shape)}"
        raise NoMapError(f"The model returns {found} instead of logits (images, classes)")
    return logits


@contextmanager
def _noted(network: nn.Module, note: _Note) -> Iterator[None]:
    """While it lasts, calls `note` with the name, the module and its output each time a layer is used.

    A layer is a module without children, or with weights of its own. What `note` returns replaces the output.
    """
    times: dict[str, int] = {}

    def hook(name: str) -> Callable[[nn.Module, tuple[Any, ...], Any], Any]:
        def call(module: nn.Module, _: tuple[Any, ...], output: Any) -> Any:
            times[name] = times.get(name, 0) + 1
            shown = name if times[name] == 1 else f"{name} ({times[name]})"
            return note(shown, module, output)

        return call

    with ExitStack() as hooks:
        for name, module in network.named_modules():
            if not [*module.children()] or [*module.parameters(recurse=False)]:
                handle = module.register_forward_hook(hook(name or type(module).__name__))
                hooks.callback(handle.remove)
        yield


def _derivative(logit: Tensor, source: Tensor) -> Tensor:
    message = "No gradient reaches the image: the model's output doesn't depend on it differentiably"
    if not logit.requires_grad:
        raise NoMapError(message)
    (gradient,) = torch.autograd.grad(logit, source, retain_graph=True, allow_unused=True)
    if gradient is None:
        raise NoMapError(message)
    return gradient


def _has_filters(module: nn.Module | None, inputs: Tensor) -> TypeGuard[nn.Conv2d | nn.Linear]:
    is_on_pixels = isinstance(module, nn.Linear) and module.in_features == inputs[0].numel()
    return isinstance(module, nn.Conv2d) or is_on_pixels


def _is_same(before: Tensor, output: Tensor) -> bool:
    """Whether a layer returned what it was given, as dropout does in evaluation mode."""
    return before.shape == output.shape and torch.equal(before, output)


class _Dead:
    """Which units are dead: those that the next ReLU leaves at zero for all samples; without one, constant ones.

    What normalises or pools a layer's maps has that layer's dead units.
    """

    def __init__(self, network: nn.Module, samples: Tensor | None) -> None:
        self._has_samples = samples is not None and len(samples) > 1
        self._after_relu: dict[str, NDArray[np.bool_]] = {}
        self._last = np.zeros(0, np.bool_)
        if samples is not None and self._has_samples:
            with torch.no_grad(), ActiveUnits(network) as active:
                logits_of(network, samples)
            self._after_relu = active.dead_units()

    def of(self, name: str, outputs: Tensor) -> NDArray[np.bool_]:
        """(channels,), for the outputs (n, channels, ...) of a layer; layers in the order of their computation."""
        channels = outputs.shape[1]
        if not self._has_samples:
            return np.zeros(channels, np.bool_)
        own = self._after_relu.get(name)
        if own is None and len(self._last) == channels:
            return self._last
        self._last = own if own is not None and len(own) == channels else np.zeros(0, np.bool_)
        return self._last if len(self._last) else _constant(outputs)


def _constant(outputs: Tensor) -> NDArray[np.bool_]:
    """(n, channels, ...) -> (channels,), whether all numbers of a channel are the same."""
    rows = outputs.detach().transpose(0, 1).flatten(1)
    constant: NDArray[np.bool_] = (rows.amax(1) == rows.amin(1)).cpu().numpy()
    return constant


def _array(tensor: Tensor) -> Floats:
    copied: Floats = tensor.detach().to("cpu", torch.float32, copy=True).contiguous().numpy()
    return copied
