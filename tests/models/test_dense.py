from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from scipy.special import expit

from fmnist_tui.models.dense import (
    Array,
    DenseNetwork,
    initial_parameters,
    loss_of,
    parameter_shapes,
    probabilities_of,
)

SIZES = (784, 300, 100, 10)
STEP = 1e-5
MARGIN = 1e-3
"""Central differences are only right where no ReLU switches between -STEP and +STEP."""

Parameters = dict[str, Array]


def some_parameters(seed: int) -> Parameters:
    """He weights in float64, and biases that are not zero, so that theirs are tested too."""
    rng = np.random.default_rng(seed)
    parameters = initial_parameters(SIZES, "he", rng, np.float64)
    for name in parameters:
        if name.endswith("bias"):
            parameters[name] += rng.normal(0.0, 0.2, parameters[name].shape)
    return parameters


def loaded(parameters: Parameters) -> DenseNetwork:
    network = DenseNetwork(SIZES, parameters["layers.0.weight"].dtype.type)
    network.load(parameters)
    return network


def some_images(count: int, seed: int) -> tuple[Array, Array]:
    """Inputs (count, 784) and soft targets (count, 10), float64."""
    rng = np.random.default_rng(seed)
    return rng.uniform(-0.8, 2.0, (count, 784)), rng.uniform(0.0, 1.0, (count, 10))


def hidden_units(parameters: Parameters, images: Array) -> tuple[Array, Array, Array]:
    """Both hidden layers before their ReLU, and the logits; written apart from the code under test."""
    first = images @ parameters["layers.0.weight"].T + parameters["layers.0.bias"]
    second = np.where(first > 0, first, 0) @ parameters["layers.1.weight"].T + parameters["layers.1.bias"]
    logits = np.where(second > 0, second, 0) @ parameters["layers.2.weight"].T + parameters["layers.2.bias"]
    return first, second, logits


def loss_by_definition(parameters: Parameters, images: Array, targets: Array) -> tuple[float, NDArray[np.bool_]]:
    """The loss as the module's first lines state it, and which hidden units are on."""
    first, second, logits = hidden_units(parameters, images)
    outputs = 1 / (1 + np.exp(-logits))
    losses = -(targets * np.log(outputs) + (1 - targets) * np.log(1 - outputs))
    return float(losses.sum() / len(images)), np.concatenate([first > 0, second > 0], axis=1)


def central_differences(
    parameters: Parameters, tensor: str, places: NDArray[np.int64], images: Array, targets: Array
) -> Array:
    """The loss's slope along single numbers of one tensor."""
    flat = parameters[tensor].reshape(-1)
    _, switched_on = loss_by_definition(parameters, images, targets)
    slopes = np.empty(len(places))
    for number, place in enumerate(places):
        kept = flat[place]
        flat[place] = kept + STEP
        above, on_above = loss_by_definition(parameters, images, targets)
        flat[place] = kept - STEP
        below, on_below = loss_by_definition(parameters, images, targets)
        flat[place] = kept
        assert np.array_equal(on_above, switched_on)
        assert np.array_equal(on_below, switched_on)
        slopes[number] = (above - below) / (2 * STEP)
    return slopes


def relative_error(found: Array, expected: Array) -> float:
    return float(np.linalg.norm(found - expected) / np.linalg.norm(expected))


def test_the_network_has_266_610_parameters() -> None:
    assert parameter_shapes(SIZES) == {
        "layers.0.weight": (300, 784),
        "layers.0.bias": (300,),
        "layers.1.weight": (100, 300),
        "layers.1.bias": (100,),
        "layers.2.weight": (10, 100),
        "layers.2.bias": (10,),
    }
    assert sum(value.size for value in initial_parameters(SIZES, "he", np.random.default_rng(0)).values()) == 266_610


def test_biases_start_at_zero_and_weights_with_the_spread_of_their_recipe() -> None:
    for init, spread in (("he", (2 / 784) ** 0.5), ("fan_out", 300**-0.5)):
        parameters = initial_parameters(SIZES, init, np.random.default_rng(0))
        assert all(not value.any() for name, value in parameters.items() if name.endswith("bias"))
        assert all(value.dtype == np.float32 for value in parameters.values())
        weight = parameters["layers.0.weight"]
        assert weight.std() == pytest.approx(spread, rel=0.01)
        assert abs(weight.mean()) < 0.01 * spread


def test_the_forward_pass_is_three_affine_layers_with_two_relus() -> None:
    parameters = some_parameters(0)
    images, _ = some_images(4, 0)
    logits = loaded(parameters).forward(images)
    np.testing.assert_allclose(logits, hidden_units(parameters, images)[2], rtol=1e-12)


@pytest.mark.parametrize("tensor", list(parameter_shapes(SIZES)))
def test_central_differences_agree_with_the_gradient_of_each_tensor(tensor: str) -> None:
    parameters = some_parameters(4)
    images, targets = some_images(3, 4)
    first, second, _ = hidden_units(parameters, images)
    assert min(np.abs(first).min(), np.abs(second).min()) > MARGIN
    network = loaded(parameters)
    network.forward(images)
    network.backward(images, targets)
    size = parameters[tensor].size
    places = np.random.default_rng(1).choice(size, min(size, 250), replace=False)
    slopes = central_differences(parameters, tensor, places, images, targets)
    assert relative_error(slopes, network.gradients[tensor].reshape(-1)[places]) < 1e-6


