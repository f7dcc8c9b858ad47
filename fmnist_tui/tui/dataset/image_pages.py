"""The pages of the Dataset screen: which images, in which order, and their captions."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache, cached_property, lru_cache
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from fmnist_tui.data import Dataset, ImageSet, split_of
from fmnist_tui.models.registry import BUILT_IN, all_models
from fmnist_tui.paths import home_folder
from fmnist_tui.text import counted, grouped
from fmnist_tui.training.augment import SHIFT, augmented, draw
from fmnist_tui.training.recipes import RECIPES
from fmnist_tui.tui.dataset.thumbnails import Thumbnail
from fmnist_tui.tui.messages import ClassMeans, Inspect
from fmnist_tui.tui.widgets.images import picture, resized, squared

Part = Literal["train", "test"]


@dataclass(frozen=True)
class Browsing:
    """A position in the data.

    Attributes:
        dataset: The data.
        part: "train" or "test".
        label: Only this class, or None for all.
        first: Position, among the chosen images, of the page's first one.
        shuffle: 0 for the original order, else the seed of a random one.
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
        """The same class in the other part, from the start."""
        return replace(self, part="test" if self.part == "train" else "train", first=0)

    def only(self, label: int | None) -> Browsing:
        """One class, or all, from the start."""
        return replace(self, label=label, first=0)

    def shuffled(self) -> Browsing:
        """Another random order, from the start."""
        return replace(self, shuffle=self.shuffle + 1, first=0)

    def in_order(self) -> Browsing:
        """The original order, from the start."""
        return replace(self, shuffle=0, first=0)

    def turned(self, direction: int, capacity: int) -> Browsing:
        """The next page (1) or the previous one (-1), within the images."""
        count = len(self.chosen)
        if direction < 0:
            return replace(self, first=max(0, self.first - capacity))
        following = self.first + capacity
        return self if following >= count else replace(self, first=following)

    def showing(self, index: int) -> Browsing:
        """The page that starts at this image, in the original order; all classes unless the image is of the chosen one.

        Raises:
            IndexError: There is no such image in the part.
        """
        if not 0 <= index < len(self.images):
            raise IndexError(f"{self.part} images go from 0 to {grouped(len(self.images) - 1)}")
        label = self.label if self.label == self.images.labels[index] else None
        moved = replace(self, label=label, shuffle=0)
        return replace(moved, first=int(np.searchsorted(moved.chosen, index)))

    def turned_to(self, position: int, capacity: int) -> Browsing:
        """The page with the image at this position among the chosen; unchanged if it is on this page."""
        if self.first <= position < self.first + capacity:
            return self
        return replace(self, first=position // capacity * capacity)

    def is_validation(self, index: int) -> bool:
        """Whether the image is in the validation set, which no model is trained on."""
        return self.part == "train" and index in _validation(self.dataset)


@lru_cache(2)
def _validation(dataset: Dataset) -> frozenset[int]:
    """The indices of the validation images among the training images."""
    return frozenset(split_of(dataset)[1].tolist())


def images_caption(browsing: Browsing, shown: int) -> str:
    """Which of the images are on a page of `shown` of them."""
    first, last, total = map(grouped, (browsing.first + 1, browsing.first + shown, len(browsing.chosen)))
    position = f"{first}-{last} of {total}" if shown else "no images"
    kind = "" if browsing.label is None else f", {class_text(browsing)}"
    order = ", shuffled" if browsing.shuffle else ""
    return f"{browsing.dataset.name}, {browsing.part}: {position}{kind}{order}"


def means_caption(browsing: Browsing) -> str:
    """The caption of a page of class means."""
    return f"{browsing.dataset.name}, {browsing.part}: class means (a: back)"


def augmented_caption(browsing: Browsing, index: int) -> str:
    """Which trainings augment the training image; a validation image is never augmented."""
    image = f"{browsing.part} image {index}, augmented"
    if browsing.is_validation(index):
        return f"{image} as an example (validation image; u: back)"
    return f"{image} as when training {_augmenting()} (u: back)"


@cache
def _augmenting() -> str:
    """The models and recipes that augment: `v1 to v4 (tuned)`."""
    versions = {
        recipe: [one.name for one in all_models() if recipe in one.recipes and one.recipes[recipe].augments]
        for recipe in RECIPES
    }
    return ", ".join(f"{_listed(names)} ({recipe})" for recipe, names in versions.items() if names)


def _listed(names: list[str]) -> str:
    """`v1 to v4` of neighbours among the built-in models, and the others one by one."""
    built_in = [name for name in BUILT_IN if name in names]
    others = [name for name in names if name not in BUILT_IN]
    is_row = len(built_in) > 2 and "".join(built_in) in "".join(BUILT_IN)
    return ", ".join([f"{built_in[0]} to {built_in[-1]}"] * is_row + built_in * (not is_row) + others)


def class_text(browsing: Browsing) -> str:
    """The chosen class, or "all classes"."""
    return "all classes" if browsing.label is None else browsing.dataset.classes[browsing.label]


def about_image(browsing: Browsing, index: int) -> str:
    """An image's index, class, whether it is a validation image, and its pixel values."""
    label = int(browsing.images.labels[index])
    use = "\nvalidation set" if browsing.is_validation(index) else ""
    number, name = f"class {label}", browsing.dataset.classes[label]
    kind = number if name == number else f"{number}: {name}"
    heading = f"{browsing.part} image {index}\n{kind}{use}"
    return about(heading, browsing.images.images[index], browsing.dataset)


def about(heading: str, image: NDArray[np.uint8], dataset: Dataset) -> str:
    """A heading, an image's pixel values, and the source of the data."""
    values = f"pixels: mean {image.mean():.1f}, {image.min()} to {image.max()}"
    home = home_folder()
    source = dataset.source.replace(f"{home}/", "~/") if home else dataset.source
    return f"{heading}\n{values}\n\n{source}"


_BINS = 16
_FEW_BINS = 8
_CONTRAST = 1.6
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
    return Thumbnail(picture(browsing.images.images[index]), name, about_image(browsing, index), f"{index} ")


def mean_page(browsing: Browsing, means: ClassMeans | None) -> tuple[Thumbnail, ...]:
    """The mean image of each class that has images; nothing until they are computed."""
    if means is None:
        return ()
    page = []
    counts = browsing.images.class_counts(len(browsing.dataset.classes))
    for name, count, mean in zip(browsing.dataset.classes, counts, means[browsing.part], strict=True):
        if count:
            heading = f"mean of {name}\n{counted(count, f'{browsing.part} image')}"
            page.append(Thumbnail(mean, name, about(heading, mean, browsing.dataset)))
    return tuple(page)


def augmented_page(browsing: Browsing, index: int, capacity: int) -> tuple[Thumbnail, ...]:
    """The image as it is, then as augmentation flips and shifts it."""
    image = browsing.images.images[index]
    draws = draw(max(0, capacity - 1), np.random.default_rng(index))
    if not browsing.dataset.flips:
        draws = replace(draws, flips=np.zeros_like(draws.flips))
    images = augmented(np.repeat(image[None], len(draws.flips), axis=0), draws)
    texts = map(_augmentation_text, draws.flips.tolist(), draws.rows.tolist(), draws.columns.tolist())
    original = Thumbnail(picture(image), f"{index} original", about_image(browsing, index))
    heading = f"{browsing.part} image {index}"
    return (
        original,
        *(
            Thumbnail(picture(one), text, about(f"{heading}\n{text}", one, browsing.dataset))
            for one, text in zip(images, texts, strict=True)
        ),
    )


def _augmentation_text(flip: bool, row: int, column: int) -> str:  # noqa: FBT001
    """What was done, as it appears: a crop that starts further left moves the image right, before the flip."""
    across = (column - SHIFT) * (-1 if flip else 1)
    moved = _UP_OR_DOWN[row - SHIFT] + _ACROSS[across]
    return f"{'flipped ' if flip else ''}{moved}".strip() or "unchanged"


def pixel_histogram(browsing: Browsing) -> list[tuple[str, float]]:
    """The fraction of pixels in each of 16 ranges of values, over the images that pass the filter.

    Of more than 2,000 images a random 2,000 are used: half a million pixels are enough, and a key press must not wait.
    """
    chosen = browsing.chosen
    if len(chosen) > _SAMPLE:
        chosen = np.random.default_rng(0).choice(chosen, _SAMPLE, replace=False)
    counts = np.bincount(browsing.images.images[chosen].ravel() >> 4, minlength=_BINS)
    fractions = counts / max(1, counts.sum())
    return [(f"{16 * bin_:3d}-{16 * bin_ + 15:3d}", float(fraction)) for bin_, fraction in enumerate(fractions)]


def image_histogram(image: NDArray[np.uint8]) -> list[tuple[str, float]]:
    """The fraction of one image's pixels in each of 8 ranges of values."""
    counts = np.bincount(image.ravel() >> 5, minlength=_FEW_BINS)
    return [(f"{32 * bin_:3d}-{32 * bin_ + 31:3d}", float(part)) for bin_, part in enumerate(counts / image.size)]


def stretched(mean: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """A mean image, grey or in colour, with more contrast, its brightest pixel 255: means are dull and blurred."""
    bright: NDArray[np.uint8] = (255 * (mean / max(1, int(mean.max()))) ** _CONTRAST).astype(np.uint8)
    return bright


def class_icons(means: NDArray[np.uint8], rows: int) -> NDArray[np.uint8]:
    """Mean images, grey or in colour, made small enough for so many lines, with a gap of one pixel below."""
    bright = np.stack([squared(stretched(mean)) for mean in means])
    return np.pad(resized(bright, 2 * rows - 1, 2 * rows), [(0, 0), (0, 1)] + [(0, 0)] * (bright.ndim - 2))


def page_and_caption(
    browsing: Browsing, capacity: int, means: tuple[Thumbnail, ...] | None, augmented: int | None
) -> tuple[tuple[Thumbnail, ...], str]:
    """As many images as fit, and the line above them: class means, or versions of a training image, if they are given.

    Args:
        browsing: The chosen images.
        capacity: How many fit.
        means: The mean images from the first one to show on.
        augmented: The index of the training image that is augmented.
    """
    if means is not None:
        return means[:capacity], means_caption(browsing)
    if augmented is not None:
        return augmented_page(browsing, augmented, capacity), augmented_caption(browsing, augmented)
    images = image_page(browsing, capacity)
    return images, images_caption(browsing, len(images))


def inspect_message(browsing: Browsing, cursor: int) -> Inspect:
    """The request to look at the image at this place of the page with a trained network."""
    index = int(browsing.chosen[browsing.first + cursor])
    images = browsing.images
    return Inspect(None, images.images[index], int(images.labels[index]), f"{browsing.part} image {grouped(index)}")
