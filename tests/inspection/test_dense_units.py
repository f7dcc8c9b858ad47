from __future__ import annotations

import numpy as np
import pytest

from fmnist_tui.inspection.dense_units import Floats, evidence_of, input_gradient, units_of
from fmnist_tui.models.dense import DenseNetwork, initial_parameters


def by_hand() -> DenseNetwork:
    """Two pixels, three hidden units, two classes.

    Of the pixels (1, 2) the hidden units are relu(1+4-1)=4, relu(3-2)=1 and relu(-1)=0; the logits are 2*4-1*1+0.5=7.5
    and -1*4+3*1=-1.
    """
    network = DenseNetwork((2, 3, 2), np.float32)
    weights = {
        "layers.0.weight": [[1, 2], [3, -1], [-1, 0]],
        "layers.0.bias": [-1, 0, 0],
        "layers.1.weight": [[2, -1, 5], [-1, 3, 5]],
        "layers.1.bias": [0.5, 0],
    }
    network.load({name: np.array(values, np.float32) for name, values in weights.items()})
    return network


IMAGE = np.array([1, 2], np.float32)


def random_network(activation: str) -> tuple[DenseNetwork, Floats]:
    rng = np.random.default_rng(3)
    network = DenseNetwork((6, 5, 4, 3), np.float32, activation)
    network.load(initial_parameters(network.sizes, "he", rng))
    return network, rng.normal(size=6).astype(np.float32)


def test_units_are_sorted_by_their_contribution_to_the_class() -> None:
    units = units_of(by_hand(), IMAGE, 0, (1, 1, 2))
    assert units.units.tolist() == [0, 2, 1]
    assert units.contributions.tolist() == [8, 0, -1]
    assert units.activations.tolist() == [4, 0, 1]
    assert units.weights[2].tolist() == [[[3, -1]]]
    assert units.logit == 7.5
    assert units.remainder == 0.5


def test_a_unit_is_dead_if_it_does_the_same_for_all_sample_images() -> None:
    samples = np.array([[1, 2], [3, 1], [2, 2]], np.float32)
    assert units_of(by_hand(), IMAGE, 0, (1, 1, 2), samples).dead.tolist() == [False, True, False]


def test_the_evidence_for_each_class_adds_up_to_its_logit() -> None:
    evidence = evidence_of(by_hand(), IMAGE)
    assert evidence.contributions.tolist() == [[8, -1, 0], [-4, 3, 0]]
    assert evidence.in_favour.tolist() == [8, 3]
    assert evidence.against.tolist() == [-1, -4]
    assert (evidence.in_favour + evidence.against + evidence.bias).tolist() == evidence.logits.tolist() == [7.5, -1]
    assert evidence.probabilities.sum() == pytest.approx(1)


def test_the_gradient_goes_through_active_units_alone() -> None:
    assert input_gradient(by_hand(), IMAGE, 0).tolist() == [2 * 1 - 1 * 3, 2 * 2 + 1]


@pytest.mark.parametrize("activation", ["relu", "leaky_relu", "tanh", "sigmoid"])
def test_gradients_are_those_of_finite_differences(activation: str) -> None:
    network, image = random_network(activation)
    gradient = input_gradient(network, image, 1)
    for pixel in range(6):
        step = np.zeros(6, np.float32)
        step[pixel] = 1e-2
        up, down = (float(network.forward((image + sign * step)[None])[0, 1]) for sign in (1, -1))
        assert gradient[pixel] == pytest.approx((up - down) / 2e-2, abs=2e-2)


def test_contributions_of_a_deep_relu_network_leave_the_biases_above_as_the_remainder() -> None:
    network, image = random_network("relu")
    assert units_of(network, image, 2, (1, 2, 3)).remainder == pytest.approx(0, abs=1e-5)
