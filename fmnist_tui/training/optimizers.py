"""The optimisers of the PyTorch engine. They skip a step whose loss is not finite without waiting for the device."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from fmnist_tui.models.hyperparameters import Hyperparameters
from fmnist_tui.training.engine import OPTIMIZER, checked_tensor

_ADAM = ("exp_avg", "exp_avg_sq", "step")
_SGD = ("momentum_buffer",)
_NEWTON_SCHULZ = (3.4445, -4.7750, 2.0315)
_ITERATIONS = 5
_MATCHING = 0.2

Parameters = dict[str, nn.Parameter]


class Optimizer(Protocol):
    """What the engine needs of an optimiser."""

    def step(self, learning_rate: float, loss: Tensor) -> None:
        """Update the parameters by their gradients; leave everything as it is if the loss is not finite."""

    def tensors(self) -> dict[str, Tensor]:
        """The state, by names that begin with OPTIMIZER."""

    def load(self, tensors: Mapping[str, NDArray[Any]]) -> Mapping[nn.Parameter, dict[str, Tensor]]:
        """Read a state, without taking it over: `take` does. It is empty for weights alone.

        Raises:
            ValueError: A tensor is missing or has another shape.
        """

    def take(self, state: Mapping[nn.Parameter, dict[str, Tensor]]) -> None:
        """Replace the state by one that was read."""


def make_optimizer(network: nn.Module, settings: Hyperparameters) -> Optimizer:
    """The optimiser that the settings name."""
    parameters = dict(network.named_parameters())
    if settings.optimizer == "muon":
        return Muon(parameters, settings)
    return _Fused(parameters, settings)


class _Fused:
    """PyTorch's fused AdamW or SGD, which skips the update on the device if `found_inf` is set."""

    def __init__(self, parameters: Parameters, settings: Hyperparameters) -> None:
        self._parameters = parameters
        values, rate, decay = parameters.values(), settings.learning_rate, settings.weight_decay
        self._optimizer: torch.optim.Optimizer
        self._moments: tuple[str, ...]
        if settings.optimizer == "sgd":
            options = {"momentum": settings.momentum, "nesterov": settings.nesterov, "weight_decay": decay}
            self._optimizer, self._moments = torch.optim.SGD(values, rate, fused=True, **options), _SGD  # type: ignore[arg-type]
        else:
            betas = settings.beta1, settings.beta2
            adamw = torch.optim.AdamW(values, rate, betas, settings.epsilon, weight_decay=decay, fused=True)
            self._optimizer, self._moments = adamw, _ADAM

    def step(self, learning_rate: float, loss: Tensor) -> None:
        self._optimizer.param_groups[0]["lr"] = learning_rate
        self._optimizer.found_inf = (~torch.isfinite(loss)).float()  # type: ignore[attr-defined]
        self._optimizer.step()

    def tensors(self) -> dict[str, Tensor]:
        return {
            f"{OPTIMIZER}{moment}.{name}": state[moment]
            for name, parameter in self._parameters.items()
            if (state := self._optimizer.state[parameter])
            for moment in self._moments
            if state.get(moment) is not None
        }

    def load(self, tensors: Mapping[str, NDArray[Any]]) -> Mapping[nn.Parameter, dict[str, Tensor]]:
        if not any(name.startswith(OPTIMIZER) for name in tensors):
            return {}
        return {
            parameter: {
                moment: _read(tensors, f"{moment}.{name}", _like(moment, parameter)) for moment in self._moments
            }
            for name, parameter in self._parameters.items()
            if any(f"{OPTIMIZER}{moment}.{name}" in tensors for moment in self._moments)  # there may be none
        }

    def take(self, state: Mapping[nn.Parameter, dict[str, Tensor]]) -> None:
        self._optimizer.state.clear()
        for parameter, moments in state.items():
            self._optimizer.state[parameter] = moments


