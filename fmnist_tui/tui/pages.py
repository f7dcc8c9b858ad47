"""What a page of the Dataset screen can show: images, each class's mean, one image as augmentation makes it."""

from __future__ import annotations

import numpy as np

from fmnist_tui.training.augment import augmented, draw
from fmnist_tui.tui.browsing import Browsing
from fmnist_tui.tui.widgets.thumbnails import Thumbnail

_BINS = 16
_SAMPLE = 2000


def image_page(browsing: Browsing, capacity: int) -> tuple[Thumbnail, ...]:
    """The images from `browsing.first` on, with index and class."""
    names, labels = browsing.dataset.classes, browsing.images.labels
    page = browsing.chosen[browsing.first : browsing.first + capacity]
    return tuple(Thumbnail(browsing.images.images[index], f"{index} {names[labels[index]]}") for index in page)


def mean_page(browsing: Browsing) -> tuple[Thumbnail, ...]:
    """Each class's mean image; classes without images are left out."""
    labels = browsing.images.labels
    return tuple(
        Thumbnail(browsing.images.images[labels == label].mean(axis=0).astype(np.uint8), name)
        for label, name in enumerate(browsing.dataset.classes)
        if (labels == label).any()
    )


def augmented_page(browsing: Browsing, index: int, capacity: int) -> tuple[Thumbnail, ...]:
    """One image as it is, then as the tuned recipe's augmentation shows it to v1, v2 and v3."""
    image = browsing.images.images[index]
    draws = draw(max(0, capacity - 1), np.random.default_rng(index))
    seen = augmented(np.repeat(image[None], len(draws.flips), axis=0), draws)
    words = [
        f"{'flip ' if flip else ''}{row - 1:+d} {column - 1:+d}"
        for flip, row, column in zip(draws.flips, draws.rows, draws.columns, strict=True)
    ]
    return (
        Thumbnail(image, f"{index} as it is"),
        *(Thumbnail(one, word) for one, word in zip(seen, words, strict=True)),
    )


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
