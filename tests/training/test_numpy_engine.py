from __future__ import annotations

import math
import re
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from fmnist_tui.models.dense import parameter_shapes
from fmnist_tui.training.augment import Augmentation
from fmnist_tui.training.config import Hyperparameters
from fmnist_tui.training.engine import Tensors
from fmnist_tui.training.numpy_engine import NumpyEngine

from .samples import V0_SIZES, Bytes, assert_same_tensors, config, pictures, v0_network

ALL = np.arange(60)


def engine(seed: int = 0, **changes: object) -> NumpyEngine:
    settings = replace(config().hyperparameters, **changes)  # type: ignore[arg-type]
    return NumpyEngine(v0_network(), settings, seed, *pictures(60))


def plain_settings(momentum: float) -> Hyperparameters:
    """Pixels as they are, hard targets: numbers that can be followed on paper."""
    return replace(
        config().hyperparameters, momentum=momentum, input_scale=1.0, input_offset=0.0, target_margin=0.0, init="he"
    )


def nearly_empty_state() -> Tensors:
    """All weights zero but for one path through the network, and one hidden unit beside it that is off."""
    state: Tensors = {name: np.zeros(shape) for name, shape in parameter_shapes(V0_SIZES).items()}
    state["layers.0.weight"][0, 0] = 0.5
    state["layers.0.weight"][1, 0] = -1.0
    state["layers.1.weight"][0, 0] = 3.0
    state["layers.1.weight"][0, 1] = 4.0
    state["layers.1.bias"][0] = -1.0
    state["layers.2.weight"][0, 0] = 0.5
    state["layers.2.bias"][0] = -1.0
    return state | {f"optimizer.velocity.{name}": np.zeros(shape) for name, shape in parameter_shapes(V0_SIZES).items()}


@pytest.mark.parametrize("momentum", [0.0, 0.9])
@pytest.mark.parametrize("copies", [1, 2])
def test_a_step_worked_out_by_hand(momentum: float, copies: int) -> None:
    """One image of class 0, its first pixel 2 and the others black; learning rate 0.1.

    The first step is the same with momentum (the velocity starts at zero), and the same for two copies of the image
    (the loss is a mean over images).
    """
    images = np.zeros((copies, 28, 28), np.uint8)
    images[:, 0, 0] = 2
    by_hand = NumpyEngine(v0_network(np.float64), plain_settings(momentum), 0, images, np.zeros(copies, np.uint8))
    by_hand.load_state(nearly_empty_state())
    by_hand.step(np.arange(copies), 0.1, 1, 0)

    # forward:  first layer   0.5 * 2 = 1, on;  -1 * 2 = -2, off;  the others 0, off
    #           second layer  3 * 1 + 4 * 0 - 1 = 2, on
    #           outputs       z0 = 0.5 * 2 - 1 = 0, the others 0: all ten sigmoids are 1/2
    # loss:     ten times ln 2 an image
    # backward: a - t         1/2 - 1 = -1/2 for the label, +1/2 for the other nine
    #           output layer  weight -1/2 * 2 = -1 and +1/2 * 2 = +1;  bias -1/2 and +1/2
    #           second layer  -1/2 * 0.5 = -1/4;   weight -1/4 * 1 = -1/4, from the unit that is off 0;  bias -1/4
    #           first layer   -1/4 * 3 = -3/4;     weight -3/4 * 2 = -3/2;  bias -3/4
    #                         the unit that is off: -1/4 * 4 = -1, but its ReLU lets nothing through: 0
    # step:     each number less 0.1 times its slope
    expected = {name: tensor for name, tensor in nearly_empty_state().items() if not name.startswith("optimizer.")}
    expected["layers.0.weight"][0, 0] = 0.5 + 0.1 * 3 / 2
    expected["layers.0.bias"][0] = 0.1 * 3 / 4
    expected["layers.1.weight"][0, 0] = 3.0 + 0.1 / 4
    expected["layers.1.bias"][0] = -1.0 + 0.1 / 4
    expected["layers.2.weight"][0, 0] = 0.5 + 0.1
    expected["layers.2.weight"][1:, 0] = -0.1
    expected["layers.2.bias"][0] = -1.0 + 0.1 / 2
    expected["layers.2.bias"][1:] = -0.1 / 2
    for name, tensor in by_hand.weights().items():
        np.testing.assert_allclose(tensor, expected[name], rtol=1e-15, atol=1e-15, err_msg=name)
    totals = by_hand.take_totals()
    assert totals.mean_loss == pytest.approx(10 * math.log(2))
    assert (totals.images, totals.correct) == (copies, copies)  # all ten outputs are equal: the first one counts


