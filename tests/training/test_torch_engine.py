from __future__ import annotations

import math
import re
from dataclasses import replace

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from fmnist_tui.training import augment
from fmnist_tui.training.engine import Tensors
from fmnist_tui.training.streams import Stream, generator
from fmnist_tui.training.torch_engine import TorchEngine, seeded_network

from .samples import assert_same_tensors, config, pictures

ALL = np.arange(60)
RATE = 1e-3


def engine(version: str = "v1", seed: int = 0, **changes: object) -> TorchEngine:
    settings = replace(config(version).hyperparameters, **changes)  # type: ignore[arg-type]
    return TorchEngine(seeded_network(version, seed), settings, seed, *pictures(60), "cpu")


def parameters_and_moments(learning: TorchEngine) -> Tensors:
    """The state without the batch norms' running figures, which the forward pass moves."""
    return {name: tensor for name, tensor in learning.state().items() if ".running_" not in name and "num_" not in name}


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


def recorder_engine(recorder: Recorder, *, augmented: bool) -> TorchEngine:
    """Shows the recorder pixels as they are."""
    changes = {"augment": "flip_shift" if augmented else "none", "input_scale": 1.0, "input_offset": 0.0}
    settings = replace(config("v1").hyperparameters, **changes)  # type: ignore[arg-type]
    return TorchEngine(recorder, settings, 3, *pictures(60), "cpu")


def pixels_seen(recorder: Recorder) -> NDArray[np.uint8]:
    seen = recorder.seen[-1]
    assert seen.dtype == torch.float32
    assert seen.shape[1:] == (1, 28, 28)
    pixels: NDArray[np.uint8] = seen[:, 0].numpy().astype(np.uint8)
    return pixels


@pytest.mark.parametrize("epoch_and_step", [(1, 0), (1, 1), (3, 0)])
def test_training_sees_exactly_what_the_augmentation_in_numpy_says(epoch_and_step: tuple[int, int]) -> None:
    recorder = Recorder()
    batch = ALL[[5, 50, 3, 17, 17, 0, 59, 31, 32, 33]]
    recorder_engine(recorder, augmented=True).step(batch, RATE, *epoch_and_step)
    draws = augment.draw(len(batch), generator(3, Stream.AUGMENT, *epoch_and_step))
    expected = augment.augmented(pictures(60)[0][batch], draws)
    assert not np.array_equal(expected, pictures(60)[0][batch])
    np.testing.assert_array_equal(pixels_seen(recorder), expected)


def test_without_augmentation_training_sees_the_pixels_themselves() -> None:
    recorder = Recorder()
    recorder_engine(recorder, augmented=False).step(ALL[5:9], RATE, 1, 0)
    np.testing.assert_array_equal(pixels_seen(recorder), pictures(60)[0][5:9])


def test_evaluation_and_prediction_never_augment() -> None:
    recorder = Recorder()
    learning = recorder_engine(recorder, augmented=True)
    learning.evaluate(ALL[5:9])
    np.testing.assert_array_equal(pixels_seen(recorder), pictures(60)[0][5:9])
    learning.predict(pictures(4, seed=7)[0])
    np.testing.assert_array_equal(pixels_seen(recorder), pictures(4, seed=7)[0])


@pytest.mark.parametrize(("version", "parameters"), [("v1", 120_970), ("v2", 5_858_442), ("v3", 5_858_442)])
def test_it_counts_trained_parameters(version: str, parameters: int) -> None:
    assert engine(version).parameters == parameters


def test_the_pixels_are_scaled_as_the_recipe_says() -> None:
    recorder = Recorder()
    settings = replace(config("v1").hyperparameters, augment="none", input_scale=0.5, input_offset=-3.0)
    TorchEngine(recorder, settings, 0, *pictures(60), "cpu").step(ALL[:4], RATE, 1, 0)
    expected = pictures(60)[0][:4].astype(np.float32) * 0.5 - 3.0
    np.testing.assert_array_equal(recorder.seen[0][:, 0].numpy(), expected)


@pytest.mark.parametrize("version", ["v1", "v3"])
def test_predictions_are_normalised_float32_and_change_nothing(version: str) -> None:
    learning = engine(version)
    before = learning.state()
    probabilities = learning.predict(pictures(33, seed=2)[0])
    assert probabilities.shape == (33, 10)
    assert probabilities.dtype == np.float32
    np.testing.assert_allclose(probabilities.sum(axis=1), 1.0, rtol=1e-6)
    np.testing.assert_array_equal(learning.predict(pictures(33, seed=2)[0]), probabilities)
    assert_same_tensors(learning.state(), before)


