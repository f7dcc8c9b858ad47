"""On an NVIDIA GPU: `pytest -m gpu -n0`. Elsewhere these tests fail, and are not part of the suite."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from fmnist_tui.models.fused_layers import Dropout
from fmnist_tui.training import events
from fmnist_tui.training.devices import resolve
from fmnist_tui.training.task import make_engine
from fmnist_tui.training.torch_engine import TorchEngine, prepare

from .fakes import drive
from .samples import assert_same_tensors, config, pictures, seeded, task

pytestmark = pytest.mark.gpu

ALL = np.arange(60)
RATE = 1e-3
VERSIONS = ("v1", "v2", "v3")


@pytest.fixture(autouse=True)
def prepared() -> None:
    prepare(torch.get_num_threads())


def engine(version: str, device: str = "cuda:0", **changes: object) -> TorchEngine:
    settings = replace(config(version).hyperparameters, **changes)  # type: ignore[arg-type]
    return TorchEngine(seeded(version, 0), settings, 0, *pictures(60), device)


def learn(learning: TorchEngine, first: int, last: int) -> None:
    for step in range(first, last):
        learning.step(ALL[step % 4 :: 4], RATE, 1, step)


def test_auto_is_the_gpu() -> None:
    assert resolve("auto") == resolve("cuda") == "cuda:0"


@pytest.mark.parametrize("version", VERSIONS)
def test_an_untrained_network_predicts_on_a_gpu_what_it_predicts_on_a_cpu(version: str) -> None:
    images, _ = pictures(33, seed=2)
    np.testing.assert_allclose(engine(version).predict(images), engine(version, "cpu").predict(images), atol=2e-3)


@pytest.mark.parametrize("version", VERSIONS)
def test_a_measured_step_and_observed_units_change_no_bit(version: str) -> None:
    plain, measured = engine(version), engine(version)
    plain.step(ALL[:30], RATE, 1, 0)
    norms = measured.measured_step(ALL[:30], RATE, 1, 0)
    assert_same_tensors(measured.state(), plain.state())
    assert all(gradient > 0 and ratio > 0 for gradient, ratio in norms)
    totals, dead = measured.evaluate_units(ALL[30:])
    assert totals == plain.evaluate(ALL[30:])
    assert dead[0] is not None


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_a_step_on_a_gpu_learns_what_a_step_on_a_cpu_learns(version: str) -> None:
    """Convolutions round to TF32 there, ten bits; v3's masks are others on each kind of device."""
    there, here = engine(version), engine(version, "cpu")
    for learning in (there, here):
        learning.step(ALL[:30], RATE, 1, 0)
    assert there.take_totals().mean_loss == pytest.approx(here.take_totals().mean_loss, rel=2e-3)
    moved = here.weights()["output.weight"] - seeded(version, 0).state_dict()["output.weight"].numpy()
    apart = here.weights()["output.weight"] - there.weights()["output.weight"]
    assert np.abs(apart).mean() < 0.1 * np.abs(moved).mean()


@pytest.mark.parametrize("version", VERSIONS)
def test_forty_steps_on_a_gpu_learn_the_bars(version: str) -> None:
    learning = engine(version, flip="off", shift=0)
    learn(learning, 0, 40)
    assert learning.evaluate(ALL).accuracy == 1.0


@pytest.mark.parametrize("version", VERSIONS)
def test_a_run_repeats_bit_for_bit_on_a_gpu(version: str) -> None:
    one, two = engine(version), engine(version)
    for learning in (one, two):
        learn(learning, 0, 12)
    assert_same_tensors(one.state(), two.state())


@pytest.mark.parametrize("version", VERSIONS)
def test_what_a_gpu_saved_goes_on_there_bit_for_bit(version: str) -> None:
    undisturbed, stopped, resumed = engine(version), engine(version), engine(version)
    learn(undisturbed, 0, 12)
    learn(stopped, 0, 5)
    resumed.load_state(stopped.state())
    assert_same_tensors(resumed.state(), stopped.state())
    learn(resumed, 5, 12)
    assert_same_tensors(resumed.state(), undisturbed.state())


@pytest.mark.parametrize("version", VERSIONS)
def test_what_a_gpu_saved_is_scored_on_a_cpu_alike(version: str) -> None:
    learning, here = engine(version), engine(version, "cpu")
    learn(learning, 0, 12)
    here.load_state(learning.state())
    assert_same_tensors(here.weights(), learning.weights())
    images, _ = pictures(33, seed=2)
    np.testing.assert_allclose(here.predict(images), learning.predict(images), atol=5e-3)


def test_masks_on_a_gpu_depend_on_their_address_alone() -> None:
    layer = Dropout(0.25).train()
    ones = torch.ones(64, 32, 7, 7, device="cuda:0").contiguous(memory_format=torch.channels_last)
    layer.address = (1, 2, 3)
    first = layer(ones)
    torch.rand(5, device="cuda:0")
    assert torch.equal(layer(ones), first)
    layer.address = (1, 2, 4)
    assert not torch.equal(layer(ones), first)
    assert float((first == 0).float().mean()) == pytest.approx(0.25, abs=0.01)
    assert first.unique().tolist() == pytest.approx([0.0, 1 / 0.75])


def test_inputs_that_overflow_make_a_run_on_a_gpu_diverge_before_a_weight_moves() -> None:
    made = task("v1", {"input_scale": 1e38, "learning_rate": 100.0}, device="cuda:0")
    learning = make_engine(made)
    before = learning.weights()
    ran = drive(learning, made)
    last = ran.events[-1]
    assert isinstance(last, events.RunFinished)
    assert last.reason == "diverged"
    for name, value in seeded("v1", made.config.seed).named_parameters():
        assert np.array_equal(before[name], value.detach().numpy())
        assert np.array_equal(learning.weights()[name], before[name]), name