def torch_steps(start: Tensors, settings: Hyperparameters, images: Bytes, labels: Bytes) -> Tensors:
    """Three batches of 20, of 20 and of the last 15 with PyTorch's autograd and its SGD, in float64."""
    leaves = {name: torch.tensor(value, requires_grad=True) for name, value in start.items()}
    optimizer = torch.optim.SGD(list(leaves.values()), lr=0.05, momentum=settings.momentum)
    scale, offset = settings.pixel_scaling
    for batch in (slice(0, 20), slice(20, 40), slice(40, 55)):
        signal = torch.tensor(images[batch].reshape(-1, 784).astype(np.float64))
        signal = signal * scale + offset
        hard = F.one_hot(torch.tensor(labels[batch].astype(np.int64)), 10).double()
        targets = hard * (1 - settings.target_margin) + (1 - hard) * settings.target_margin
        for layer in range(3):
            signal = F.linear(signal, leaves[f"layers.{layer}.weight"], leaves[f"layers.{layer}.bias"])
            signal = signal.relu() if layer < 2 else signal
        loss = F.binary_cross_entropy_with_logits(signal, targets, reduction="sum") / len(signal)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    return {name: leaf.detach().numpy() for name, leaf in leaves.items()}


@pytest.mark.parametrize("momentum", [0.0, 0.9])
def test_steps_equal_pytorchs_autograd_and_sgd(momentum: float) -> None:
    settings = replace(config().hyperparameters, momentum=momentum)
    images, labels = pictures(60)
    ours = NumpyEngine(v0_network(np.float64), settings, 3, images, labels)
    start = ours.weights()
    for number, batch in enumerate((ALL[:20], ALL[20:40], ALL[40:55])):
        ours.step(batch, 0.05, 1, number)
    expected = torch_steps(start, settings, images, labels)
    for name, tensor in ours.weights().items():
        assert np.abs(tensor - start[name]).max() > 1e-4, name
        np.testing.assert_allclose(tensor, expected[name], rtol=0, atol=1e-10, err_msg=name)


def test_it_has_266_610_parameters() -> None:
    assert engine().parameters == 266_610


def test_the_first_weights_depend_on_the_seed_alone() -> None:
    assert_same_tensors(engine(seed=5).weights(), engine(seed=5).weights())
    assert not np.array_equal(engine(seed=5).weights()["layers.0.weight"], engine(seed=6).weights()["layers.0.weight"])


def test_training_is_float32() -> None:
    assert {tensor.dtype for tensor in engine().state().values()} == {np.dtype(np.float32)}


def test_totals_are_summed_over_the_steps_since_the_last_call() -> None:
    learning = engine()
    before = [learning.evaluate(ALL[:8])]
    learning.step(ALL[:8], 0.01, 1, 0)
    before.append(learning.evaluate(ALL[8:12]))
    learning.step(ALL[8:12], 0.01, 1, 1)
    totals = learning.take_totals()
    assert totals.loss == pytest.approx(sum(one.loss for one in before), rel=1e-6)
    assert (totals.correct, totals.images, totals.nll) == (sum(one.correct for one in before), 12, 0.0)
    assert learning.take_totals().images == 0


def test_evaluation_changes_nothing_and_knows_loss_likelihood_and_correct_predictions() -> None:
    learning = engine()
    before = learning.state()
    totals = learning.evaluate(ALL[10:30])
    assert_same_tensors(learning.state(), before)
    assert learning.take_totals().images == 0
    images, labels = pictures(60)
    probabilities = learning.predict(images[10:30])
    assert totals.images == 20
    assert totals.correct == (probabilities.argmax(axis=1) == labels[10:30]).sum()
    of_label = probabilities[np.arange(20), labels[10:30]].astype(np.float64)
    assert totals.nll == pytest.approx(-np.log(of_label).sum(), rel=1e-5)