@pytest.mark.parametrize("tensor", list(parameter_shapes(SIZES)))
def test_gradients_along_directions_that_touch_every_number_agree_too(tensor: str) -> None:
    parameters = some_parameters(4)
    images, targets = some_images(3, 4)
    network = loaded(parameters)
    network.forward(images)
    network.backward(images, targets)
    rng = np.random.default_rng(2)
    slopes, expected = [], []
    for _ in range(5):
        direction = rng.normal(size=parameters[tensor].shape)
        direction /= np.linalg.norm(direction)
        losses = []
        for sign in (1, -1):
            moved = parameters | {tensor: parameters[tensor] + sign * STEP * direction}
            loss, switched_on = loss_by_definition(moved, images, targets)
            assert np.array_equal(switched_on, loss_by_definition(parameters, images, targets)[1])
            losses.append(loss)
        slopes.append((losses[0] - losses[1]) / (2 * STEP))
        expected.append((network.gradients[tensor] * direction).sum())
    assert relative_error(np.array(slopes), np.array(expected)) < 1e-6


def test_the_gradient_equals_autograds() -> None:
    parameters = some_parameters(1)
    images, targets = some_images(16, 1)
    network = loaded(parameters)
    network.forward(images)
    network.backward(images, targets)
    leaves = {name: torch.tensor(value, requires_grad=True) for name, value in parameters.items()}
    signal = torch.tensor(images)
    for layer in range(3):
        signal = F.linear(signal, leaves[f"layers.{layer}.weight"], leaves[f"layers.{layer}.bias"])
        signal = signal.relu() if layer < 2 else signal
    loss = F.binary_cross_entropy_with_logits(signal, torch.tensor(targets), reduction="sum") / len(images)
    loss.backward()  # type: ignore[no-untyped-call]
    for name, leaf in leaves.items():
        assert leaf.grad is not None
        np.testing.assert_allclose(network.gradients[name], leaf.grad.numpy(), rtol=0, atol=1e-12, err_msg=name)


def test_a_unit_that_is_off_passes_no_gradient_down() -> None:
    parameters = some_parameters(2)
    parameters["layers.1.bias"][:] = -1e3  # the whole second layer is off
    images, targets = some_images(4, 2)
    network = loaded(parameters)
    network.forward(images)
    network.backward(images, targets)
    zero = {name for name, gradient in network.gradients.items() if not gradient.any()}
    assert zero == {"layers.0.weight", "layers.0.bias", "layers.1.weight", "layers.1.bias", "layers.2.weight"}


def test_batches_of_different_sizes_do_not_disturb_each_other() -> None:
    parameters = some_parameters(3)
    five, five_targets = some_images(5, 3)
    three, _ = some_images(3, 4)
    alone = loaded(parameters)
    expected_logits = alone.forward(five).copy()
    alone.backward(five, five_targets)
    network = loaded(parameters)
    logits = network.forward(five)
    network.forward(three)
    np.testing.assert_array_equal(logits, expected_logits)
    network.backward(five, five_targets)
    for name, gradient in network.gradients.items():
        np.testing.assert_array_equal(gradient, alone.gradients[name])


def test_neither_pass_changes_images_targets_or_parameters() -> None:
    parameters = some_parameters(4)
    images, targets = some_images(4, 4)
    before = [value.copy() for value in (images, targets, *parameters.values())]
    network = loaded(parameters)
    network.forward(images)
    network.backward(images, targets)
    for now, then in zip((images, targets, *network.parameters.values()), before, strict=True):
        np.testing.assert_array_equal(now, then)


def test_the_loss_is_the_binary_cross_entropy_summed_over_the_outputs() -> None:
    logits = np.random.default_rng(0).normal(0.0, 3.0, (20, 10))
    targets = np.random.default_rng(1).uniform(size=(20, 10))
    outputs = expit(logits)
    by_definition = -(targets * np.log(outputs) + (1 - targets) * np.log(1 - outputs)).sum(axis=1)
    np.testing.assert_allclose(loss_of(logits, targets), by_definition, rtol=1e-12)


def test_the_loss_of_ten_undecided_outputs_is_ten_times_ln_2() -> None:
    assert loss_of(np.zeros((1, 10)), np.eye(10)[:1]) == pytest.approx(10 * np.log(2))


def test_the_loss_does_not_overflow_where_the_sigmoid_has_long_been_0_or_1() -> None:
    logits = np.full((2, 10), -1e4, np.float32)
    logits[0, 0] = 1e4  # the first image is right and sure of it; the second is wrong by 1e4 in its label
    targets = np.eye(10, dtype=np.float32)[[0, 0]]
    losses = loss_of(logits, targets)
    assert losses.dtype == np.float32
    np.testing.assert_allclose(losses, [0.0, 1e4])
    np.testing.assert_allclose(loss_of(-logits, targets), [1e4 + 9e4, 9e4])


def test_probabilities_are_the_outputs_divided_by_their_sum() -> None:
    logits = np.random.default_rng(0).normal(0.0, 3.0, (20, 10))
    outputs = expit(logits)
    np.testing.assert_allclose(probabilities_of(logits), outputs / outputs.sum(axis=1, keepdims=True), rtol=1e-12)


@pytest.mark.parametrize("level", [-1e4, -800.0, 0.0, 800.0, 1e4])
def test_probabilities_sum_to_1_even_where_all_outputs_underflow(level: float) -> None:
    logits = np.full((3, 10), level, np.float32)
    logits[1] -= np.arange(10, dtype=np.float32)
    probabilities = probabilities_of(logits)
    assert np.isfinite(probabilities).all()
    np.testing.assert_allclose(probabilities.sum(axis=1), 1.0, rtol=1e-12)
    np.testing.assert_allclose(probabilities[0], 0.1, rtol=1e-12)
