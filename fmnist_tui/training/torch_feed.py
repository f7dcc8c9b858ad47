"""What training steps take from the host: positions of images and random draws, uploaded once for many steps.

A copy from ordinary memory makes the host wait for the GPU; one from pinned memory doesn't.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from fmnist_tui.training.augment import Augmentation
from fmnist_tui.training.engine import Indices


@dataclass(frozen=True)
class StepInputs:
    """Of a step with n images, on the device; what the settings don't need is None.

    Attributes:
        chosen: (n,) int64, positions of its images.
        rows: (n,) int64, the first row of each image's window into the padded image.
        columns: (n,) int64, the first column.
        flips: (n,) bool, whether an image is flipped.
        partners: (n,) int64, the image that each is mixed with, as a position within the batch.
        weight: Of the images themselves in the mixture.
    """

    chosen: Tensor
    rows: Tensor | None = None
    columns: Tensor | None = None
    flips: Tensor | None = None
    partners: Tensor | None = None
    weight: float = 1.0


def upload(array: NDArray[Any], device: torch.device) -> Tensor:
    """The array on the device; a GPU gets it without waiting for what it is doing."""
    tensor = torch.from_numpy(array)
    return tensor.pin_memory().to(device, non_blocking=True) if device.type == "cuda" else tensor.to(device)


class Feed:
    """Uploads what steps need: for all steps that were announced at once, for any other step when it is taken."""

    def __init__(self, augmentation: Augmentation, device: torch.device) -> None:
        self._augmentation = augmentation
        self._device = device
        self._ready: dict[tuple[int, int], tuple[Indices, StepInputs]] = {}

    def expect(self, batches: Sequence[Indices], epoch: int, first: int) -> None:
        """Upload what the steps from `first` on with these images need; earlier announcements are forgotten."""
        rows, weights = zip(*(self._numbers(batch, epoch, first + at) for at, batch in enumerate(batches)), strict=True)
        whole = upload(np.concatenate(rows, axis=1), self._device)
        self._ready, end = {}, 0
        for at, (batch, weight) in enumerate(zip(batches, weights, strict=True)):
            start, end = end, end + len(batch)
            self._ready[epoch, first + at] = batch, self._inputs(whole[:, start:end], weight)

    def of(self, indices: Indices, epoch: int, step: int) -> StepInputs:
        """What a step needs."""
        batch, inputs = self._ready.get((epoch, step), (None, None))
        if inputs is None or not np.array_equal(batch, indices):  # type: ignore[arg-type]
            self.expect([indices], epoch, step)
            inputs = self._ready[epoch, step][1]
        return inputs

    def _numbers(self, indices: Indices, epoch: int, step: int) -> tuple[NDArray[np.int64], float]:
        """All whole numbers of a step, (k, n), in the order in which `_inputs` reads them; and the mixture's weight."""
        augmentation, numbers, weight = self._augmentation, [indices], 1.0
        if augmentation.moves:
            draws = augmentation.draw(len(indices), epoch, step)
            numbers += [draws.rows, draws.columns, draws.flips.astype(np.int64)]
        if mixture := augmentation.mixture(len(indices), epoch, step):
            numbers.append(mixture.partners)
            weight = mixture.weight
        return np.stack(numbers), weight

    def _inputs(self, numbers: Tensor, weight: float) -> StepInputs:
        augmentation = self._augmentation
        chosen, *rest = numbers
        moves = rest[:3] if augmentation.moves else [None, None, None]
        partners = rest[-1] if augmentation.settings.mixup else None
        rows, columns, flips = moves
        flips = flips.bool() if augmentation.flips and flips is not None else None
        return StepInputs(chosen, rows, columns, flips, partners, weight)
