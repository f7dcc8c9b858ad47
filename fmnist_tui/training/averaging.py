"""Exponential moving averages of weights: how far a step moves them, and a PyTorch module that follows another one."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from fmnist_tui.training.engine import OPTIMIZER, Tensors, average_weight, checked_tensor

PREFIX = f"{OPTIMIZER}average."
STEPS = f"{OPTIMIZER}average_steps"
EXTRA_STATE = "_extra_state"
"""The name under which PyTorch lists what a module's `get_extra_state` returns."""
_NUMPY_FLOATS = (torch.float16, torch.float32, torch.float64)


class AveragedModule:
    """A copy of a module whose parameters and floating-point buffers are averages over the steps.

    Buffers are averaged too because running statistics belong to the weights they were computed with: those of the
    last weights alone would not fit the averaged ones. Buffers of integers are copied, as are those that aren't finite
    from the beginning, such as masks of attention: there is no average of two infinities.

    Attributes:
        module: The averaged module.
    """

    def __init__(self, followed: nn.Module, decay: float, *, strict: bool = True) -> None:
        """Copy the module.

        Args:
            followed: The module.
            decay: Of its tensors.
            strict: Whether it neither makes buffers while it computes nor changes their shapes.
        """
        self.module = copy.deepcopy(followed, _computed_attributes(followed))
        self._followed = followed
        self._decay = decay
        self._strict = strict
        self._steps = 0
        values = _values(self.module)
        self._infinite = {name for name, value in values.items() if not value.isfinite().all()}

    @torch.no_grad()
    def step(self) -> None:
        """Take in the followed module's weights after a step."""
        weight = average_weight(self._decay, self._steps)
        self._steps += 1
        values, followed = _values(self.module), _values(self._followed)
        if not self._strict and {*map(_shape, values.items())} != {*map(_shape, followed.items())}:
            known = dict(_named_tensors(self.module))
            for name, value in _named_tensors(self._followed):  # the step made a buffer, or gave it another shape
                if name not in known or known[name].shape != value.shape:
                    put_buffer(self.module, name, value.detach().clone())
            values = _values(self.module)
        names = [name for name in values if name in followed]
        averaged = [name for name in names if values[name].is_floating_point() and name not in self._infinite]
        torch._foreach_lerp_([values[name] for name in averaged], [followed[name] for name in averaged], weight)
        for name in {*names}.difference(averaged):
            values[name].copy_(followed[name])

    def state(self) -> Tensors:
        """The averages and the number of steps, by names of a checkpoint."""
        values = {f"{PREFIX}{name}": as_array(value) for name, value in _values(self.module).items()}
        return {**values, STEPS: np.array(self._steps, np.int64)}

    def read(self, tensors: Mapping[str, NDArray[Any]]) -> dict[str, Tensor]:
        """The averages of a checkpoint, by the module's names; those of plain weights are the weights.

        Raises:
            ValueError: A tensor is missing or has another shape.
        """
        prefix = PREFIX if STEPS in tensors else ""
        return {
            name: torch.tensor(value)
            for name, value in stored_tensors(
                self.module, _values(self.module), tensors, prefix, strict=self._strict
            ).items()
        }

    @torch.no_grad()
    def take(self, averages: Mapping[str, Tensor], tensors: Mapping[str, NDArray[Any]]) -> None:
        """Replace the averages by those that were read from these tensors."""
        restore_tensors(self.module, _values(self.module), averages)
        self._steps = int(tensors[STEPS]) if STEPS in tensors else 0


def all_tensors(module: nn.Module) -> dict[str, Tensor]:
    """A module's parameters and buffers by name, those included that its `state_dict` leaves out."""
    state = {name: value for name, value in module.state_dict().items() if isinstance(value, Tensor)}
    return state | {name: value for name, value in module.named_buffers() if name not in state}


def _computed_attributes(module: nn.Module) -> dict[int, Any]:
    """Copies, for `deepcopy`, of attributes computed from parameters, such as those of `torch.nn.utils.weight_norm`."""
    values = [value for one in module.modules() for value in vars(one).values() if isinstance(value, Tensor)]
    return {id(value): value.detach().clone() for value in values if not value.is_leaf}


def put_buffer(module: nn.Module, name: str, value: Tensor) -> None:
    """Make a tensor the buffer of that name; nothing if the module can't have one there."""
    path, _, own = name.rpartition(".")
    with suppress(AttributeError, KeyError):  # no such submodule; an attribute of that name is no buffer
        owner = module.get_submodule(path)
        if own in dict(owner.named_buffers(recurse=False)):
            setattr(owner, own, value)
        elif own not in dict(owner.named_parameters(recurse=False)):
            owner.register_buffer(own, value)


def stored_tensors(
    module: nn.Module, own: Mapping[str, Tensor], tensors: Mapping[str, NDArray[Any]], prefix: str = "", *, strict: bool
) -> Tensors:
    """The stored values of a module's tensors.

    Args:
        module: The module, newly built or not.
        own: Its tensors by name.
        tensors: All that is stored.
        prefix: Of the names of the stored ones.
        strict: Whether all shapes must be the module's. Else only those of parameters: a module may make buffers while
            it computes, and give them other shapes; those are stored values, too.

    Raises:
        ValueError: A tensor is missing, or has another shape.
    """
    if strict:
        return {name: checked_tensor(tensors, f"{prefix}{name}", tuple(value.shape)) for name, value in own.items()}
    fixed = {name for name, _ in module.named_parameters(remove_duplicate=False)}
    for name, value in own.items():
        if name in fixed or f"{prefix}{name}" not in tensors:
            checked_tensor(tensors, f"{prefix}{name}", tuple(value.shape))
    return {
        name.removeprefix(prefix): value
        for name, value in tensors.items()
        if (name.startswith(prefix) if prefix else not name.startswith(OPTIMIZER))
    }


@torch.no_grad()
def restore_tensors(module: nn.Module, own: Mapping[str, Tensor], stored: Mapping[str, Tensor]) -> None:
    """Give a module its stored tensors, in place unless a buffer is new or has another shape."""
    known = {name for name, _ in _named_tensors(module)}
    for name, value in stored.items():
        path, _, last = name.rpartition(".")
        if name in own and last == EXTRA_STATE:
            module.get_submodule(path).set_extra_state(value)
        elif name in own and own[name].shape == value.shape:
            own[name].copy_(value)
        elif name in own:
            put_buffer(module, name, value.to(own[name]))
        elif name not in known:
            put_buffer(module, name, value.to(next(module.parameters()).device))


def _named_tensors(module: nn.Module) -> Iterator[tuple[str, Tensor]]:
    """All names of all tensors: shared ones have several."""
    yield from module.named_parameters(remove_duplicate=False)
    yield from module.named_buffers(remove_duplicate=False)


def _shape(named: tuple[str, Tensor]) -> tuple[str, torch.Size]:
    return named[0], named[1].shape


def _values(module: nn.Module) -> dict[str, Tensor]:
    """Each tensor once, by the first of its names: shared ones have several."""
    return {name: value.detach() for name, value in (*module.named_parameters(), *module.named_buffers())}


def as_array(value: Tensor) -> NDArray[Any]:
    """A copy of a tensor, float32 where NumPy has no such type: bfloat16, whose values it represents exactly."""
    detached = value.detach()
    if value.is_floating_point() and value.dtype not in _NUMPY_FLOATS:
        detached = detached.float()
    copied: NDArray[Any] = detached.to("cpu", copy=True).contiguous().numpy()
    return copied
