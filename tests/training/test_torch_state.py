from __future__ import annotations

import math
import re

import numpy as np
import pytest

from fmnist_tui.training.engine import Tensors
from fmnist_tui.training.torch_engine import TorchEngine

from .samples import assert_same_tensors, config, pictures, seeded

ALL = np.arange(60)
RATE = 1e-3


def engine(version: str) -> TorchEngine:
    return TorchEngine(seeded(version, 0), config(version).hyperparameters, 0, *pictures(60), "cpu")


def parameters_and_moments(learning: TorchEngine) -> Tensors:
    """The state without the batch norms' running figures, which the forward pass moves."""
    return {name: tensor for name, tensor in learning.state().items() if ".running_" not in name and "num_" not in name}


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
    network = seeded("v2", 0)
    assert list(learning.weights()) == list(network.state_dict())
    assert_same_tensors(learning.state(), learning.weights())  # AdamW has nothing to remember yet
    learning.step(ALL[:8], RATE, 1, 0)
    own = {
        f"optimizer.{kind}.{name}"
        for kind in ("exp_avg", "exp_avg_sq", "step")
        for name, _ in network.named_parameters()
    }
    assert set(learning.state()) - set(learning.weights()) == own


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


@pytest.mark.parametrize("name", ["conv1.weight", "output.bias", "optimizer.exp_avg.output.bias"])
def test_a_state_that_cannot_be_loaded_leaves_the_engine_as_it_is(name: str) -> None:
    learning = engine("v1")
    learning.step(ALL[:8], RATE, 1, 0)
    state = learning.state()
    other = {key: tensor + 1 for key, tensor in state.items() if key != name}
    with pytest.raises(ValueError, match="is missing"):
        learning.load_state(other)
    assert_same_tensors(learning.state(), state)