class Muon:
    """Momentum, orthogonalised, for matrices and convolution weights; AdamW for all other parameters.

    Jordan et al., Muon: an optimizer for hidden layers in neural networks, 2024 (kellerjordan.github.io/posts/muon):
    the velocity v = momentum * v + gradient is looked ahead from (Nesterov) and replaced by a nearly orthogonal matrix
    of the same row and column spaces. A convolution's weights (out, in, h, w) are a matrix (out, in * h * w).

    The update is scaled by 0.2 * sqrt(max(rows, columns)), so that its root mean square is about AdamW's, and one
    learning rate and one weight decay do for both (Liu et al., Muon is scalable for LLM training, 2025, equation 4).
    """

    def __init__(self, parameters: Parameters, settings: Hyperparameters) -> None:
        self._settings = settings
        self._matrices = {name: value for name, value in parameters.items() if value.ndim >= 2}
        rest = {name: value for name, value in parameters.items() if value.ndim < 2}
        self._rest = _Fused(rest, settings) if rest else None
        self._velocities = {name: torch.zeros_like(value) for name, value in self._matrices.items()}

    @torch.no_grad()
    def step(self, learning_rate: float, loss: Tensor) -> None:
        """See Optimizer."""
        if self._rest is not None:
            self._rest.step(learning_rate, loss)
        finite = torch.isfinite(loss)
        momentum, decay = self._settings.muon_momentum, learning_rate * self._settings.weight_decay
        for name, value in self._matrices.items():
            if value.grad is None:
                continue
            velocity = self._velocities[name]
            moved = velocity.mul(momentum).add_(value.grad)
            velocity.copy_(torch.where(finite, moved, velocity))
            ahead = value.grad.add(moved, alpha=momentum).flatten(1)
            scale = _MATCHING * max(ahead.shape) ** 0.5
            update = orthogonalised(ahead).view(value.shape).mul_(scale * learning_rate).add_(value, alpha=decay)
            value.sub_(torch.where(finite, update, torch.zeros_like(update)))

    def tensors(self) -> dict[str, Tensor]:
        """See Optimizer."""
        own = {f"{OPTIMIZER}velocity.{name}": value for name, value in self._velocities.items()}
        return own | (self._rest.tensors() if self._rest is not None else {})

    def load(self, tensors: Mapping[str, NDArray[Any]]) -> Mapping[nn.Parameter, dict[str, Tensor]]:
        """See Optimizer."""
        if not any(name.startswith(OPTIMIZER) for name in tensors):
            return {}
        own = {value: {"velocity": _read(tensors, f"velocity.{name}", value)} for name, value in self._matrices.items()}
        return {**own, **(self._rest.load(tensors) if self._rest is not None else {})}

    def take(self, state: Mapping[nn.Parameter, dict[str, Tensor]]) -> None:
        """See Optimizer."""
        for name, value in self._matrices.items():
            stored = state.get(value)
            self._velocities[name].copy_(stored["velocity"]) if stored else self._velocities[name].zero_()
        if self._rest is not None:
            matrices = set(self._matrices.values())
            self._rest.take({value: moments for value, moments in state.items() if value not in matrices})


def orthogonalised(matrix: Tensor) -> Tensor:
    """Nearly the nearest matrix with orthonormal rows or columns, float32: singular values between about 0.7 and 1.2.

    Five steps of a Newton-Schulz iteration, X <- a X + (b A + c A A) X with A = X X^T, whose coefficients let small
    singular values grow fastest (Jordan et al., 2024). It starts from X / |X|, whose singular values are at most 1.

    Args:
        matrix: (rows, columns).
    """
    a, b, c = _NEWTON_SCHULZ
    wide = matrix if matrix.shape[0] <= matrix.shape[1] else matrix.t()
    x: Tensor = wide / (wide.norm() + 1e-7)
    for _ in range(_ITERATIONS):
        gram = x @ x.t()
        x = torch.addmm(x, torch.addmm(gram, gram, gram, beta=b, alpha=c), x, beta=a)
    return (x if matrix.shape[0] <= matrix.shape[1] else x.t()).contiguous()


def clip_gradients(network: nn.Module, largest: float) -> None:
    """Scale all gradients down so that their norm, as one vector, is at most `largest`; 0 for no limit."""
    if largest:
        torch.nn.utils.clip_grad_norm_(network.parameters(), largest)


def _like(moment: str, parameter: nn.Parameter) -> Tensor:
    return torch.zeros((), device=parameter.device) if moment == "step" else parameter


def _read(tensors: Mapping[str, NDArray[Any]], name: str, like: Tensor) -> Tensor:
    """A stored tensor with the type, device and memory layout of another one."""
    read: Tensor = torch.zeros_like(like.detach())
    read.copy_(torch.tensor(checked_tensor(tensors, f"{OPTIMIZER}{name}", tuple(like.shape))))
    return read
