"""Which images the Dataset screen shows: part, class filter, page."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from fmnist_tui.data import Dataset, ImageSet

Part = Literal["train", "test"]


@dataclass(frozen=True)
class Browsing:
    """A place in the data.

    Attributes:
        dataset: What is looked at.
        part: "train" or "test".
        label: Only this class, or None for all.
        first: Position, among the chosen images, of the page's first one.
    """

    dataset: Dataset
    part: Part = "train"
    label: int | None = None
    first: int = 0

    @property
    def images(self) -> ImageSet:
        """The images of the part."""
        return self.dataset.train if self.part == "train" else self.dataset.test

    @property
    def chosen(self) -> NDArray[np.int64]:
        """Indices of the images that pass the filter."""
        labels = self.images.labels
        return np.arange(len(labels)) if self.label is None else np.flatnonzero(labels == self.label)

    def other_part(self) -> Browsing:
        """The same classes of the other part, from the start."""
        return replace(self, part="test" if self.part == "train" else "train", first=0)

    def only(self, label: int | None) -> Browsing:
        """One class, or all, from the start."""
        return replace(self, label=label, first=0)

    def turned(self, direction: int, capacity: int) -> Browsing:
        """The next page (1) or the one before (-1); stays within the images."""
        count = len(self.chosen)
        last_page = max(0, (count - 1) // capacity * capacity)
        return replace(self, first=min(max(0, self.first + direction * capacity), last_page))

    def counts(self) -> list[int]:
        """Images of each class in the part."""
        counts: list[int] = np.bincount(self.images.labels, minlength=len(self.dataset.classes)).tolist()
        return counts
