"""The engine's step (channels_last, fused AdamW, images resident as uint8) against a plain PyTorch loop.

AdamW divides a slope by its own size, so where a slope is no more than rounding, a step of full length may go either
way: those numbers are left out of the close comparison. And where rounding decides which pixel of a pool is largest,
slopes differ visibly: those numbers are few.

All built-in CNNs are compared but those with dropout, whose masks the engine draws in its own way.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from builtin_names import CNNS
from numpy.typing import NDArray
from torch import nn

from fmnist_tui.models.layers import layer_table
from fmnist_tui.models.registry import get_model
from fmnist_tui.training.config import Hyperparameters
from fmnist_tui.training.engine import Indices, Tensors
from fmnist_tui.training.torch_engine import TorchEngine

from .samples import config, pictures, seeded

Floats = NDArray[np.float32]

RATE = 1e-3
SMALL_RATE = 1e-5
CLEAR_SLOPE = 1e-5
ROUNDING = 1e-4
"""Of a layer's gradients."""
FAR = {"v1": 0.01, "v2": 0.01}
"""The fraction of numbers that rounding may lead elsewhere; in other models, which may be deeper, 0.03."""
BATCHES = [np.arange(start, start + 16) for start in (0, 16, 32)]
SETTINGS = replace(
    config("v1").hyperparameters, flip="off", shift=0, label_smoothing=0.1, weight_decay=0.5, learning_rate=RATE
)
SCALE, OFFSET = SETTINGS.pixel_scaling


def has_dropout(model: str) -> bool:
    return any(layer.kind.startswith("Dropout") for layer in layer_table(get_model(model)).layers)


COMPARED = [model for model in CNNS if not has_dropout(model)]


class Textbook:
    """How one would write it at first: float images, contiguous, AdamW neither fused nor grouped."""

    def __init__(self, version: str, settings: Hyperparameters) -> None:
        self.network = seeded(version, 3)
        self.optimizer = torch.optim.AdamW(
            self.network.parameters(), weight_decay=settings.weight_decay, fused=False, foreach=False
        )
        images, labels = pictures(60)
        self.inputs = torch.tensor(images, dtype=torch.float32) * SCALE + OFFSET
        self.labels = torch.tensor(labels, dtype=torch.int64)
        self.settings = settings

    def step(self, batch: Indices, rate: float) -> float:
        self.network.train()
        self.optimizer.param_groups[0]["lr"] = rate
        logits = self.network(self.inputs[batch])
        loss = F.cross_entropy(logits, self.labels[batch], label_smoothing=self.settings.label_smoothing)
        self.optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        self.optimizer.step()
        return loss.item()

    def copy_from(self, state: Tensors) -> None:
        """Goes on from the engine's state."""
        names = self.network.state_dict()
        self.network.load_state_dict({name: torch.tensor(state[name]) for name in names})
        for name, parameter in self.network.named_parameters():
            self.optimizer.state[parameter] = {
                kind: torch.tensor(state[f"optimizer.{kind}.{name}"]) for kind in ("step", "exp_avg", "exp_avg_sq")
            }


def engine(version: str) -> TorchEngine:
    return TorchEngine(seeded(version, 3), SETTINGS, 3, *pictures(60), "cpu")


def relative_error(found: Floats, expected: Floats, least: float = 0.0) -> float:
    return float(np.linalg.norm(found - expected)) / max(float(np.linalg.norm(expected)), least)


def least_norm(textbook: Textbook, name: str, kind: str) -> float:
    """What is nothing beside the mean of a layer's gradients ("exp_avg") or that of their squares ("exp_avg_sq").

    The gradient of a bias before a batch norm is zero except for rounding, so its relative error is meaningless.
    """
    layer = textbook.network.get_submodule(name.rpartition(".")[0])
    norms = [float(textbook.optimizer.state[one][kind].norm()) for one in layer.parameters()]
    return max(norms) * (ROUNDING if kind == "exp_avg" else ROUNDING**2)


def compare(textbook: Textbook, learning: TorchEngine, rate: float, far: float = 0.01) -> None:
    state = learning.state()
    clear_ones, far_ones = 0, 0
    for name, parameter in textbook.network.named_parameters():
        remembered = textbook.optimizer.state[parameter]
        for kind in ("exp_avg", "exp_avg_sq"):
            least = least_norm(textbook, name, kind)
            error = relative_error(state[f"optimizer.{kind}.{name}"], remembered[kind].numpy(), least)
            assert error < 0.05, (kind, name)
        assert state[f"optimizer.step.{name}"] == remembered["step"].item()
        apart = np.abs(state[name] - parameter.detach().numpy()) / rate
        assert apart.max() < 2.5, name
        clear = np.abs(remembered["exp_avg"].numpy()) > CLEAR_SLOPE
        clear_ones += int(clear.sum())
        far_ones += int((apart[clear] > 0.01).sum())
    assert clear_ones > 0.9 * learning.parameters
    assert far_ones < far * clear_ones
    for name, running in textbook.network.named_buffers():
        np.testing.assert_allclose(state[name], running.numpy(), rtol=1e-4, atol=1e-5, err_msg=name)


@pytest.mark.parametrize("version", COMPARED)
def test_each_of_three_steps_equals_a_plain_loops_step_from_the_same_place(version: str) -> None:
    learning, textbook = engine(version), Textbook(version, SETTINGS)
    for number, batch in enumerate(BATCHES):
        rate = RATE / (number + 1)
        if number:
            textbook.copy_from(learning.state())
        loss = textbook.step(batch, rate)
        learning.step(batch, rate, 1, number)
        assert learning.take_totals().mean_loss == pytest.approx(loss, rel=2e-5)
        compare(textbook, learning, rate, FAR.get(version, 0.03))


@pytest.mark.parametrize("version", COMPARED)
def test_three_steps_in_a_row_stay_with_the_plain_loop(version: str) -> None:
    learning, textbook = engine(version), Textbook(version, SETTINGS)
    start = learning.weights()
    for number, batch in enumerate(BATCHES):
        loss = textbook.step(batch, SMALL_RATE)
        learning.step(batch, SMALL_RATE, 1, number)
        assert learning.take_totals().mean_loss == pytest.approx(loss, rel=1e-4)
    for name, parameter in textbook.network.named_parameters():
        remembered = textbook.optimizer.state[parameter]["exp_avg"]
        if float(remembered.norm()) < least_norm(textbook, name, "exp_avg"):
            continue  # it went where rounding led it
        moved = parameter.detach().numpy() - start[name]
        assert relative_error(learning.weights()[name] - start[name], moved) < 0.1, name


def test_the_plain_loop_is_one_a_wrong_step_would_differ_from() -> None:
    """Without weight decay, or with another learning rate, the comparison above fails."""
    for changed, rate in ((replace(SETTINGS, weight_decay=0.0), RATE), (SETTINGS, RATE * 1.02)):
        learning, textbook = engine("v1"), Textbook("v1", changed)
        textbook.step(BATCHES[0], rate)
        learning.step(BATCHES[0], RATE, 1, 0)
        with pytest.raises(AssertionError):
            compare(textbook, learning, RATE)


def test_the_networks_memory_layout_is_channels_last() -> None:
    network = seeded("v2", 3)
    TorchEngine(network, SETTINGS, 3, *pictures(60), "cpu")
    convolution = network.get_submodule("conv2")
    assert isinstance(convolution, nn.Conv2d)
    assert convolution.weight.is_contiguous(memory_format=torch.channels_last)