def test_evaluation_changes_nothing_and_knows_loss_likelihood_and_right_answers() -> None:
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
    learning, expected_loss, expected_correct = engine("v1", augment="none"), 0.0, 0
    network = seeded_network("v1", 0).train()  # a batch norm in training needs no running figures
    images, labels = (torch.tensor(part) for part in pictures(60))
    settings = config("v1").hyperparameters
    for number, batch in enumerate((slice(0, 8), slice(8, 11))):
        network.load_state_dict({name: torch.tensor(tensor) for name, tensor in learning.weights().items()})
        logits = network(images[batch].unsqueeze(1) * settings.input_scale + settings.input_offset)
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
        learning = engine("v3", augment="none")
        torch.manual_seed(len(after))
        learning.step(ALL[:8], RATE, epoch, step)
        after.append(learning.weights()["output.weight"])
    np.testing.assert_array_equal(after[0], after[1])
    assert not np.array_equal(after[0], after[2])
    assert not np.array_equal(after[0], after[3])


def test_a_last_batch_of_one_image_can_be_trained_on() -> None:
    learning = engine("v3")
    learning.step(ALL[:1], RATE, 1, 0)
    assert math.isfinite(learning.take_totals().loss)


def test_twenty_steps_learn_the_bars() -> None:
    learning = engine("v1", augment="none")
    for number in range(20):
        learning.step(ALL[:30], 1e-3 if number < 10 else 1e-4, 1, number)
    assert learning.evaluate(ALL[:30]).accuracy == 1.0


@pytest.mark.parametrize("steps_before", [0, 2])
@pytest.mark.parametrize("version", ["v1", "v3"])
def test_a_loss_that_is_not_finite_changes_no_parameter(version: str, steps_before: int) -> None:
    """Neither before AdamW has moments nor after; what it did to nothing does not show in the next good step."""
    learning, spared = engine(version), engine(version)
    for number in range(steps_before):
        learning.step(ALL[:8], RATE, 1, number)
        spared.step(ALL[:8], RATE, 1, number)
    good = learning.state()
    learning.load_state(good | {"output.bias": np.full(10, np.inf, np.float32)})
    before = parameters_and_moments(learning)
    learning.take_totals()
    learning.step(ALL[8:16], RATE, 1, 8)
    assert not math.isfinite(learning.take_totals().loss)
    after = parameters_and_moments(learning)
    assert_same_tensors({name: after[name] for name in before}, before)
    assert all(not after[name].any() for name in set(after) - set(before)), "moments appeared out of nothing"

    learning.load_state(good)
    for one in (learning, spared):
        one.step(ALL[16:24], RATE, 1, 9)
    assert_same_tensors(learning.state(), spared.state())


def test_weights_and_state_are_copies() -> None:
    learning = engine("v1")
    learning.step(ALL[:8], RATE, 1, 0)
    weights, state = learning.weights(), learning.state()
    kept = {name: tensor.copy() for name, tensor in state.items()}
    learning.step(ALL[8:16], RATE, 1, 1)
    assert_same_tensors(state, kept)
    assert_same_tensors(weights, {name: kept[name] for name in weights})


def test_weights_have_the_modules_names_and_state_adds_adamws() -> None:
    learning = engine("v2")
    network = seeded_network("v2", 0)
    assert list(learning.weights()) == list(network.state_dict())
    assert_same_tensors(learning.state(), learning.weights())  # AdamW has nothing to remember yet
    learning.step(ALL[:8], RATE, 1, 0)
    own = {f"optimizer.{kind}.{name}" for kind in ("exp_avg", "exp_avg_sq", "step") for name, _ in parameters(network)}
    assert set(learning.state()) - set(learning.weights()) == own


def parameters(network: nn.Module) -> list[tuple[str, nn.Parameter]]:
    return list(network.named_parameters())


@pytest.mark.parametrize("steps_before", [0, 2])
@pytest.mark.parametrize("version", ["v1", "v3"])
def test_a_loaded_state_goes_on_bit_for_bit(version: str, steps_before: int) -> None:
    one, other = engine(version), engine(version)
    for number in range(steps_before):
        one.step(ALL[:16], RATE, 1, number)
    state = one.state()
    other.step(ALL[30:], 10 * RATE, 1, 0)
    other.load_state(state)
    assert_same_tensors(other.state(), state)
    assert other.take_totals().images == 0
    one.take_totals()
    for learning in (one, other):
        learning.step(ALL[20:36], RATE, 1, 2)
        learning.step(ALL[36:43], RATE / 2, 1, 3)
    assert_same_tensors(other.state(), one.state())
    assert other.take_totals() == one.take_totals()


def test_a_missing_or_misshaped_tensor_is_named() -> None:
    learning = engine("v1")
    learning.step(ALL[:8], RATE, 1, 0)
    state = learning.state()
    misshaped = np.zeros((3, 2), np.float32)
    for name in ("conv1.weight", "norm2.running_var", "norm1.num_batches_tracked", "optimizer.exp_avg.output.weight"):
        with pytest.raises(ValueError, match=re.escape(f"tensor {name} is missing")):
            learning.load_state({other: value for other, value in state.items() if other != name})
        with pytest.raises(ValueError, match=re.escape(f"tensor {name} has shape (3, 2), not {state[name].shape}")):
            learning.load_state(state | {name: misshaped})
