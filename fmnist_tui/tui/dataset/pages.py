"""What the Dataset screen shows and says: which images, in which order, and their captions."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache, cached_property, lru_cache
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from fmnist_tui.data import Dataset, ImageSet, split
from fmnist_tui.models.registry import all_models
from fmnist_tui.paths import home_folder
from fmnist_tui.text import grouped
from fmnist_tui.training.augment import SHIFT, augmented, draw
from fmnist_tui.training.recipes import RECIPES
from fmnist_tui.tui.dataset.thumbnails import Thumbnail

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


def of_images(browsing: Browsing, shown: int) -> str:
    """Which of the images a page of `shown` of them holds."""
    first, last, total = map(grouped, (browsing.first + 1, browsing.first + shown, len(browsing.chosen)))
    place = f"{first}-{last} of {total}" if shown else "no images"
    kind = "" if browsing.label is None else f", {class_words(browsing)}"
    order = ", shuffled" if browsing.shuffle else ""
    return f"{browsing.dataset.name}, {browsing.part}: {place}{kind}{order}"


def of_means(browsing: Browsing) -> str:
    """What a page of means is."""
    return f"{browsing.dataset.name}, {browsing.part}: each class's mean image (a: back)"


def of_augmented(browsing: Browsing, index: int) -> str:
    """Whose training sees the training image so, and that it is spared where it validates."""
    image = f"{browsing.part} image {index} for {_augmenting()}"
    if browsing.validates(index):
        return f"{image}, were it not for validation (u: back)"
    return f"{image}; all others see it as it is (u: back)"


@cache
def _augmenting() -> str:
    """Who flips and shifts, as the recipes have it: `v1, v2, v3 under tuned`."""
    versions = {
        recipe: [one.name for one in all_models() if recipe in one.recipes and one.recipes[recipe].augment != "none"]
        for recipe in RECIPES
    }
    return ", ".join(f"{', '.join(names)} under {recipe}" for recipe, names in versions.items() if names)


def class_words(browsing: Browsing) -> str:
    """The class that is shown."""
    return "all classes" if browsing.label is None else browsing.dataset.classes[browsing.label]


def about_image(browsing: Browsing, index: int) -> str:
    """Index and class of an image, whether training only validates with it, its greys."""
    label = int(browsing.images.labels[index])
    use = "\nfor validation" if browsing.validates(index) else ""
    number, name = f"class {label}", browsing.dataset.classes[label]
    kind = number if name == number else f"{number}: {name}"
    heading = f"{browsing.part} image {index}\n{kind}{use}"
    return about(heading, browsing.images.images[index], browsing.dataset)


def about(heading: str, image: NDArray[np.uint8], dataset: Dataset) -> str:
    """What an image is, its greys, and where it comes from."""
    greys = f"mean {image.mean():.1f}, from {image.min()} to {image.max()}"
    home = home_folder()
    source = dataset.source.replace(f"{home}/", "~/") if home else dataset.source
    return f"{heading}\n{greys}\n\n{source}"


_BINS = 16
_SAMPLE = 2000
_UP_OR_DOWN = {-1: "↓", 0: "", 1: "↑"}
_ACROSS = {-1: "→", 0: "", 1: "←"}


def image_page(browsing: Browsing, capacity: int) -> tuple[Thumbnail, ...]:
    """The images from `browsing.first` on, with index and class."""
    end = min(browsing.first + capacity, len(browsing.chosen))
    return tuple(image_at(browsing, position) for position in range(browsing.first, end))


def image_at(browsing: Browsing, position: int) -> Thumbnail:
    """The image at a position among the chosen."""
    index = int(browsing.chosen[position])
    name = browsing.dataset.classes[browsing.images.labels[index]]
    return Thumbnail(browsing.images.images[index], f"{index} {name}", about_image(browsing, index))


def mean_page(browsing: Browsing) -> tuple[Thumbnail, ...]:
    """Each class's mean image; classes without images are left out."""
    images, labels = browsing.images.images, browsing.images.labels
    page = []
    for label, name in enumerate(browsing.dataset.classes):
        count = np.count_nonzero(labels == label)
        if count:
            mean = images[labels == label].mean(axis=0).astype(np.uint8)
            heading = f"the mean of {name}\n{count} {browsing.part} images"
            page.append(Thumbnail(mean, name, about(heading, mean, browsing.dataset)))
    return tuple(page)


def augmented_page(browsing: Browsing, index: int, capacity: int) -> tuple[Thumbnail, ...]:
    """One image as it is, then as augmentation flips and shifts it."""
    image = browsing.images.images[index]
    kind = "flip_shift" if browsing.dataset.flips else "shift"
    draws = draw(max(0, capacity - 1), np.random.default_rng(index), kind)
    seen = augmented(np.repeat(image[None], len(draws.flips), axis=0), draws)
    words = map(_augmented_words, draws.flips.tolist(), draws.rows.tolist(), draws.columns.tolist())
    original = Thumbnail(image, f"{index} as it is", about_image(browsing, index))
    heading = f"{browsing.part} image {index}"
    return (
        original,
        *(
            Thumbnail(one, word, about(f"{heading}\n{word}", one, browsing.dataset))
            for one, word in zip(seen, words, strict=True)
        ),
    )


def _augmented_words(flip: bool, row: int, column: int) -> str:  # noqa: FBT001
    """What one sees was done: a window that starts further left shows the image further right, before the flip."""
    across = (column - SHIFT) * (-1 if flip else 1)
    moved = _UP_OR_DOWN[row - SHIFT] + _ACROSS[across]
    return f"{'flipped ' if flip else ''}{moved}".strip() or "unchanged"


def pixel_histogram(browsing: Browsing) -> list[tuple[str, float]]:
    """The share of pixels in each of 16 ranges of grey, over the images that pass the filter.

    A random 2 000 of them stand for more: half a million pixels are enough, and the key press must not wait.
    """
    chosen = browsing.chosen
    if len(chosen) > _SAMPLE:
        chosen = np.random.default_rng(0).choice(chosen, _SAMPLE, replace=False)
    counts = np.bincount(browsing.images.images[chosen].ravel() >> 4, minlength=_BINS)
    shares = counts / max(1, counts.sum())
    return [(f"{16 * bin_:3d}-{16 * bin_ + 15:3d}", float(share)) for bin_, share in enumerate(shares)]
