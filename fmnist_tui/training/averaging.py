"""Exponential moving averages of weights: how far a step moves them, and a PyTorch module that follows another one."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from fmnist_tui.training.engine import OPTIMIZER, Tensors, average_weight, checked_tensor

PREFIX = f"{OPTIMIZER}average."
STEPS = f"{OPTIMIZER}average_steps"


class AveragedModule:
    """A copy of a module whose parameters and floating-point buffers are averages over the steps.

    Buffers are averaged too because running statistics belong to the weights they were computed with: those of the
    last weights alone would not fit the averaged ones. Buffers of integers are copied.

    Attributes:
        module: The averaged module.
    """

    def __init__(self, followed: nn.Module, decay: float) -> None:
        self.module = copy.deepcopy(followed)
        self._followed = followed
        self._decay = decay
        self._steps = 0

    @torch.no_grad()
    def step(self) -> None:
        """Take in the followed module's weights after a step."""
        weight = average_weight(self._decay, self._steps)
        self._steps += 1
        own, new = (list(_values(module).values()) for module in (self.module, self._followed))
        averaged = [number for number, value in enumerate(own) if value.is_floating_point()]
        torch._foreach_lerp_([own[number] for number in averaged], [new[number] for number in averaged], weight)
        for value, other in zip(own, new, strict=True):
            if not value.is_floating_point():
                value.copy_(other)

    def state(self) -> Tensors:
        """The averages and the number of steps, by names of a checkpoint."""
        values = {f"{PREFIX}{name}": _copy(value) for name, value in _values(self.module).items()}
        return {**values, STEPS: np.array(self._steps, np.int64)}

    def read(self, tensors: Mapping[str, NDArray[Any]]) -> dict[str, Tensor]:
        """The averages of a checkpoint, by the module's names; those of plain weights are the weights.

        Raises:
            ValueError: A tensor is missing or has another shape.
        """
        prefix = PREFIX if STEPS in tensors else ""
        return {
            name: torch.tensor(checked_tensor(tensors, f"{prefix}{name}", tuple(value.shape)))
            for name, value in _values(self.module).items()
        }

    @torch.no_grad()
    def take(self, averages: Mapping[str, Tensor], tensors: Mapping[str, NDArray[Any]]) -> None:
        """Replace the averages by those that were read from these tensors."""
        for name, value in _values(self.module).items():
            value.copy_(averages[name])
        self._steps = int(tensors[STEPS]) if STEPS in tensors else 0


def all_tensors(module: nn.Module) -> dict[str, Tensor]:
    """A module's parameters and buffers by name, those included that its `state_dict` leaves out."""
    state = {name: value for name, value in module.state_dict().items() if isinstance(value, Tensor)}
    return state | {name: value for name, value in module.named_buffers() if name not in state}


def _values(module: nn.Module) -> dict[str, Tensor]:
    """Each tensor once, by the first of its names: shared ones have several."""
    return {name: value.detach() for name, value in (*module.named_parameters(), *module.named_buffers())}


def _copy(value: Tensor) -> NDArray[Any]:
    copied: NDArray[Any] = value.detach().to("cpu", copy=True).contiguous().numpy()
    return copied
