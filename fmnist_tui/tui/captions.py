"""What the Dataset screen says of a page and of an image."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from fmnist_tui.data import Dataset
from fmnist_tui.models.catalogue import VERSION_NAMES
from fmnist_tui.runs.places import home_folder
from fmnist_tui.text import grouped
from fmnist_tui.training.recipes import RECIPES, hyperparameters
from fmnist_tui.tui.browsing import Browsing


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
        recipe: [name for name in VERSION_NAMES if hyperparameters(name, recipe).augment != "none"]
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
