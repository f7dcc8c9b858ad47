"""PyTorch as its tutorials teach it: TensorDataset, DataLoader, a loop with `.item()` in each step."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

from benchmarks.contestants.ours import images_of
from benchmarks.spec import Spec
from fmnist_tui.data import ImageSet
from fmnist_tui.models.cnn import build_cnn
from fmnist_tui.models.fused_layers import Convolution, Dropout, ReluNormPool
from fmnist_tui.models.spec import FASHION_MNIST_CLASSES, FASHION_MNIST_SHAPE
from fmnist_tui.training.recipes import hyperparameters, settle_for_fashion_mnist

_PLAIN = hyperparameters("v3", "origin")
_SCALE, _OFFSET = _PLAIN.pixel_scaling


class PlainDense:
    """v0's network and loss: binary cross-entropy summed over the outputs, a mean over the batch; SGD with momentum."""

    def __init__(self, spec: Spec) -> None:
        torch.set_num_threads(spec.threads)
        settings = settle_for_fashion_mnist(hyperparameters("v0", "tuned"))
        train = images_of(spec).train
        inputs = torch.tensor(train.images.reshape(len(train), -1), dtype=torch.float32)
        scale, offset = settings.pixel_scaling
        inputs = inputs * scale + offset
        labels = torch.tensor(train.labels, dtype=torch.int64)
        targets = nn.functional.one_hot(labels, 10) * (1 - 2 * settings.target_margin) + settings.target_margin
        self._batches = _endless(TensorDataset(inputs, targets), spec.batch_size)
        self._model = nn.Sequential(nn.Linear(784, 300), nn.ReLU(), nn.Linear(300, 100), nn.ReLU(), nn.Linear(100, 10))
        self._optimizer = torch.optim.SGD(self._model.parameters(), settings.learning_rate, settings.momentum)
        self._criterion = nn.BCEWithLogitsLoss(reduction="sum")
        self.loss = 0.0

    def turn(self, amount: int) -> None:
        """So many steps."""
        for _ in range(amount):
            images, targets = next(self._batches)
            self._optimizer.zero_grad()
            loss = self._criterion(self._model(images), targets) / len(images)
            loss.backward()
            self._optimizer.step()
            self.loss += loss.item()


class PlainCnn:
    """v3's network on float32 images; AdamW on the cross-entropy, with the origin's settings."""

    def __init__(self, spec: Spec) -> None:
        torch.set_num_threads(spec.threads)
        train = images_of(spec).train
        self.images = len(train) if spec.limit is None else min(spec.limit, len(train))
        """How many there are to learn from, a tenth being set aside."""
        self.images -= self.images // 10
        part = ImageSet.of(train.images[: self.images].copy(), train.labels[: self.images].copy())
        self._batches = _endless(_floats(part), spec.batch_size)
        self.model = plain_v3()
        self._optimizer = torch.optim.AdamW(
            self.model.parameters(), lr=_PLAIN.learning_rate, weight_decay=_PLAIN.weight_decay
        )
        self._criterion = nn.CrossEntropyLoss()
        self.loss = 0.0

    def turn(self, amount: int) -> None:
        """So many steps."""
        self.model.train()
        for _ in range(amount):
            images, labels = next(self._batches)
            self._optimizer.zero_grad()
            loss = self._criterion(self.model(images), labels)
            loss.backward()
            self._optimizer.step()
            self.loss += loss.item()


class PlainValidation:
    """The same network over images that it doesn't learn from."""

    def __init__(self, spec: Spec, model: nn.Module | None = None) -> None:
        torch.set_num_threads(spec.threads)
        self._images = images_of(spec).train
        self._batch_size = spec.batch_size
        self._model = model or plain_v3()
        self._criterion = nn.CrossEntropyLoss()
        self.loss, self.right = 0.0, 0

    def turn(self, amount: int) -> None:
        """So many images."""
        part = ImageSet.of(self._images.images[:amount].copy(), self._images.labels[:amount].copy())
        self._model.eval()
        with torch.no_grad():
            for images, labels in DataLoader(_floats(part), batch_size=self._batch_size):
                outputs = self._model(images)
                self.loss += self._criterion(outputs, labels).item()
                self.right += int((outputs.argmax(1) == labels).sum().item())


def plain_v3() -> nn.Module:
    """v3 out of PyTorch's own layers: a user wouldn't have our convolution, our fused layers and our dropout."""
    model = build_cnn(FASHION_MNIST_SHAPE, FASHION_MNIST_CLASSES, hidden_layers=2, dropout=0.1)
    return nn.Sequential(*(_plain(layer) for layer in model))


def _plain(layer: nn.Module) -> nn.Module:
    if isinstance(layer, Dropout):
        return nn.Dropout(layer.p)
    if isinstance(layer, Convolution):
        return nn.Conv2d(layer.in_channels, layer.out_channels, layer.kernel_size, padding=layer.padding)  # type: ignore[arg-type]
    if isinstance(layer, ReluNormPool):
        return nn.Sequential(nn.ReLU(), nn.BatchNorm2d(layer.num_features), nn.MaxPool2d(2))
    return layer


def _floats(images: ImageSet) -> TensorDataset:
    inputs = torch.from_numpy(images.images.astype(np.float32)) * _SCALE + _OFFSET
    return TensorDataset(inputs, torch.from_numpy(images.labels.astype(np.int64)))


def _endless(dataset: TensorDataset, batch_size: int) -> Iterator[tuple[Tensor, ...]]:
    loader: DataLoader[tuple[Tensor, ...]] = DataLoader(dataset, batch_size=batch_size, shuffle=True)
    while True:
        yield from loader
