"""Our layers are used for a model of one's own where its gradients are the same in them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from torch import Tensor, nn

from fmnist_tui.models import registry
from fmnist_tui.models.fusing import FusedSequential
from fmnist_tui.models.registry import register_model
from fmnist_tui.models.spec import ImageShape, ModelSpec
from fmnist_tui.training.config import TrainingConfig
from fmnist_tui.training.fused_check import check_fused_layers
from fmnist_tui.training.task import Task, make_engine
from fmnist_tui.training.torch_engine import TorchEngine

from .samples import task


class Small(nn.Module):
    """Convolution, normalisation, ReLU and pooling, as everybody writes them."""

    def __init__(self, image_shape: ImageShape, classes: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(image_shape[0], 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(), nn.MaxPool2d(2), nn.Dropout(0.2)
        )
        self.out = nn.Linear(8 * 14 * 14, classes)

    def forward(self, x: Tensor) -> Tensor:
        """(n, 1, 28, 28) -> (n, classes)."""
        logits: Tensor = self.out(self.body(x).flatten(1))
        return logits


class Peeking(Small):
    """Looks at how a layer computes: such a model would learn something else in our layers."""

    def forward(self, x: Tensor) -> Tensor:
        """(n, 1, 28, 28) -> (n, classes)."""
        return super().forward(x) * (2.0 if type(self.body) is FusedSequential else 1.0)


class Changing(Small):
    """Changes in place what a layer has kept for its gradient: an error in our layers alone."""

    def forward(self, x: Tensor) -> Tensor:
        """(n, 1, 28, 28) -> (n, classes)."""
        if type(self.body) is FusedSequential:
            raise RuntimeError("one of the variables needed for gradient computation has been modified")
        return super().forward(x)


class Viewing(Small):
    """Uses `view`, which fails on channels last."""

    def forward(self, x: Tensor) -> Tensor:
        """(n, 1, 28, 28) -> (n, classes)."""
        logits: Tensor = self.out(self.body(x).view(len(x), -1))
        return logits


@pytest.fixture(autouse=True)
def own_registry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "_models", dict(registry._models))


def registered(build: Any, **settings: Any) -> Task:
    register_model(ModelSpec("own", "A model", build))
    return task("own", limit=30, window=3, **settings)


def fused_in(made: Task) -> int:
    """How many sequences of the task's network train in shared passes."""
    engine = make_engine(made)
    assert isinstance(engine, TorchEngine)
    return sum(isinstance(module, FusedSequential) and module.is_fused for module in engine.scored_network.modules())


def test_a_usual_network_has_the_same_gradients_in_shared_passes() -> None:
    made = registered(Small)
    assert fused_in(made) == 0, "not before it is checked"
    checked = check_fused_layers(made)
    assert checked.config.fused
    assert fused_in(checked) == 1
    assert TrainingConfig.from_json(checked.config.to_json()).fused


@pytest.mark.parametrize("build", [Peeking, Changing, Viewing])
def test_a_network_that_computes_otherwise_in_them_is_noticed(build: type[Small]) -> None:
    made = registered(build)
    assert check_fused_layers(made) is made
    make_engine(made).step(np.arange(8), 1e-3, 1, 0)


def test_they_can_be_switched_off() -> None:
    made = registered(Small, changes={"fused_layers": "off"})
    assert check_fused_layers(made) is made
    assert fused_in(made) == 0


def test_built_in_models_can_be_trained_without_them_too() -> None:
    engines = [make_engine(task("v1", changes, limit=30)) for changes in ({}, {"fused_layers": "off"})]
    assert all(isinstance(engine, TorchEngine) for engine in engines)
    (ours, gradients), (theirs, others) = (engine.gradients(np.arange(8)) for engine in engines)  # type: ignore[attr-defined]
    assert theirs.loss == pytest.approx(ours.loss, rel=1e-5)
    assert any(not np.array_equal(value, others[name]) for name, value in gradients.items()), "they round differently"
    for name, value in gradients.items():
        np.testing.assert_allclose(others[name], value, rtol=1e-2, atol=1e-5)
