"""Which images the Dataset screen shows: part, class filter, order, page."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from fmnist_tui.data import Dataset, ImageSet, split

Part = Literal["train", "test"]


@dataclass(frozen=True)
class Browsing:
    """A place in the data.

    Attributes:
        dataset: What is looked at.
        part: "train" or "test".
        label: Only this class, or None for all.
        first: Position, among the chosen images, of the page's first one.
        shuffle: 0 for the data's own order, else the seed of another one.
    """

    dataset: Dataset
    part: Part = "train"
    label: int | None = None
    first: int = 0
    shuffle: int = 0

    @property
    def images(self) -> ImageSet:
        """The images of the part."""
        return self.dataset.train if self.part == "train" else self.dataset.test

    @cached_property
    def chosen(self) -> NDArray[np.int64]:
        """Indices of the images that pass the filter, in the order in which they are shown."""
        labels = self.images.labels
        indices = np.arange(len(labels)) if self.label is None else np.flatnonzero(labels == self.label)
        return np.random.default_rng(self.shuffle).permutation(indices) if self.shuffle else indices

    def other_part(self) -> Browsing:
        """The same classes of the other part, from the start."""
        return replace(self, part="test" if self.part == "train" else "train", first=0)

    def only(self, label: int | None) -> Browsing:
        """One class, or all, from the start."""
        return replace(self, label=label, first=0)

    def shuffled(self) -> Browsing:
        """Another random order, from the start."""
        return replace(self, shuffle=self.shuffle + 1, first=0)

    def in_order(self) -> Browsing:
        """The data's own order, from the start."""
        return replace(self, shuffle=0, first=0)

    def turned(self, direction: int, capacity: int) -> Browsing:
        """The next page (1) or the one before (-1); stays within the images."""
        count = len(self.chosen)
        if direction < 0:
            return replace(self, first=max(0, self.first - capacity))
        following = self.first + capacity
        return self if following >= count else replace(self, first=following)

    def showing(self, index: int) -> Browsing:
        """The page that starts at this image, in the data's own order; all classes unless the image is of the chosen.

        Raises:
            IndexError: There is no such image in the part.
        """
        if not 0 <= index < len(self.images):
            raise IndexError(f"{self.part} images go from 0 to {len(self.images) - 1}")
        label = self.label if self.label == self.images.labels[index] else None
        moved = replace(self, label=label, shuffle=0)
        return replace(moved, first=int(np.searchsorted(moved.chosen, index)))

    def turned_to(self, position: int, capacity: int) -> Browsing:
        """The page that holds the image at this position among the chosen; this one, where it does."""
        if self.first <= position < self.first + capacity:
            return self
        return replace(self, first=position // capacity * capacity)

    def validates(self, index: int) -> bool:
        """Whether training only validates with this image, and never learns from it."""
        return self.part == "train" and index in _validation(len(self.images))


@lru_cache(2)
def _validation(count: int) -> frozenset[int]:
    """The training images, of `count`, that validate."""
    return frozenset(split(count)[1].tolist())
