"""Dropout whose masks are a pure function of (seed, step, layer), and cheap to draw on a CPU."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

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
        """Names the masks of the next forward pass; whoever trains sets it before each step."""

    def forward(self, inputs: Tensor) -> Tensor:
        """Zeroes each number with probability p and divides the others by 1 - p; evaluation changes nothing."""
        if not self.training or self.p == 0.0:
            return inputs
        keep = self._keep(inputs)
        dropped: Tensor = _Masked.apply(inputs, keep, 1.0 / (1.0 - self.p))  # type: ignore[no-untyped-call]
        return dropped

    def extra_repr(self) -> str:
        """What `print(module)` shows."""
        return f"p={self.p}"

    def _keep(self, inputs: Tensor) -> Tensor:
        """A boolean mask with the memory layout of `inputs`."""
        if inputs.device.type == "cpu":
            bits = np.random.SFC64(np.random.SeedSequence(self.address)).random_raw(-(-inputs.numel() // 4))
            keep = torch.from_numpy(bits.view(np.uint16)[: inputs.numel()] >= round(self.p * _LEVELS))
            return keep.as_strided(inputs.size(), inputs.stride())
        generator = torch.Generator(inputs.device)
        generator.manual_seed(int(np.random.SeedSequence(self.address).generate_state(1, np.uint64)[0] >> 1))
        return torch.empty_like(inputs).uniform_(generator=generator) >= self.p


class _Masked(torch.autograd.Function):
    """inputs * keep * scale in one pass each way; autograd's product would keep a float mask of four times the size."""

    @staticmethod
    def forward(ctx: Any, inputs: Tensor, keep: Tensor, scale: float) -> Tensor:
        ctx.save_for_backward(keep)
        ctx.scale = scale
        return torch.ops.aten.native_dropout_backward(inputs, keep, scale)  # type: ignore[no-any-return]

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None]:
        (keep,) = ctx.saved_tensors
        return torch.ops.aten.native_dropout_backward(gradients[0], keep, ctx.scale), None, None
