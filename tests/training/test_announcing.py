from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from fmnist_tui.data import Dataset, ImageSet
from fmnist_tui.training.events import Alert, Stage
from fmnist_tui.training.recipes import configure
from fmnist_tui.training.task import announcements, make_task

from .samples import dataset


def announced(version: str, data: Dataset, recipe: str = "tuned", flip: str = "auto", **settings: Any) -> list[str]:
    config = configure(version, recipe, {}, flip=flip, device="cpu", threads=1, **settings)
    found = list(announcements(make_task(config, data), config.hyperparameters))
    assert all(isinstance(event, Stage | Alert) for event in found)
    return [event.name if isinstance(event, Stage) else f"alert: {event.message}" for event in found]  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("recipe", "flip", "garments", "other"),
    [
        (
            "tuned",
            "auto",
            "augmentation: flips and shifts",
            "augmentation: shifts only (flips are off for unknown data; --flip on turns them on)",
        ),
        (
            "tuned",
            "on",
            "augmentation: flips and shifts",
            "augmentation: flips and shifts (flips are on, as requested)",
        ),
        ("tuned", "off", "augmentation: shifts only (flips are off, as requested)", "augmentation: shifts only"),
        ("origin", "on", "augmentation: flips", "augmentation: flips (flips are on, as requested)"),
        ("origin", "auto", None, None),
    ],
)
def test_what_is_done_to_images_and_why_is_one_line(
    recipe: str, flip: str, garments: str | None, other: str | None
) -> None:
    for flips, expected in ((True, garments), (False, other)):
        assert announced("v1", replace(dataset(), flips=flips), recipe, flip) == ([expected] if expected else [])


def test_a_recipe_without_flips_was_not_asked_for() -> None:
    config = configure("v1", "origin", {}, given={"shift": "1"}, device="cpu", threads=1)
    task = make_task(config, replace(dataset(), flips=True))
    (line,) = announcements(task, config.hyperparameters)
    assert line == Stage("augmentation: shifts only")


def test_a_limit_says_which_images_it_takes() -> None:
    assert announced("v0", dataset(60), limit=20) == ["limit: the first 20 of 60 training images"]
    assert announced("v0", dataset(60), limit=61) == ["limit: all 60 training images (there are no more)"]
    data = dataset(60)
    order = np.argsort(data.train.labels, kind="stable")
    in_order = replace(data, train=ImageSet.of(data.train.images[order], data.train.labels[order]))
    (line,) = announced("v0", in_order, limit=20)
    assert line.startswith(
        "alert: --limit takes 20 of 60 training images by class, in proportion: the labels are sorted"
    )


def test_classes_that_no_training_image_has_are_named() -> None:
    data = dataset(60, 20)
    few = data.train.labels < 8
    data = replace(data, train=ImageSet.of(data.train.images[few], data.train.labels[few]))
    (line,) = announced("v0", data)
    assert line == "alert: no training image of Bag, Ankle boot; 4 test images will be misclassified"
    assert announced("v0", data, score_test=False) == []
