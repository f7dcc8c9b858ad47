"""What training steps take from the host: positions of images and random draws, uploaded for several steps at once.

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

TOGETHER = 16
"""Steps whose draws are uploaded at once: with more, a GPU waits for the first upload; with fewer, there are more."""


@dataclass(frozen=True)
class StepInputs:
    """Of a step with n images, on the device.

    Attributes:
        numbers: (k, n) int64, a row each: the positions of its images; where they are flipped or moved, the first row
            and the first column of each image's window into the padded image, and whether it is flipped; where images
            are mixed, the one that each is mixed with, as a position within the batch.
        weights: (2,) float32, of an image and of the one that it is mixed with; None if images aren't mixed.
        patches: What is erased and cut out: (n, H, W) bool, and what replaces it, uint8.
    """

    numbers: Tensor
    weights: Tensor | None
    patches: tuple[tuple[Tensor, Tensor], ...]

    @property
    def chosen(self) -> Tensor:
        """The positions of the images."""
        return self.numbers[0]

    @property
    def window(self) -> tuple[Tensor, Tensor]:
        """The first rows and columns, where images are flipped or moved."""
        return self.numbers[1], self.numbers[2]

    @property
    def flips(self) -> Tensor:
        """(n,) bool, where images are flipped or moved."""
        return self.numbers[3].bool()

    @property
    def partners(self) -> Tensor:
        """The images that the images are mixed with, where there are `weights`."""
        return self.numbers[-1]

    def clone(self) -> StepInputs:
        """A copy in memory of its own."""
        weights = None if self.weights is None else self.weights.clone()
        return StepInputs(
            self.numbers.clone(), weights, tuple((one.clone(), other.clone()) for one, other in self.patches)
        )

    def take(self, other: StepInputs) -> None:
        """Replace the numbers in place by those of another step of the same size."""
        self.numbers.copy_(other.numbers)
        if self.weights is not None and other.weights is not None:
            self.weights.copy_(other.weights)
        for own, new in zip(self.patches, other.patches, strict=True):
            own[0].copy_(new[0])
            own[1].copy_(new[1])


def upload(array: NDArray[Any], device: torch.device) -> Tensor:
    """The array on the device; a GPU gets it without waiting for what it is doing."""
    tensor = torch.from_numpy(array)
    return tensor.pin_memory().to(device, non_blocking=True) if device.type == "cuda" else tensor.to(device)


class Feed:
    """Uploads what steps need: of those that were announced several at once, of any other when it is taken."""

    def __init__(self, augmentation: Augmentation, side: tuple[int, int], device: torch.device) -> None:
        """For images of this height and width."""
        self._augmentation = augmentation
        self._side = side
        self._device = device
        self._expected: dict[tuple[int, int], Indices] = {}
        self._ready: dict[tuple[int, int], tuple[Indices, Tensor, Tensor | None]] = {}

    def expect(self, batches: Sequence[Indices], epoch: int, first: int) -> None:
        """Announce the images of the steps from `first` on; earlier announcements are forgotten."""
        self._expected = {(epoch, first + at): batch for at, batch in enumerate(batches)}

    def of(self, indices: Indices, epoch: int, step: int) -> StepInputs:
        """What a step needs."""
        ready = self._ready.pop((epoch, step), None)
        if ready is None or not np.array_equal(ready[0], indices):
            self._upload(indices, epoch, step)
            ready = self._ready.pop((epoch, step))
        drawn = self._augmentation.patches((len(indices), *self._side), epoch, step)
        patches = ((upload(one.replaced, self._device), upload(one.values, self._device)) for one in drawn)
        return StepInputs(ready[1], ready[2], tuple(patches))

    def _upload(self, indices: Indices, epoch: int, step: int) -> None:
        """Upload the step, and those announced to follow it."""
        batches = [indices]
        if np.array_equal(self._expected.get((epoch, step), ()), indices):
            following = (self._expected.get((epoch, step + ahead)) for ahead in range(1, TOGETHER))
            batches += [batch for batch in following if batch is not None]
        drawn = [self._drawn(batch, epoch, step + ahead) for ahead, batch in enumerate(batches)]
        numbers = upload(np.concatenate([rows for rows, _ in drawn], axis=1), self._device)
        mixes = self._augmentation.settings.mixup > 0
        weights = upload(np.array([both for _, both in drawn], np.float32), self._device) if mixes else None
        self._ready, end = {}, 0
        for ahead, batch in enumerate(batches):
            start, end = end, end + len(batch)
            pair = None if weights is None else weights[ahead]
            self._ready[epoch, step + ahead] = batch, numbers[:, start:end], pair

    def _drawn(self, indices: Indices, epoch: int, step: int) -> tuple[NDArray[np.int64], tuple[float, float]]:
        """The numbers and the weights of a step."""
        augmentation, rows, weight = self._augmentation, [indices], 1.0
        if augmentation.moves:
            draws = augmentation.draw(len(indices), epoch, step)
            rows += [draws.rows, draws.columns, draws.flips.astype(np.int64)]
        if mixture := augmentation.mixture(len(indices), epoch, step):
            rows.append(mixture.partners)
            weight = mixture.weight
        return np.stack(rows), (weight, 1.0 - weight)
