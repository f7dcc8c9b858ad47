"""Measures a PyTorch module while it learns: norms of a step by layer, and units that a ReLU leaves at zero."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode
from torch.utils.hooks import RemovableHandle

from fmnist_tui.training.engine import DeadFractions, StepNorms

_RELUS = frozenset({F.relu, F.relu_, torch.relu, torch.relu_, Tensor.relu, Tensor.relu_})
_PASSED_OVER = (nn.modules.batchnorm._NormBase, nn.LayerNorm, nn.GroupNorm, torch.jit.ScriptModule)
"""Normalisation, and modules compiled by TorchScript, which takes no hooks and whose functions can't be seen."""


class TrainedLayer(NamedTuple):
    """A module, and the trained parameters of its own."""

    module: nn.Module
    parameters: list[nn.Parameter]


def trained_layers(network: nn.Module) -> dict[str, TrainedLayer]:
    """The modules that have trained parameters of their own, by name, in the order of their definition.

    A parameter that several modules share belongs to the first of them. The network itself has its class as its name.
    """
    found: dict[str, TrainedLayer] = {}
    seen: set[int] = set()
    for name, module in network.named_modules():
        own = [value for value in module.parameters(recurse=False) if value.requires_grad and id(value) not in seen]
        if own:
            found[name or type(module).__name__] = TrainedLayer(module, own)
            seen.update(map(id, own))
    return found


class StepMeasure:
    """The norms of one step: create it before the step, and note the gradients before they are clipped."""

    def __init__(self, network: nn.Module) -> None:
        self._layers = [layer.parameters for layer in trained_layers(network).values()]
        self._before = [[value.detach().clone() for value in own] for own in self._layers]
        self._gradients: list[float] = []

    def note_gradients(self) -> None:
        """Measure the gradients as they are now."""
        self._gradients = _norms([[value.grad for value in own if value.grad is not None] for own in self._layers])

    @torch.no_grad()
    def norms(self) -> StepNorms:
        """The measures, after the step."""
        pairs = [zip(own, before, strict=True) for own, before in zip(self._layers, self._before, strict=True)]
        updates = _norms([[value.detach() - old for value, old in pair] for pair in pairs])
        return tuple(
            (gradient, update / weight if weight else math.nan)
            for gradient, update, weight in zip(self._gradients, updates, _norms(self._before), strict=True)
        )


def _norms(layers: Sequence[Sequence[Tensor]]) -> list[float]:
    """The norm of each layer's tensors as one vector; waits for the device once."""
    each = [torch.linalg.vector_norm(value.detach()) for values in layers for value in values]
    squares = iter(torch.stack(each).cpu().double().square().tolist() if each else ())
    return [math.sqrt(sum(next(squares) for _ in values)) for values in layers]


class ActiveUnits(TorchFunctionMode):
    """Notes in a forward pass which units of each layer are positive for an image after a ReLU.

    It sees every call of ReLU, that of a module and that of a function alike, and counts it to the layer that was
    computed last; normalisation between the two is passed over. Units are the channels of images, and the features of
    everything else. The built-in networks compute the same, to the bit, while they are observed.
    """

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self._modules = {name: layer.module for name, layer in trained_layers(network).items()}
        self._layer = ""
        self._active: dict[str, Tensor] = {}
        self._hooks: list[RemovableHandle] = []

    def __enter__(self) -> ActiveUnits:
        for name, module in self._modules.items():
            if not isinstance(module, _PASSED_OVER):
                self._hooks.append(module.register_forward_hook(self._passed(name)))
        super().__enter__()  # type: ignore[no-untyped-call]
        return self

    def __exit__(self, *fault: Any) -> None:
        super().__exit__(*fault)  # type: ignore[no-untyped-call]
        for hook in self._hooks:
            hook.remove()

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        """Calls the function, and looks at what a ReLU returns."""
        result = func(*args, **(kwargs or {}))
        if func in _RELUS and self._layer and isinstance(result, Tensor) and result.ndim > 1 and result.numel():
            self._note(result.detach())
        return result

    def dead_fractions(self) -> DeadFractions:
        """For each layer the fraction of its units that were zero for all images; waits for the device."""
        return tuple(
            1.0 - float(self._active[name].cpu().double().mean()) if name in self._active else None
            for name in self._modules
        )

    def dead_units(self) -> dict[str, NDArray[np.bool_]]:
        """For each layer that a ReLU follows, (units,): whether a unit was zero for all images."""
        return {name: (~active).cpu().numpy() for name, active in self._active.items()}

    def _passed(self, name: str) -> Callable[..., None]:
        def note(*_: Any) -> None:
            self._layer = name

        return note

    def _note(self, outputs: Tensor) -> None:
        units = outputs.ndim - 1 if isinstance(self._modules[self._layer], nn.Linear) or outputs.ndim < 4 else 1
        active = outputs.amax(dim=[axis for axis in range(outputs.ndim) if axis != units]) > 0
        before = self._active.get(self._layer)
        self._active[self._layer] = active if before is None or before.shape != active.shape else active | before
