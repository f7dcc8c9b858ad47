"""Spatial awareness: what a network loses when all pixels of all images change places in one random way.

Who learns each pixel by itself loses nothing; who looks at neighbourhoods loses them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fmnist_tui.analysis.values import are_shares

VERSIONS = ("v0", "v1")
"""Those that the claim sets against each other: the dense network, and the first with convolutions."""
EPOCHS = 5
LIMIT = 10_000
_KEY = 20170826
"""Of the permutation, which is the same for all."""


@dataclass(frozen=True)
class Permuted:
    """Accuracies (0 to 1) of two trainings that differ in the order of the pixels alone.

    Attributes:
        epochs: Of each training.
        limit: Training images that were taken, a tenth of them for validation.
        test_images: How many test images were scored, once, at each training's end.
        seed: Of both.
        plain_validation: With the pixels where they are.
        plain_test: Likewise, on the test images.
        permuted_validation: With the pixels permuted, in all images alike.
        permuted_test: Likewise, on the test images.
    """

    epochs: int
    limit: int
    test_images: int
    seed: int
    plain_validation: float
    plain_test: float
    permuted_validation: float
    permuted_test: float

    def __post_init__(self) -> None:
        shares = (self.plain_validation, self.plain_test, self.permuted_validation, self.permuted_test)
        if not are_shares(shares) or min(self.epochs, self.limit, self.test_images) < 1:
            raise ValueError("accuracies are 0 to 1, of one image at least")

    @property
    def lost(self) -> float:
        """Test accuracy that the permutation costs."""
        return self.plain_test - self.permuted_test

    def is_comparable_with(self, other: Permuted) -> bool:
        """Whether both were trained for as long, on as many images, and scored on as many."""
        return (self.epochs, self.limit, self.test_images) == (other.epochs, other.limit, other.test_images)


def permutation(pixels: int) -> NDArray[np.int64]:
    """Where each of so many pixels comes from; always the same."""
    return np.random.Generator(np.random.Philox(key=_KEY)).permutation(pixels).astype(np.int64)


def permuted(images: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The images (n, 28, 28), each with its pixels in the same other order."""
    flat = images.reshape(len(images), -1)
    return flat[:, permutation(flat.shape[1])].reshape(images.shape)
