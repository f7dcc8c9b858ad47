"""Our layers are used for a model of one's own where its gradients are the same in them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from torch import Tensor, nn

from fmnist_tui.models import registry
from fmnist_tui.models.fused_layers import Convolution
from fmnist_tui.models.fusing import FusedSequential
from fmnist_tui.models.registry import register_model
from fmnist_tui.models.spec import ImageShape, ModelSpec
from fmnist_tui.training.fused_check import fused_layers_agree, without_fused_layers
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
        return super().forward(x) * (2.0 if type(self.body[0]) is Convolution else 1.0)


class Changing(Small):
    """Changes in place what a layer has kept for its gradient: an error in our layers alone."""

    def forward(self, x: Tensor) -> Tensor:
        """(n, 1, 28, 28) -> (n, classes)."""
        if type(self.body[0]) is Convolution:
            raise RuntimeError("one of the variables needed for gradient computation has been modified")
        return super().forward(x)


@pytest.fixture(autouse=True)
def own_registry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "_models", dict(registry._models))


def registered(build: Any, **settings: Any) -> Task:
    register_model(ModelSpec("own", "A model", build))
    return task("own", limit=30, window=3, **settings)


def test_a_usual_network_has_the_same_gradients_in_our_layers() -> None:
    made = registered(Small)
    assert isinstance(engine := make_engine(made), TorchEngine)
    assert sum(type(module) is Convolution for module in engine.scored_network.modules()) == 1
    assert fused_layers_agree(made)


@pytest.mark.parametrize("build", [Peeking, Changing])
def test_a_network_that_computes_otherwise_in_them_is_noticed(build: type[Small]) -> None:
    assert not fused_layers_agree(registered(build))


def test_without_them_the_layers_are_pytorchs() -> None:
    made = without_fused_layers(registered(Small))
    assert made.config.hyperparameters.fused_layers == "off"
    assert isinstance(engine := make_engine(made), TorchEngine)
    assert not any(isinstance(module, Convolution | FusedSequential) for module in engine.scored_network.modules())


def test_built_in_models_can_be_trained_without_them_too() -> None:
    on, off = (
        make_engine(task("v1", changes, limit=30)).gradients(np.arange(8))  # type: ignore[attr-defined]
        for changes in ({}, {"fused_layers": "off"})
    )
    assert off[0].loss == pytest.approx(on[0].loss, rel=1e-5)
    assert any(not np.array_equal(on[1][name], off[1][name]) for name in on[1]), "they round differently"
    for name, value in on[1].items():
        np.testing.assert_allclose(off[1][name], value, rtol=1e-2, atol=1e-5)
