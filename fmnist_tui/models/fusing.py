"""Lets a CPU train any module faster, with the same mathematics.

The module keeps its structure, names, weights, and what `isinstance` says of its layers; only sums round differently.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from fmnist_tui.models.fused_layers import Convolution, ReluNormPool, flat_places, flat_values, wide


def fuse(network: nn.Module) -> int:
    """Let the module's sequences train in shared passes where they can; return how often.

    Subclasses of the layers are left as they are, since they may compute anything. Convolutions are left, too:
    with few channels PyTorch's own are as fast as `fused_layers.Convolution`, or faster.
    """
    found = [module for module in network.modules() if type(module) is nn.Sequential and _count(module)]
    for module in found:
        module.__class__ = FusedSequential
    return sum(map(_count, found))


def unfuse(network: nn.Module) -> None:
    """Leave all layers to PyTorch."""
    for module in network.modules():
        if isinstance(module, Convolution | ReluNormPool | FusedSequential):
            module.is_fused = False


def _count(modules: nn.Sequential) -> int:
    return sum(_is_fusible(*three) for three in _threes(modules))


def _threes(modules: nn.Sequential) -> list[tuple[nn.Module, nn.Module, nn.Module]]:
    layers = list(modules)
    return list(zip(layers, layers[1:], layers[2:], strict=False))


def _is_fusible(norm: nn.Module, activation: nn.Module, pool: nn.Module) -> bool:
    """Whether these are batch normalisation, ReLU, and the largest of each 2x2 window."""
    if not (type(norm) is nn.BatchNorm2d and type(activation) is nn.ReLU and type(pool) is nn.MaxPool2d):
        return False
    usual = norm.affine and norm.track_running_stats and norm.momentum is not None
    size, rest = {pool.kernel_size, pool.stride}, (pool.padding, pool.dilation, pool.return_indices, pool.ceil_mode)
    return usual and size <= {2, (2, 2)} and rest in ((0, 1, False, False), ((0, 0), (1, 1), False, False))


class FusedSequential(nn.Sequential):
    """`nn.Sequential` that trains batch normalisation, ReLU and 2x2 pooling, in this order, in shared passes.

    The largest number of each window stays the largest after normalisation with a positive weight and ReLU: so it is
    chosen first, and a quarter of the numbers is normalised.

    Attributes:
        is_fused: Whether a CPU trains them this way.
    """

    is_fused = True

    def forward(self, inputs: Tensor) -> Tensor:
        """As `nn.Sequential`'s."""
        layers = list(self)
        while layers:
            if self.is_fused and _can_be_fused(layers[:3], inputs):
                inputs = _pooled(layers[0], inputs)
                del layers[:3]
            else:
                inputs = layers.pop(0)(inputs)
        return inputs


def _can_be_fused(layers: list[nn.Module], inputs: Any) -> bool:
    if len(layers) < 3 or not _is_fusible(*layers) or any(_is_observed(layer) for layer in layers):
        return False
    norm: Any = layers[0]
    is_trained = norm.training and torch.is_grad_enabled() and not torch.is_autocast_enabled("cpu")
    is_here = isinstance(inputs, Tensor) and inputs.device.type == "cpu" and inputs.dim() == 4
    return is_trained and is_here and inputs.requires_grad and bool((norm.weight > 0).all())


def _is_observed(layer: nn.Module) -> bool:
    return bool(layer._forward_hooks or layer._forward_pre_hooks or layer._backward_hooks or layer._backward_pre_hooks)


def _pooled(norm: Any, inputs: Tensor) -> Tensor:
    norm.num_batches_tracked.add_(1)
    running = norm.running_mean, norm.running_var
    pooled: Tensor = _NormReluPool.apply(inputs, norm.weight, norm.bias, *running, norm.momentum, norm.eps)  # type: ignore[no-untyped-call]
    return pooled


class _NormReluPool(torch.autograd.Function):
    """`max_pool2d(relu(batch_norm(x)), 2)` of a batch; for the gradient see `fused_layers._Fused`."""

    @staticmethod
    def forward(
        ctx: Any, inputs: Tensor, weight: Tensor, bias: Tensor, mean: Tensor, var: Tensor, momentum: float, eps: float
    ) -> Tensor:
        if not inputs.is_contiguous(memory_format=torch.channels_last):
            inputs = inputs.contiguous()
        own_mean, own_var = torch.ops.aten.batch_norm_update_stats(inputs, mean, var, momentum)
        deviation = (own_var + eps).rsqrt()
        largest, places = F.max_pool2d_with_indices(inputs, (2, 2))
        normal = (largest - wide(own_mean)).mul_(wide(deviation))
        pooled = torch.addcmul(wide(bias), normal, wide(weight)).clamp_min_(0)
        ctx.save_for_backward(inputs, normal, places, pooled, weight, own_mean, deviation)
        return pooled

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        inputs, normal, places, pooled, weight, mean, deviation = ctx.saved_tensors
        gradient: Tensor = torch.ops.aten.threshold_backward(gradients[0], pooled, 0)
        scale = weight * deviation
        bias_gradient = gradient.sum((0, 2, 3))
        weight_gradient = (gradient * normal).sum((0, 2, 3))
        count = inputs.numel() / len(weight)
        slope = -scale * deviation * weight_gradient / count
        offset = -scale * bias_gradient / count - slope * mean
        whole = torch.addcmul(wide(offset), inputs, wide(slope), out=torch.empty_like(inputs))
        _add_at(whole, places, gradient * wide(scale))
        return whole, weight_gradient, bias_gradient, None, None, None, None


def _add_at(whole: Tensor, places: Tensor, values: Tensor) -> None:
    """Add values (n, c, h', w') to `whole` (n, c, h, w) at places within an image's channel, in either layout."""
    if whole.is_contiguous():
        whole.view(*whole.shape[:2], -1).scatter_add_(2, places.flatten(2), values.flatten(2))
    else:
        rows = whole.permute(0, 2, 3, 1).reshape(-1)
        rows.scatter_add_(0, flat_places(places, whole), flat_values(values))