def test_predictions_are_normalised_float32() -> None:
    probabilities = engine().predict(pictures(33, seed=2)[0])
    assert probabilities.shape == (33, 10)
    assert probabilities.dtype == np.float32
    np.testing.assert_allclose(probabilities.sum(axis=1), 1.0, rtol=1e-6)
    assert (probabilities >= 0).all()


def test_twenty_steps_learn_the_bars() -> None:
    learning = engine()
    for number in range(20):
        learning.step(ALL, 0.05, 1, number)
    assert learning.evaluate(ALL).accuracy == 1.0


def test_a_loss_that_is_not_finite_changes_nothing() -> None:
    learning = engine()
    learning.step(ALL[:8], 0.05, 1, 0)
    poisoned = learning.state()
    poisoned["layers.2.bias"][3] = np.nan
    learning.load_state(poisoned)
    learning.step(ALL[8:16], 0.05, 1, 1)
    assert not math.isfinite(learning.take_totals().loss)
    assert_same_tensors(learning.state(), poisoned)


def test_weights_and_state_are_copies() -> None:
    learning = engine()
    weights, state = learning.weights(), learning.state()
    kept = {name: tensor.copy() for name, tensor in state.items()}
    learning.step(ALL[:8], 0.05, 1, 0)
    assert_same_tensors(state, kept)
    assert_same_tensors(weights, {name: tensor for name, tensor in kept.items() if name in weights})


def test_a_loaded_state_goes_on_bit_for_bit() -> None:
    one, other = engine(), engine(seed=9)
    one.step(ALL[:20], 0.05, 1, 0)
    state = one.state()
    other.step(ALL[30:], 0.05, 1, 0)
    other.load_state(state)
    assert_same_tensors(other.state(), state)
    for learning in (one, other):
        learning.take_totals()
        learning.step(ALL[20:40], 0.05, 1, 1)
        learning.step(ALL[40:], 0.04, 1, 2)
    assert_same_tensors(other.state(), one.state())
    assert other.take_totals() == one.take_totals()


@pytest.mark.parametrize("kind", [{"flip": "on", "shift": 1}, {"crop": 3}, {"cutout": 9, "erase": 0.5}], ids=str)
def test_augmentation_shows_v0_the_images_that_it_makes(kind: dict[str, Any]) -> None:
    batch = ALL[[5, 50, 3, 17]]
    images, labels = pictures(60)
    seen = Augmentation(replace(config().hyperparameters, **kind), 0).apply(images[batch], 2, 3)
    learning, plain = engine(**kind), engine()
    learning.step(batch, 0.1, 2, 3)
    other = NumpyEngine(v0_network(), config().hyperparameters, 0, seen, labels[batch])
    other.step(np.arange(4), 0.1, 2, 3)
    plain.step(batch, 0.1, 2, 3)
    assert_same_tensors(learning.state(), other.state())
    assert any(learning.state()[name].tobytes() != tensor.tobytes() for name, tensor in plain.state().items())


@pytest.mark.parametrize("name", list(engine().state()))
def test_a_missing_or_misshaped_tensor_is_named(name: str) -> None:
    learning = engine()
    state = learning.state()
    with pytest.raises(ValueError, match=re.escape(f"tensor {name} is missing")):
        learning.load_state({other: tensor for other, tensor in state.items() if other != name})
    misshaped = np.zeros((3, 2))
    with pytest.raises(ValueError, match=re.escape(f"tensor {name} has shape (3, 2), not {state[name].shape}")):
        learning.load_state(state | {name: misshaped})


@pytest.mark.parametrize("name", list(engine().state()))
def test_a_state_that_cannot_be_loaded_leaves_the_engine_as_it_is(name: str) -> None:
    learning = engine()
    state = learning.state()
    other = {key: tensor + 1 for key, tensor in state.items() if key != name}
    with pytest.raises(ValueError, match="is missing"):
        learning.load_state(other)
    assert_same_tensors(learning.state(), state)
