"""Modules that are not built in: whatever they draw is addressed, whatever they keep is saved, or it is noticed."""
# ruff: noqa: S311

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from fmnist_tui.data import Dataset
from fmnist_tui.data.dataset import ImageSet
from fmnist_tui.models import registry
from fmnist_tui.models.registry import register_model
from fmnist_tui.models.spec import ImageShape, ModelSpec
from fmnist_tui.runs.scored_model import make_predictor
from fmnist_tui.training import trainer
from fmnist_tui.training.replay import replays_exactly
from fmnist_tui.training.task import Task, make_engine

from .samples import assert_same_tensors, dataset, pictures, task
from .test_resume import assert_goes_on_the_same, whole_run

ALL = np.arange(32)


class ResNet(nn.Module):
    """A small residual network with everything that draws random numbers, or that changes while it learns."""

    seen: Tensor
    mean: Tensor

    def __init__(self, image_shape: ImageShape, classes: int) -> None:
        super().__init__()
        self.stem = nn.Conv2d(image_shape[0], 8, 3, stride=2, padding=1)
        self.norm = nn.BatchNorm2d(8)
        self.block = nn.Sequential(nn.Conv2d(8, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(), nn.Dropout2d(0.1))
        self.drop = nn.Dropout(0.2)
        self.frozen = nn.Linear(3, 3).requires_grad_(False)
        self.out = nn.Linear(8, classes)
        self.register_buffer("seen", torch.zeros(()))
        self.register_buffer("mean", torch.zeros(8), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu(self.norm(self.stem(x)))
        if not self.training or torch.rand(()) < 0.9:  # stochastic depth
            x = x + self.block(x)
        x = x.mean((2, 3)).view(len(x), -1)
        if self.training:
            self.seen += len(x)
            self.mean = 0.9 * self.mean + 0.1 * x.detach().mean(0)
            x = x + 0.1 * torch.randn_like(x) * random.random() + 0.01 * float(np.random.rand()) + 0.1 * self.mean
        logits: Tensor = self.out(F.dropout(self.drop(x), 0.1, training=self.training))
        return logits + 1e-3 * torch.bernoulli(torch.full_like(logits, 0.5))


class Counting(ResNet):
    """Keeps state that nobody saves."""

    def __init__(self, image_shape: ImageShape, classes: int) -> None:
        super().__init__(image_shape, classes)
        self.steps = 0

    def forward(self, x: Tensor) -> Tensor:
        self.steps += self.training
        return super().forward(x) * (1 + 0.01 * self.steps)


class MakesBuffers(nn.Module):
    """Makes a buffer in its first step, lets one grow, has one without a value, and some of odd types."""

    history: Tensor
    last: Tensor | None
    first: Tensor
    mask: Tensor
    rounded: Tensor

    def __init__(self, image_shape: ImageShape, classes: int) -> None:
        super().__init__()
        self.out = nn.utils.weight_norm(nn.Linear(784, classes))
        self.frozen = nn.Linear(classes, classes).to(torch.bfloat16).requires_grad_(False)
        self.steps = 0
        self.register_buffer("history", torch.zeros(0))
        self.register_buffer("last", None)
        self.register_buffer("mask", torch.where(torch.rand(classes) < 0.2, -torch.inf, 0.0))
        self.register_buffer("rounded", torch.zeros(classes, dtype=torch.bfloat16))
        self.register_buffer("kept", torch.ones(784, dtype=torch.bool))
        self.register_buffer("wave", torch.ones(3, dtype=torch.complex64))

    def get_extra_state(self) -> Tensor:
        return torch.full((self.steps + 1,), self.steps)

    def set_extra_state(self, state: Any) -> None:
        self.steps = int(state[0])

    def forward(self, x: Tensor) -> Tensor:
        logits: Tensor = self.out(x.flatten(1)) + self.mask.exp() + self.rounded.float()
        logits = logits + 1e-3 * self.frozen(logits.to(torch.bfloat16)).float()
        if self.training:
            mean = logits.detach().mean(0)
            if not hasattr(self, "first"):
                self.register_buffer("first", mean)
            self.last = mean if self.last is None else 0.9 * self.last + 0.1 * mean
            self.history = torch.cat([self.history, mean[:1]])
            self.rounded.add_(0.1 * mean.to(torch.bfloat16))
            self.steps += 1
        if self.last is None:
            return logits
        return logits - 0.1 * self.last + 0.1 * self.first + self.history.mean() / (1 + self.steps)


class DrawnAtFirst(nn.Module):
    """Draws a tensor from a generator of its own that is neither a parameter nor a buffer."""

    def __init__(self, image_shape: ImageShape, classes: int) -> None:
        super().__init__()
        self.pixels = torch.from_numpy(np.random.default_rng().permutation(784))
        self.out = nn.Linear(784, classes)

    def forward(self, x: Tensor) -> Tensor:
        logits: Tensor = self.out(x.flatten(1)[:, self.pixels])
        return logits


def registered(build: Any, **settings: Any) -> Task:
    register_model(ModelSpec("own", "A model", build))
    return task("own", limit=30, window=3, **settings)


@pytest.fixture(autouse=True)
def own_registry(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(registry, "_models", dict(registry._models))
    states = torch.get_rng_state(), np.random.get_state(), random.getstate()
    yield
    torch.set_rng_state(states[0])
    np.random.set_state(states[1])
    random.setstate(states[2])


def in_colour() -> Dataset:
    """The usual data, each class in a colour of its own."""
    grey = dataset()
    channels = np.array([3, 5, 6], np.uint8)
    train, test = (
        ImageSet.of(one.images // (1 + one.labels[:, None] % channels)[:, :, None, None], one.labels)
        for one in (grey.train, grey.test)
    )
    return replace(grey, train=train, test=test)


@pytest.mark.parametrize("data", [dataset, in_colour])
@pytest.mark.parametrize("changes", [{}, {"optimizer": "muon", "ema": 0.9, "mixup": 0.4, "flip": "on", "clip": 1.0}])
def test_a_residual_network_with_plain_dropout_goes_on_bit_for_bit(
    changes: dict[str, Any], data: Callable[[], Dataset], monkeypatch: pytest.MonkeyPatch
) -> None:
    """From every checkpoint, whatever the generators were used for in between."""
    monkeypatch.setattr(trainer, "CHECKPOINT_SECONDS", 0.0)
    made = registered(ResNet, changes=changes, data=data())
    assert replays_exactly(made)
    whole = whole_run(made)
    assert len(whole.store.checkpoints) == 6
    for checkpoint in whole.store.checkpoints:
        torch.rand(3), np.random.rand(), random.random()
        assert {"seen", "mean", "norm.running_mean", "frozen.weight"} <= checkpoint.tensors.keys()
        assert_goes_on_the_same(made, whole, checkpoint)


@pytest.mark.parametrize("ema", [0.0, 0.9])
@pytest.mark.filterwarnings("ignore:.*weight_norm:FutureWarning")
def test_buffers_that_a_module_makes_or_that_grow_are_restored(ema: float, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trainer, "CHECKPOINT_SECONDS", 0.0)
    made = registered(MakesBuffers, changes={"ema": ema})
    assert replays_exactly(made)
    whole = whole_run(made)
    for checkpoint in whole.store.checkpoints:
        assert_goes_on_the_same(made, whole, checkpoint)
    assert whole.outcome.weights is not None
    assert len(whole.outcome.weights["history"]) > 3
    assert whole.outcome.probabilities is not None
    predicted = make_predictor(made.config, whole.outcome.weights).predict(made.dataset.test.images)
    np.testing.assert_allclose(predicted, whole.outcome.probabilities, atol=1e-6)


def test_each_step_and_each_seed_has_draws_of_its_own() -> None:
    class Drawing(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.out = nn.Linear(784, 10)
            self.drawn: list[tuple[float, float, float]] = []

        def forward(self, x: Tensor) -> Tensor:
            self.drawn.append((float(torch.rand(())), float(np.random.rand()), random.random()))
            logits: Tensor = self.out(x.flatten(1))
            return logits

    networks = [Drawing(), Drawing(), Drawing()]
    for network, seed in zip(networks, (0, 0, 1), strict=True):
        made = registered(lambda *_, built=network: built, seed=seed)
        registry._models.pop("own")
        register_model(ModelSpec("own", "A model", lambda *_, built=network: built))
        engine = make_engine(made)
        for epoch, step in ((1, 0), (1, 1), (2, 0)):
            engine.step(ALL[:8], 1e-3, epoch, step)
        engine.evaluate(ALL[:8])
        engine.predict(pictures(8)[0])
        registry._models.pop("own")
    one, two, other = (network.drawn for network in networks)
    assert one == two
    assert len(set(one[:4])) == 4
    assert one[3] == one[4], "evaluation and prediction draw the same"
    assert not set(one[:3]) & set(other)
    assert all(len(set(draw)) == 3 for draw in one)


@pytest.mark.parametrize("version", ["v1", "v3"])
def test_a_built_in_model_replays_and_leaves_the_generators_alone(version: str) -> None:
    before = torch.get_rng_state(), random.getstate()
    assert replays_exactly(task(version, limit=30, window=3))
    assert torch.equal(before[0], torch.get_rng_state())
    assert before[1] == random.getstate()


@pytest.mark.parametrize(("build", "exact"), [(ResNet, True), (Counting, False), (DrawnAtFirst, False)], ids=str)
def test_a_module_with_state_elsewhere_is_noticed_at_the_start(build: Any, exact: bool) -> None:
    assert replays_exactly(registered(build)) is exact


def test_a_batch_as_large_as_the_data_is_replayed_too() -> None:
    made = registered(ResNet)
    settings = replace(made.config.hyperparameters, batch_size=500)
    assert replays_exactly(replace(made, config=replace(made.config, hyperparameters=settings)))


def test_a_module_may_use_view_and_any_memory_layout() -> None:
    class Viewing(nn.Module):
        def __init__(self, *_: object) -> None:
            super().__init__()
            self.convolution = nn.Conv2d(1, 4, 3, padding=1)
            self.out = nn.Linear(4 * 784, 10)

        def forward(self, x: Tensor) -> Tensor:
            logits: Tensor = self.out(self.convolution(x).view(len(x), -1))
            return logits

    engine = make_engine(registered(Viewing))
    engine.step(ALL[:8], 1e-3, 1, 0)
    state = engine.state()
    engine.step(ALL[:8], 1e-3, 1, 1)
    engine.load_state(state)
    assert_same_tensors(engine.state(), state)


@pytest.mark.gpu
def test_what_a_module_draws_on_a_gpu_is_addressed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trainer, "CHECKPOINT_SECONDS", 0.0)
    made = registered(ResNet, device="cuda:0")
    assert replays_exactly(made)
    whole = whole_run(made)
    for checkpoint in whole.store.checkpoints:
        torch.rand(3, device="cuda:0")
        assert_goes_on_the_same(made, whole, checkpoint)
