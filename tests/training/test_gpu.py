"""On an NVIDIA GPU: `pytest -m gpu -n0`. Elsewhere these tests fail, and are not part of the suite."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from fmnist_tui.models.fused_layers import Dropout
from fmnist_tui.training import events
from fmnist_tui.training.devices import resolve
from fmnist_tui.training.engine import GraphUse
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


def engine(
    version: str, device: str = "cuda:0", network: Callable[[], nn.Module] | None = None, **changes: Any
) -> TorchEngine:
    settings = replace(config(version).hyperparameters, **changes)
    built = network() if network else seeded(version, 0)
    return TorchEngine(built, settings, 0, *pictures(60), device, plain=network is not None)


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


class ResNet(nn.Module):
    """A small residual network with PyTorch's own dropout."""

    def __init__(self) -> None:
        super().__init__()
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            self.stem = nn.Conv2d(1, 8, 3, stride=2, padding=1)
            self.block = nn.Sequential(nn.Conv2d(8, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(), nn.Dropout2d(0.1))
            self.drop = nn.Dropout(0.2)
            self.out = nn.Linear(8, 10)

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu(self.stem(x))
        logits: Tensor = self.out(self.drop(self.between(x + self.block(x)).mean((2, 3))))
        return logits

    def between(self, x: Tensor) -> Tensor:
        return x


class Waiting(ResNet):
    def between(self, x: Tensor) -> Tensor:
        return x / max(1.0, float(x.detach().abs().max()))


class Synchronizing(ResNet):
    """Waits in a way that PyTorch doesn't notice before a step is recorded."""

    def between(self, x: Tensor) -> Tensor:
        torch.cuda.synchronize()
        return x


class Drawing(ResNet):
    """Draws from a generator that is neither addressed nor known to a graph."""

    def between(self, x: Tensor) -> Tensor:
        return x + 0.1 * torch.rand(x.shape, device=x.device, generator=torch.Generator(x.device).manual_seed(7))


GRAPHED = [
    ("v1", None, {}),
    ("v3", None, {"clip": 1.0}),
    ("v3", None, {"optimizer": "sgd", "crop": 2, "shift": 0, "erase": 0.5, "cutout": 5}),
    ("v4", None, {"optimizer": "muon", "ema": 0.9, "mixup": 0.4}),
    ("v1", None, {"precision": "bf16"}),
    ("v1", ResNet, {}),
]


@pytest.mark.parametrize(("version", "network", "changes"), GRAPHED, ids=str)
def test_fifty_replayed_steps_learn_the_same_bits(
    version: str, network: Callable[[], nn.Module] | None, changes: dict[str, Any]
) -> None:
    usual, replayed = (engine(version, network=network, batch_size=15, **changes) for _ in range(2))
    replayed.use_graph(ALL)
    assert replayed.graph == GraphUse(used=True)
    assert_same_tensors(replayed.state(), usual.state())
    for one in (usual, replayed):
        learn(one, 0, 20)
        one.evaluate(ALL)
        one.step(ALL[:7], RATE, 1, 20)
        one.measured_step(ALL[:15], RATE, 1, 21)
        one.expect([ALL[step % 4 :: 4] for step in range(22, 50)], 1, 22)
        learn(one, 22, 50)
    assert_same_tensors(replayed.state(), usual.state())
    assert replayed.take_totals() == usual.take_totals()


@pytest.mark.parametrize("resumed_with", [True, False])
def test_a_run_resumes_bit_for_bit_with_a_graph_or_without(resumed_with: bool) -> None:
    whole, stopped, resumed = (engine("v3", batch_size=15) for _ in range(3))
    learn(whole, 0, 12)
    (resumed if resumed_with else stopped).use_graph(ALL)
    learn(stopped, 0, 5)
    resumed.load_state(stopped.state())
    learn(resumed, 5, 12)
    assert_same_tensors(resumed.state(), whole.state())


def test_a_training_has_the_same_events_with_a_graph_and_without() -> None:
    made = task("v3", {"batch_size": 16}, device="cuda:0")
    replayed, usual = make_engine(made), make_engine(made, graph=False)
    assert (replayed.graph, usual.graph) == (GraphUse(used=True), GraphUse(used=False, reason="switched off"))
    runs = [drive(one, made) for one in (replayed, usual)]
    one, other = ([event.train_loss for event in run.of(events.Epoch)] for run in runs)
    assert one == other
    assert_same_tensors(replayed.state(), usual.state())


@pytest.mark.parametrize(
    ("network", "reason"),
    [
        (Waiting, "the model waits for the GPU within a step"),
        (Synchronizing, "a step can't be recorded: "),
        (Drawing, "a step can't be recorded: "),
    ],
)
def test_a_module_that_cannot_be_recorded_is_trained_without_a_graph(
    network: Callable[[], nn.Module], reason: str
) -> None:
    usual, tried = (engine("v1", network=network, batch_size=15) for _ in range(2))
    tried.use_graph(ALL)
    assert tried.graph is not None
    assert not tried.graph.used
    assert tried.graph.reason.startswith(reason)
    for one in (usual, tried):
        learn(one, 0, 12)
    assert_same_tensors(tried.state(), usual.state())
