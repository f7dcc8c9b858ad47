from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fmnist_tui.data import FASHION_CLASSES, Dataset, ImageSet, load
from fmnist_tui.data.demo import draw


def test_the_demo_set_is_the_same_everywhere() -> None:
    assert draw().fingerprints == (
        "eae0be176be6fa6d087cfdbabf0db485727321e4ad2a8a5468e2a7b94841cc8e",
        "746a09e6fa336dc9d2ecf2e4a78a6596aff3f776233e7cca47563af22f61a4c2",
    )


def test_the_demo_set_says_what_it_is(tmp_path: Path) -> None:
    dataset = load("demo", tmp_path)
    assert not dataset.is_fashion_mnist
    assert (dataset.name, dataset.source) == ("demo", "demo, drawn by this program")
    assert dataset.classes == FASHION_CLASSES
    assert list(tmp_path.iterdir()) == []


def test_the_classes_are_of_equal_size_and_no_two_images_are_alike() -> None:
    dataset = draw()
    images = np.concatenate([dataset.train.images, dataset.test.images])
    assert images.shape == (2500, 1, 28, 28)
    assert np.bincount(dataset.train.labels).tolist() == [200] * 10
    assert np.bincount(dataset.test.labels).tolist() == [50] * 10
    assert len(np.unique(images.reshape(2500, -1), axis=0)) == 2500


def test_the_demo_set_can_be_learned_but_not_by_heart() -> None:
    assert 0.8 < linear_accuracy(draw()) < 0.95


def linear_accuracy(dataset: Dataset, steps: int = 200, learning_rate: float = 0.1) -> float:
    """Train a linear softmax by gradient descent on all images and return its test accuracy."""
    inputs, targets = _inputs(dataset.train), np.eye(10, dtype=np.float32)[dataset.train.labels]
    weights = np.zeros((inputs.shape[1], 10), np.float32)
    for _ in range(steps):
        scores = np.exp(inputs @ weights)
        probabilities = scores / scores.sum(1, keepdims=True)
        weights -= learning_rate / len(inputs) * (inputs.T @ (probabilities - targets))
    return float(((_inputs(dataset.test) @ weights).argmax(1) == dataset.test.labels).mean())


def _inputs(images: ImageSet) -> NDArray[np.float32]:
    pixels = images.images.reshape(len(images), -1).astype(np.float32) / 255 - np.float32(0.185)
    return np.concatenate([pixels, np.ones((len(images), 1), np.float32)], axis=1)
