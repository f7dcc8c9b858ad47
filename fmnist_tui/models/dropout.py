"""Dropout whose masks are a pure function of (seed, step, layer), and cheap to draw on a CPU."""

from __future__ import annotations

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
        generator = torch.Generator(inputs.device)
        generator.manual_seed(int(np.random.SeedSequence(self.address).generate_state(1, np.uint64)[0] >> 1))
        return (torch.empty_like(inputs).uniform_(generator=generator) >= self.p).to(inputs.dtype).mul_(scale)
