"""What a page of the Dataset screen can show: images, each class's mean, one image as augmentation makes it."""

from __future__ import annotations

import numpy as np

from fmnist_tui.training.augment import SHIFT, augmented, draw
from fmnist_tui.tui.browsing import Browsing
from fmnist_tui.tui.captions import about, about_image
from fmnist_tui.tui.widgets.thumbnails import Thumbnail

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
