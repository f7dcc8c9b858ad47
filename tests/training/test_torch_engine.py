from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from builtin_names import CNNS
from numpy.typing import NDArray
from torch import Tensor, nn

from fmnist_tui.models.fused_layers import Dropout
from fmnist_tui.training.augment import Augmentation
from fmnist_tui.training.torch_engine import TorchEngine

from .samples import assert_same_tensors, config, pictures, seeded

ALL = np.arange(60)
RATE = 1e-3


def engine(version: str = "v1", seed: int = 0, **changes: object) -> TorchEngine:
    settings = replace(config(version).hyperparameters, **changes)  # type: ignore[arg-type]
    return TorchEngine(seeded(version, seed), settings, seed, *pictures(60), "cpu")


class Recorder(nn.Module):
    """A network of one layer that keeps what it was shown."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(784, 10)
        self.seen: list[Tensor] = []

    def forward(self, inputs: Tensor) -> Tensor:
        self.seen.append(inputs.detach().clone())
        logits: Tensor = self.layer(inputs.flatten(1))
        return logits


PLAIN: dict[str, Any] = {"flip": "off", "shift": 0}
KINDS: list[dict[str, Any]] = [
    {"flip": "on", "shift": 1},
    {"shift": 1},
    {"flip": "on"},
    {"shift": 3},
    {"crop": 2},
    {"erase": 0.9},
    {"cutout": 9},
    {"flip": "on", "crop": 4, "erase": 0.5, "cutout": 7},
]


def recorder_engine(recorder: Recorder, kind: dict[str, Any]) -> TorchEngine:
    """Shows the recorder pixels as they are."""
    changes = {**PLAIN, **kind, "input_scale": 1.0, "input_offset": 0.0}
    settings = replace(config("v1").hyperparameters, **changes)
    return TorchEngine(recorder, settings, 3, *pictures(60), "cpu")


def pixels_seen(recorder: Recorder) -> NDArray[np.uint8]:
    seen = recorder.seen[-1]
    assert seen.dtype == torch.float32
    assert seen.shape[1:] == (1, 28, 28)
    pixels: NDArray[np.uint8] = seen.numpy().astype(np.uint8)
    return pixels


@pytest.mark.parametrize("kind", KINDS, ids=str)
@pytest.mark.parametrize("epoch_and_step", [(1, 0), (1, 1), (3, 0)])
def test_training_sees_exactly_what_the_augmentation_in_numpy_makes(
    epoch_and_step: tuple[int, int], kind: dict[str, Any]
) -> None:
    recorder = Recorder()
    batch = ALL[[5, 50, 3, 17, 17, 0, 59, 31, 32, 33]]
    settings = replace(config("v1").hyperparameters, **{**PLAIN, **kind, "input_scale": 1.0, "input_offset": 0.0})
    recorder_engine(recorder, kind).step(batch, RATE, *epoch_and_step)
    expected = Augmentation(settings, 3).apply(pictures(60)[0][batch], *epoch_and_step)
    assert not np.array_equal(expected, pictures(60)[0][batch])
    np.testing.assert_array_equal(pixels_seen(recorder), expected)


def test_without_augmentation_training_sees_the_pixels_themselves() -> None:
    recorder = Recorder()
    recorder_engine(recorder, {}).step(ALL[5:9], RATE, 1, 0)
    np.testing.assert_array_equal(pixels_seen(recorder), pictures(60)[0][5:9])


def test_evaluation_and_prediction_never_augment() -> None:
    recorder = Recorder()
    learning = recorder_engine(recorder, KINDS[-1] | {"mixup": 1.0})
    learning.evaluate(ALL[5:9])
    np.testing.assert_array_equal(pixels_seen(recorder), pictures(60)[0][5:9])
    learning.predict(pictures(4, seed=7)[0])
    np.testing.assert_array_equal(pixels_seen(recorder), pictures(4, seed=7)[0])


@pytest.mark.parametrize(("version", "parameters"), [("v1", 120_970), ("v2", 5_858_442), ("v3", 5_858_442)])
def test_it_counts_trained_parameters(version: str, parameters: int) -> None:
    assert engine(version).parameters == parameters


def test_the_pixels_are_scaled_as_the_recipe_says() -> None:
    recorder = Recorder()
    settings = replace(config("v1").hyperparameters, flip="off", shift=0, input_scale=0.5, input_offset=-3.0)
    TorchEngine(recorder, settings, 0, *pictures(60), "cpu").step(ALL[:4], RATE, 1, 0)
    expected = pictures(60)[0][:4].astype(np.float32) * 0.5 - 3.0
    np.testing.assert_array_equal(recorder.seen[0].numpy(), expected)


@pytest.mark.parametrize("version", CNNS)
def test_predictions_are_normalised_float32_and_change_nothing(version: str) -> None:
    learning = engine(version)
    before = learning.state()
    probabilities = learning.predict(pictures(33, seed=2)[0])
    assert probabilities.shape == (33, 10)
    assert probabilities.dtype == np.float32
    np.testing.assert_allclose(probabilities.sum(axis=1), 1.0, rtol=1e-6)
    np.testing.assert_array_equal(learning.predict(pictures(33, seed=2)[0]), probabilities)
    assert_same_tensors(learning.state(), before)


def test_evaluation_changes_nothing_and_knows_loss_likelihood_and_correct_predictions() -> None:
    learning = engine("v3", label_smoothing=0.1)
    learning.step(ALL[:8], RATE, 1, 0)
    learning.take_totals()
    before = learning.state()
    totals = learning.evaluate(ALL[10:30])
    assert_same_tensors(learning.state(), before)
    assert learning.take_totals().images == 0
    images, labels = pictures(60)
    logs = np.log(learning.predict(images[10:30]).astype(np.float64))
    nll = -logs[np.arange(20), labels[10:30]].sum()
    assert totals.nll == pytest.approx(nll, rel=1e-5)
    assert totals.loss == pytest.approx(0.9 * nll - 0.1 * logs.mean(axis=1).sum(), rel=1e-5)
    assert totals.correct == (logs.argmax(axis=1) == labels[10:30]).sum()
    assert totals.images == 20


def test_totals_are_summed_over_the_steps_since_the_last_call() -> None:
    learning, expected_loss, expected_correct = engine("v1", **PLAIN), 0.0, 0
    network = seeded("v1", 0).train()  # a batch norm in training needs no running figures
    images, labels = (torch.tensor(part) for part in pictures(60))
    scale, offset = config("v1").hyperparameters.pixel_scaling
    for number, batch in enumerate((slice(0, 8), slice(8, 11))):
        network.load_state_dict({name: torch.tensor(tensor) for name, tensor in learning.weights().items()})
        logits = network(images[batch] * scale + offset)
        expected_loss += F.cross_entropy(logits, labels[batch].long(), reduction="sum").item()
        expected_correct += int((logits.argmax(dim=1) == labels[batch]).sum())
        learning.step(ALL[batch], RATE, 1, number)
    totals = learning.take_totals()
    assert totals.loss == pytest.approx(expected_loss, rel=1e-5)
    assert (totals.correct, totals.images, totals.nll) == (expected_correct, 11, 0.0)
    assert learning.take_totals().images == 0


def test_a_step_depends_on_its_address_alone() -> None:
    after: list[NDArray[np.float32]] = []
    for epoch, step in ((1, 4), (1, 4), (1, 5), (2, 4)):
        learning = engine("v3", **PLAIN)
        torch.manual_seed(len(after))
        learning.step(ALL[:8], RATE, epoch, step)
        after.append(learning.weights()["output.weight"])
    np.testing.assert_array_equal(after[0], after[1])
    assert not np.array_equal(after[0], after[2])
    assert not np.array_equal(after[0], after[3])


class TwoDropouts(nn.Module):
    """Keeps what two dropouts make of ones."""

    def __init__(self) -> None:
        super().__init__()
        self.one, self.two = Dropout(0.5), Dropout(0.5)
        self.layer = nn.Linear(784, 10)
        self.masks: list[tuple[Tensor, Tensor]] = []

    def forward(self, inputs: Tensor) -> Tensor:
        ones = torch.ones_like(inputs)
        self.masks.append((self.one(ones), self.two(ones)))
        logits: Tensor = self.layer(inputs.flatten(1))
        return logits


def test_each_dropout_has_masks_of_its_own_in_training_and_none_in_evaluation() -> None:
    network = TwoDropouts()
    learning = TorchEngine(network, config("v1").hyperparameters, 0, *pictures(60), "cpu")
    learning.step(ALL[:8], RATE, 1, 0)
    learning.step(ALL[:8], RATE, 1, 1)
    learning.evaluate(ALL[:8])
    masks = [mask for pair in network.masks[:2] for mask in pair]
    for place, mask in enumerate(masks):
        assert all(not torch.equal(mask, other) for other in masks[place + 1 :])
    assert all(torch.equal(mask, torch.ones_like(mask)) for mask in network.masks[2])


def test_a_last_batch_of_one_image_can_be_trained_on() -> None:
    learning = engine("v3")
    learning.step(ALL[:1], RATE, 1, 0)
    assert math.isfinite(learning.take_totals().loss)


def test_twenty_steps_learn_the_bars() -> None:
    learning = engine("v1", **PLAIN)
    for number in range(20):
        learning.step(ALL[:30], 1e-3 if number < 10 else 1e-4, 1, number)
    assert learning.evaluate(ALL[:30]).accuracy == 1.0
