"""Small datasets, configurations and tasks for the tests of training."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fmnist_tui.data import FASHION_CLASSES, Dataset
from fmnist_tui.data.dataset import ImageSet
from fmnist_tui.models.dense import DenseNetwork
from fmnist_tui.models.registry import get_model
from fmnist_tui.models.spec import FASHION_MNIST_CLASSES, FASHION_MNIST_SHAPE
from fmnist_tui.training.config import TrainingConfig
from fmnist_tui.training.engine import Tensors
from fmnist_tui.training.recipes import configure, settle_for_fashion_mnist
from fmnist_tui.training.task import Task, make_task

if TYPE_CHECKING:
    from torch import nn

Bytes = NDArray[np.uint8]
V0_SIZES = (784, 300, 100, 10)


def v0_network(dtype: type[np.floating[Any]] = np.float32) -> DenseNetwork:
    """v0's network, its parameters zero."""
    return DenseNetwork(V0_SIZES, dtype)


def seeded(version: str, seed: int) -> nn.Sequential:
    """An untrained network of a PyTorch model, as a run with this seed starts with."""
    from torch import nn

    from fmnist_tui.training.torch_engine import seeded_network

    build = partial(get_model(version).build, FASHION_MNIST_SHAPE, FASHION_MNIST_CLASSES)
    network = seeded_network(build, seed)
    assert isinstance(network, nn.Sequential)
    return network


def pictures(count: int, seed: int = 0) -> tuple[Bytes, Bytes]:
    """Noise with a bright bar at a height that tells the class; the first pixel numbers the image."""
    rng = np.random.default_rng(seed)
    labels = (np.arange(count) % 10).astype(np.uint8)
    images = rng.integers(0, 60, (count, 28, 28), dtype=np.uint8)
    for image, label in zip(images, labels, strict=True):
        image[2 * label + 2 : 2 * label + 8, 4:24] += 150
    images[:, 0, 0] = np.arange(count) % 256
    return images[:, None], labels


def dataset(train: int = 60, test: int = 20) -> Dataset:
    return Dataset(
        "bars", FASHION_CLASSES, ImageSet.of(*pictures(train)), ImageSet.of(*pictures(test, seed=1)), "made here"
    )


def config(version: str = "v0", changes: dict[str, Any] | None = None, **settings: Any) -> TrainingConfig:
    """The tuned recipe, as Fashion-MNIST settles it, for two epochs in batches of 8, on one thread."""
    chosen: dict[str, Any] = {"device": "cpu", "threads": 1} | settings
    own = configure(version, "tuned", {"epochs": 2, "batch_size": 8} | (changes or {}), **chosen)
    return replace(own, hyperparameters=settle_for_fashion_mnist(own.hyperparameters))


def task(
    version: str = "v0",
    changes: dict[str, Any] | None = None,
    *,
    window: int = 2,
    data: Dataset | None = None,
    **settings: Any,
) -> Task:
    """60 training images make 54 to learn from and 6 to validate on: 7 batches of 8, the last one of 6."""
    return make_task(config(version, changes, **settings), data or dataset(), window)


def assert_same_tensors(found: Tensors, expected: Tensors) -> None:
    """The same names, types and bits."""
    assert sorted(found) == sorted(expected)
    for name, tensor in expected.items():
        assert found[name].dtype == tensor.dtype, name
        assert found[name].shape == tensor.shape, name
        assert found[name].tobytes() == tensor.tobytes(), name
