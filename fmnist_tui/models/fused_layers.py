"""Layers that a CPU computes faster than PyTorch's own, with the same mathematics."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn


class Convolution(nn.Conv2d):
    """`torch.nn.Conv2d` with stride 1, bias, and the same padding on all sides: same weights, same mathematics.

    PyTorch's own weight gradient takes a CPU a quarter of v3's step; as a product of the input's patches with the
    output's gradient (Chellapilla, Puri and Simard, 2006) it takes half of that, and a fifth where there is one input
    channel. The forward pass and the input's gradient are PyTorch's, which are fast.

    Attributes:
        is_fused: Whether a CPU trains it this way.
    """

    is_fused = True

    def __init__(self, inputs: int, outputs: int, kernel_size: int, padding: int = 0) -> None:
        super().__init__(inputs, outputs, kernel_size, padding=padding)

    def forward(self, inputs: Tensor) -> Tensor:
        """(n, inputs, height, width) -> (n, outputs, ...)."""
        if not self.is_fused or inputs.device.type != "cpu" or inputs.dim() != 4:
            return super().forward(inputs)
        if not torch.is_grad_enabled() or torch.is_autocast_enabled("cpu"):
            return super().forward(inputs)
        convolved: Tensor = _Convolved.apply(inputs, self.weight, self.bias, self.padding[0])  # type: ignore[no-untyped-call]
        return convolved


class _Convolved(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, inputs: Tensor, weight: Tensor, bias: Tensor | None, padding: int) -> Tensor:
        ctx.save_for_backward(inputs, weight)
        ctx.padding, ctx.has_bias = padding, bias is not None
        return F.conv2d(inputs, weight, bias, padding=padding)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        inputs, weight = ctx.saved_tensors
        outputs, channels, size, _ = weight.shape
        if gradients[0][:, 0].numel() * weight[0].numel() > _LARGEST:
            return (*_all_gradients(ctx, gradients[0], inputs, weight), None)
        rows = gradients[0].permute(0, 2, 3, 1).reshape(-1, outputs)
        product = _patches(inputs, size, ctx.padding).t() @ rows
        weight_gradient = product.view(size, size, channels, outputs).permute(3, 2, 0, 1)
        bias_gradient = rows.sum(0) if ctx.has_bias else None
        return _input_gradient(ctx, gradients[0], inputs, weight), weight_gradient, bias_gradient, None


_LARGEST = 1 << 27
"""Numbers: the patches take half a gigabyte then, in float32."""


def _patches(inputs: Tensor, size: int, padding: int) -> Tensor:
    """(n, c, h, w) -> (n * h' * w', size * size * c): what the kernel sees at each position, row by row."""
    padded = (F.pad(inputs, (padding,) * 4) if padding else inputs).permute(0, 2, 3, 1)
    images, height, width, channels = padded.shape
    lines = padded.reshape(images, height, width * channels)  # so that each copy is of size * c numbers in a row
    windows = lines.unfold(2, size * channels, channels).unfold(1, size, 1)  # (n, h', w', size * c, size)
    return windows.permute(0, 1, 2, 4, 3).reshape(-1, size * size * channels)


def _input_gradient(ctx: Any, gradient: Tensor, inputs: Tensor, weight: Tensor) -> Tensor | None:
    if not ctx.needs_input_grad[0]:
        return None
    rest = [1, 1], [ctx.padding] * 2, [1, 1], False, [0, 0], 1, [True, False, False]
    wanted: Tensor = torch.ops.aten.convolution_backward(gradient, inputs, weight, None, *rest)[0]
    return wanted


def _all_gradients(ctx: Any, gradient: Tensor, inputs: Tensor, weight: Tensor) -> list[Tensor | None]:
    """Of inputs, weight and bias, as PyTorch computes them."""
    wanted = [ctx.needs_input_grad[0], True, ctx.has_bias]
    rest = [1, 1], [ctx.padding] * 2, [1, 1], False, [0, 0], 1, wanted
    return list(torch.ops.aten.convolution_backward(gradient, inputs, weight, [len(weight)], *rest))


_LEVELS = 1 << 16


class Dropout(nn.Module):
    """Inverted dropout (Srivastava et al., 2014), as `torch.nn.Dropout`, but for where its masks come from.

    `torch.nn.Dropout` draws one number after another from one generator: a resumed run would need its state, and on
    a CPU the drawing is serial and takes a tenth of v3's step. Here each step's masks start from `address`, and a CPU
    compares 16 random bits with a threshold, so that the probability is p rounded to 1/65536.
    """

    def __init__(self, p: float) -> None:
        super().__init__()
        self.p = p
        self.address: tuple[int, ...] = (0,)
        """Names the masks of the next forward pass; the engine sets it before each step."""
        self.generator: torch.Generator | None = None
        """Draws the masks on a GPU while a step is recorded: it was seeded by `seed` before."""

    @property
    def seed(self) -> int:
        """Of the generator that draws the address's masks on a GPU."""
        return int(np.random.SeedSequence(self.address).generate_state(1, np.uint64)[0] >> 1)

    def forward(self, inputs: Tensor) -> Tensor:
        """Zeroes each number with probability p and divides the others by 1 - p; evaluation changes nothing."""
        if not self.training or self.p == 0.0:
            return inputs
        return inputs * self._mask(inputs)

    def extra_repr(self) -> str:
        """What `print(module)` shows."""
        return f"p={self.p}"

    def _mask(self, inputs: Tensor) -> Tensor:
        """0 or 1 / (1 - p), with the shape, type and memory layout of `inputs`.

        Floats, not booleans: a product of floats is one pass over memory each way, PyTorch's masked ones are three.
        """
        scale = 1.0 / (1.0 - self.p)
        if inputs.device.type == "cpu":
            bits = np.random.SFC64(np.random.SeedSequence(self.address)).random_raw(-(-inputs.numel() // 4))
            keep = bits.view(np.uint16)[: inputs.numel()] >= round(self.p * _LEVELS)
            mask = torch.from_numpy(keep * np.float32(scale))
            return mask.to(inputs.dtype).as_strided(inputs.size(), inputs.stride())
        generator = self.generator or torch.Generator(inputs.device).manual_seed(self.seed)
        return (torch.empty_like(inputs).uniform_(generator=generator) >= self.p).to(inputs.dtype).mul_(scale)


_SIZE = [2, 2]


class ReluNormPool(nn.BatchNorm2d):
    """`MaxPool2d(2)(BatchNorm2d(relu(x)))`: same weights and running figures, same mathematics.

    Where a channel's weight is positive, normalising keeps the order of numbers: so the largest of each window is
    chosen before it is normalised, a quarter of the numbers is normalised, and the gradient's sums run over that
    quarter. Training on a CPU, this takes 40 % of the time of the three layers.

    Attributes:
        is_fused: Whether a CPU trains it this way.
    """

    is_fused = True

    def forward(self, inputs: Tensor) -> Tensor:
        """(n, c, h, w) -> (n, c, h // 2, w // 2). May overwrite `inputs`."""
        if not self._is_fused(inputs):
            return F.max_pool2d(super().forward(F.relu(inputs)), 2)
        self.num_batches_tracked.add_(1)  # type: ignore[union-attr]  # this layer always tracks
        running = self.running_mean, self.running_var
        pooled, _ = _Fused.apply(inputs, self.weight, self.bias, *running, self.momentum, self.eps)  # type: ignore[no-untyped-call]
        return pooled  # type: ignore[no-any-return]

    def _is_fused(self, inputs: Tensor) -> bool:
        is_trained_here = self.is_fused and self.training and torch.is_grad_enabled() and inputs.device.type == "cpu"
        is_trained_here = is_trained_here and not torch.is_autocast_enabled("cpu")
        return is_trained_here and not inputs.is_leaf and bool((self.weight > 0).all())


class _Fused(torch.autograd.Function):
    """Its gradient is batch normalisation's (Ioffe and Szegedy, 2015), as scale * (dy - mean(dy) - x̂ mean(dy x̂))."""

    @staticmethod
    def forward(
        ctx: Any, inputs: Tensor, weight: Tensor, bias: Tensor, mean: Tensor, var: Tensor, momentum: float, eps: float
    ) -> tuple[Tensor, Tensor]:
        active = inputs.clamp_min_(0)
        ctx.mark_dirty(inputs)
        ctx.set_materialize_grads(False)
        own_mean, own_var = torch.ops.aten.batch_norm_update_stats(active, mean, var, momentum)
        deviation = (own_var + eps).rsqrt()
        largest, places = torch.ops.aten.max_pool2d_with_indices(active, _SIZE, _SIZE)
        normal = (largest - wide(own_mean)).mul_(wide(deviation))
        ctx.save_for_backward(active, normal, places, weight, own_mean, deviation)
        return torch.addcmul(wide(bias), normal, wide(weight)), inputs

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        active, normal, places, weight, mean, deviation = ctx.saved_tensors
        gradient, scale = gradients[0], weight * deviation
        bias_gradient = gradient.sum((0, 2, 3))
        weight_gradient = (gradient * normal).sum((0, 2, 3))
        count = active.numel() / len(weight)
        slope = -scale * deviation * weight_gradient / count
        offset = -scale * bias_gradient / count - slope * mean
        rows = torch.addcmul(offset, active.permute(0, 2, 3, 1).reshape(-1, len(weight)), slope).contiguous()
        rows.view(-1).scatter_add_(0, flat_places(places, active), flat_values(gradient * wide(scale)))
        whole = rows.view(active.permute(0, 2, 3, 1).shape).permute(0, 3, 1, 2)
        torch.ops.aten.threshold_backward.grad_input(whole, active, 0, grad_input=whole)
        return whole, weight_gradient, bias_gradient, None, None, None, None


def wide(channels: Tensor) -> Tensor:
    """(c,) -> (1, c, 1, 1)."""
    return channels.view(1, -1, 1, 1)


def flat_values(values: Tensor) -> Tensor:
    """(n, c, h, w), one after the other, channels last."""
    return values.permute(0, 2, 3, 1).reshape(-1)


def flat_places(places: Tensor, active: Tensor) -> Tensor:
    """Places within an image's channel, as places in the whole of `active`, channels last."""
    images, channels, height, width = active.shape
    first = torch.arange(images).mul_(height * width).view(-1, 1, 1, 1)
    return flat_values((places + first).mul_(channels).add_(wide(torch.arange(channels))))
