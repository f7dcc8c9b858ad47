"""Every number of a step on one image is the engine's."""

from __future__ import annotations

import textwrap
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from fmnist_tui.errors import RunError
from fmnist_tui.inspection.backprop import BACKWARD, FORWARD, UPDATE, DenseRun, Operation, Walk, read_dense_run, walk
from fmnist_tui.models.dense import DenseNetwork, initial_parameters
from fmnist_tui.models.registry import find_model
from fmnist_tui.runs.directory import find_run
from fmnist_tui.runs.run import read_run
from fmnist_tui.training.numpy_engine import NumpyEngine

from .samples import REFERENCE, V0, garments

ORIGIN = "v0-20261126-153156-5934"


def stepped(dense: DenseRun, image: np.ndarray[tuple[int, ...], np.dtype[np.uint8]], label: int) -> NumpyEngine:
    """The engine after one step on one image with the same weights."""
    shapes = [dense.parameters[f"layers.{layer}.weight"].shape for layer in range(dense.layers)]
    sizes = (shapes[0][1], *(shape[0] for shape in shapes))
    network = DenseNetwork(sizes, activation=dense.activation)
    settings = replace(dense.settings.without_augmentation(), ema=0.0)
    engine = NumpyEngine(network, settings, 0, image[None], np.array([label], np.uint8))
    engine.load_state(dense.parameters)
    engine.step(np.array([0]), settings.learning_rate, 0, 0)
    return engine


def loss_of(found: Walk) -> Operation:
    """The operation that calculates the loss."""
    return next(one for one in found.operations if one.title == "Loss")


def assert_is_the_engines(dense: DenseRun, number: int) -> None:
    images, labels = garments()
    found = walk(dense, images[number], int(labels[number]))
    engine = stepped(dense, images[number], int(labels[number]))
    for name, expected in engine.weights().items():
        np.testing.assert_allclose(found.parameters[name], expected, rtol=2e-5, atol=2e-7, err_msg=name)
        change = expected - dense.parameters[name]
        np.testing.assert_allclose(
            found.parameters[name] - dense.parameters[name], change, atol=1e-6 + 1e-3 * abs(change).max()
        )
    np.testing.assert_allclose(loss_of(found).result.values, engine.take_totals().loss, rtol=1e-5)


@pytest.mark.parametrize("name", [V0[0], ORIGIN])
def test_all_parameters_after_a_step_of_a_reference_run_are_the_engines(name: str) -> None:
    dense = read_dense_run(read_run(find_run(REFERENCE, name)))
    for number in (0, 7):
        assert_is_the_engines(dense, number)


@pytest.mark.parametrize("activation", ["relu", "leaky_relu", "tanh", "sigmoid"])
def test_the_same_with_every_activation_and_setting(activation: str) -> None:
    spec = find_model("v0")
    assert spec is not None
    settings = replace(spec.recipes["origin"], learning_rate=0.1, weight_decay=0.01, momentum=0.9)
    parameters = initial_parameters((784, 12, 9, 8, 10), "he", np.random.default_rng(0))
    for changed in (settings, replace(settings, nesterov=True, clip=0.5)):
        assert_is_the_engines(DenseRun(parameters, changed, activation), 3)


def test_the_operations_lead_from_one_to_the_next() -> None:
    dense = read_dense_run(read_run(find_run(REFERENCE, V0[0])))
    images, labels = garments()
    found = walk(dense, images[0], None)
    assert found.label == labels[0]
    phases = [one.phase for one in found.operations]
    assert phases == sorted(phases, key=[FORWARD, BACKWARD, UPDATE].index)
    assert [phases.count(one) for one in (FORWARD, BACKWARD, UPDATE)] == [8, 11, 7]
    known = {"p", "t", "P"}
    for one in found.operations:
        for operand in one.operands:
            assert operand.symbol in known or operand.symbol[0] in "Wbφ", (one.title, operand.symbol)
            assert operand.symbol in one.formula or operand.symbol == "p", one.formula
        known.add(one.result.symbol)
    assert all(before.title != after.title for before, after in pairwise(found.operations))
    assert found.probabilities.sum() == pytest.approx(1)
    for one in found.operations:
        assert len(textwrap.wrap(one.why, 58)) <= 2, one.why  # all that fits below it at 60x18


def test_the_end_says_what_the_step_did() -> None:
    dense = read_dense_run(read_run(find_run(REFERENCE, V0[0])))
    images, labels = garments()
    goal = (int(labels[2]) + 1) % 10  # far from what it predicts
    found = walk(dense, images[2], goal)
    again = walk(replace(dense, parameters=found.parameters), images[2], goal)
    losses = [float(loss_of(one).result.values) for one in (found, again)]
    chances = [float(one.probabilities[goal]) for one in (found, again)]
    assert losses[1] < losses[0]
    assert chances[1] > chances[0]
    last = found.operations[-1]
    assert (last.phase, last.title) == (UPDATE, "After the step")
    assert last.formula == f"L {losses[0]:.4g} → {losses[1]:.4g} · P {chances[0]:.1%} → {chances[1]:.1%}"
    np.testing.assert_array_equal(last.operands[0].values, found.probabilities)
    np.testing.assert_array_equal(last.result.values, again.probabilities)
    changes = [one.result for one in found.operations if one.title == "New weights of layer 1"]
    name = "layers.0.weight"
    np.testing.assert_array_equal(changes[0].values, found.parameters[name] - dense.parameters[name])
    assert changes[0].symbol == "ΔW₁"


@pytest.mark.parametrize(("margin", "said"), [(0.01, "0.99 and 0.01 instead of 1 and 0"), (0.0, "They are 0 only")])
def test_the_smallest_possible_loss_is_that_of_outputs_equal_to_their_targets(margin: float, said: str) -> None:
    dense = read_dense_run(read_run(find_run(REFERENCE, V0[0])))
    settings = replace(dense.settings, target_margin=margin)
    found = loss_of(walk(replace(dense, settings=settings), garments()[0][0], None))
    targets = found.operands[1].values.astype(np.float64)
    terms = [one for one in (*targets, *(1 - targets)) if one]
    least = -sum(one * np.log(one) for one in terms)
    assert said in found.why
    assert least == pytest.approx(0.56 if margin else 0.0, abs=1e-3)
    assert ("smallest possible loss is 0.56." in found.why) == bool(margin)


def test_other_networks_are_refused() -> None:
    run = read_run(find_run(REFERENCE, "v1-20261126-152705-06f6"))
    with pytest.raises(RunError, match="choose a run of v0"):
        read_dense_run(run)
