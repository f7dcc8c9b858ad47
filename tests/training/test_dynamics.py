"""What is measured of each layer, on networks small enough to measure by hand, and that measuring changes nothing."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from fmnist_tui.training import events, trainer
from fmnist_tui.training.alerts import LossMonitor
from fmnist_tui.training.checkpoint import Checkpoint, Position, read_checkpoint, write_checkpoint
from fmnist_tui.training.dynamics import dynamics_of, measured_steps
from fmnist_tui.training.engine import Engine, Totals
from fmnist_tui.training.events import Alert, Command, Dynamics, LayerDynamics, StepMetrics
from fmnist_tui.training.snapshots import evenly_spaced, plan_snapshots, snapshot_epochs
from fmnist_tui.training.task import Task, make_engine
from fmnist_tui.training.torch_dynamics import ActiveUnits
from fmnist_tui.training.torch_engine import TorchEngine

from .fakes import MemoryStore, Ran, drive, on
from .samples import assert_same_tensors, config, dataset, pictures, task

BATCH = np.arange(8)


@pytest.mark.parametrize(
    ("images", "batch_size", "steps"),
    [
        (54_000, 64, {105, 316, 526, 737}),  # 843 full batches and a smaller one, which is left out
        (25_600, 128, {50, 150}),
        (54, 8, {3}),
        (5, 8, {0}),  # no full batch
    ],
)
def test_a_few_full_steps_of_an_epoch_are_measured(images: int, batch_size: int, steps: set[int]) -> None:
    assert measured_steps(images, batch_size) == steps


def test_at_most_one_step_in_a_hundred_is_measured() -> None:
    for full in (100, 199, 200, 450, 10_000):
        assert len(measured_steps(full, 1)) <= full / 100


def flat(tensors: dict[str, Any], layer: str) -> Any:
    """A layer's weights and biases as one vector, float64."""
    own = [value.ravel().astype(np.float64) for name, value in tensors.items() if name.rpartition(".")[0] == layer]
    return np.concatenate(own)


@pytest.mark.parametrize(
    ("version", "changes"),
    [
        ("v0", {}),
        ("v0", {"momentum": 0.9, "nesterov": True, "weight_decay": 0.01, "clip": 0.1}),
        ("v1", {"optimizer": "sgd", "momentum": 0.0, "weight_decay": 0.0}),
    ],
)
def test_a_measured_step_is_the_same_step_with_the_norms_of_its_layers(version: str, changes: dict[str, Any]) -> None:
    """Of plain descent the update is the learning rate times the gradient, and nothing else."""
    trained = task(version, changes, data=dataset(90))
    plain, measured = make_engine(trained), make_engine(trained)
    for engine in (plain, measured):
        engine.step(BATCH, 0.05, 1, 0)  # so that there are velocities
    before = measured.weights()
    plain.step(BATCH + 8, 0.05, 1, 1)
    norms = measured.measured_step(BATCH + 8, 0.05, 1, 1)
    assert_same_tensors(measured.state(), plain.state())
    assert repr(measured.take_totals()) == repr(plain.take_totals())
    assert len(norms) == len(measured.layers)
    for layer, (gradient, ratio) in zip(measured.layers, norms, strict=True):
        old, new = flat(before, layer), flat(measured.weights(), layer)
        assert gradient > 0
        if version == "v1" and "norm" not in layer:  # its running means are no weights
            assert ratio == pytest.approx(0.05 * gradient / np.linalg.norm(old), rel=1e-3)
        elif version == "v0":
            assert ratio == pytest.approx(np.linalg.norm(new - old) / np.linalg.norm(old), rel=1e-4)


def test_the_gradient_is_that_of_the_batch_not_the_velocity_and_not_clipped() -> None:
    plain, with_momentum, clipped = (
        make_engine(task("v0", {"momentum": momentum, "clip": clip}))
        for momentum, clip in ((0, 0), (0.9, 0), (0, 1e-3))
    )
    expected = [gradient for gradient, _ in plain.measured_step(BATCH, 0.0, 1, 0)]
    with_momentum.step(BATCH + 8, 0.0, 1, 0)
    for engine in (with_momentum, clipped):
        assert [one for one, _ in engine.measured_step(BATCH, 0.0, 1, 0)] == pytest.approx(expected, rel=1e-3)


def test_a_step_whose_loss_is_not_finite_updates_nothing() -> None:
    engine = make_engine(task("v0"))
    state = {name: np.full_like(value, np.nan) for name, value in engine.state().items()}
    engine.load_state(state)
    norms = engine.measured_step(BATCH, 0.1, 1, 0)
    event = dynamics_of(1, 1, engine.layers, [norms], (None,) * len(norms))
    assert all(layer.update_ratio is None for layer in event.layers)


def test_dead_units_of_a_dense_network() -> None:
    """A unit whose weights are 0 and whose bias is negative is zero for every image; one with bias 1 never is."""
    engine = make_engine(task("v0"))
    state = engine.weights()
    state["layers.0.weight"][:75] = 0.0
    state["layers.0.bias"][:75] = -1.0
    state["layers.1.weight"][...] = 0.0
    state["layers.1.bias"][...] = 1.0
    engine.load_state(state)
    totals, dead = engine.evaluate_units(BATCH)
    assert repr(totals) == repr(engine.evaluate(BATCH))
    assert dead[0] is not None
    assert 75 / 300 <= dead[0] < 0.5
    assert dead[1:] == (0.0, None)
    tanh = make_engine(task("v0", {"model.activation": "tanh"}))
    assert tanh.evaluate_units(BATCH)[1] == (None, None, None)


class Mixed(nn.Module):
    """ReLUs as modules and as functions, one after a normalisation, one used twice, and a layer without."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(1, 4, 3)
        self.norm = nn.BatchNorm2d(4)
        self.relu = nn.ReLU(inplace=True)
        self.hidden = nn.Linear(4, 6)
        self.again = nn.Linear(6, 6)
        self.output = nn.Linear(6, 10)

    def forward(self, images: Tensor) -> Tensor:
        features = self.relu(self.norm(self.conv(images))).mean((2, 3))
        hidden = F.relu(self.hidden(features))
        for sign in (1.0, -1.0):
            hidden = torch.relu(sign * self.again(hidden))
        return self.output(hidden).tanh()  # type: ignore[no-any-return]


def test_dead_units_of_any_module() -> None:
    network = Mixed().eval()
    with torch.no_grad():
        network.norm.weight.copy_(torch.tensor([0.0, 0.0, 0.0, 1.0]))
        network.norm.bias.copy_(torch.tensor([-1.0, -1.0, 1.0, 0.0]))
        network.hidden.weight.zero_()
        network.hidden.bias.copy_(torch.tensor([-1.0, 1.0, -1.0, -1.0, 1.0, 0.0]))
        network.again.weight.zero_()
        network.again.bias.copy_(torch.tensor([-1.0, 1.0, 0.0, 2.0, -2.0, 0.0]))  # alive under one sign or the other
        images = torch.randn(20, 1, 8, 8)
        expected = network(images)
        with ActiveUnits(network) as active:
            assert torch.equal(network(images), expected)
    conv, norm, hidden, again, output = active.dead_fractions()
    assert (norm, output) == (None, None)  # its units are the convolution's; no ReLU follows
    assert conv == pytest.approx(2 / 4)
    assert hidden == pytest.approx(4 / 6)
    assert again == pytest.approx(2 / 6)
    assert not any(module._forward_hooks for module in network.modules())


class Transformer(nn.Sequential):
    """Takes another path while it is observed, with other rounding."""

    def __init__(self) -> None:
        layer = nn.TransformerEncoderLayer(28, 4, 64, batch_first=True)
        super().__init__(nn.Flatten(1, 2), layer, nn.Flatten(), nn.Linear(784, 10))


class Scripted(nn.Sequential):
    """TorchScript's modules take no hooks."""

    def __init__(self) -> None:
        super().__init__(nn.Flatten(), torch.jit.script(nn.Sequential(nn.Linear(784, 10), nn.ReLU())))


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of torch.jit
@pytest.mark.parametrize("kind", [Transformer, Scripted])
def test_observing_a_custom_module_changes_nothing(kind: type[nn.Module]) -> None:
    engine = TorchEngine(kind(), config("v1").hyperparameters, 0, *pictures(20), "cpu", plain=True)
    totals, dead = engine.evaluate_units(BATCH)
    assert repr(totals) == repr(engine.evaluate(BATCH))
    assert len(dead) == len(engine.layers) == len(engine.measured_step(BATCH, 0.1, 1, 0))


def test_dead_channels_behind_a_fused_layer() -> None:
    """v1's ReLU is within one layer with normalisation and pooling; the channels are the convolution's."""
    engine = make_engine(task("v1"))
    state = engine.weights()
    state["conv1.weight"][:16] = 0.0
    state["conv1.bias"][:16] = -1.0
    engine.load_state(state)
    dead = dict(zip(engine.layers, engine.evaluate_units(BATCH)[1], strict=True))
    assert dead["conv1"] == 16 / 64
    assert dead["conv2"] is not None
    assert [layer for layer, fraction in dead.items() if fraction is None] == ["norm1", "norm2", "output"]


@pytest.fixture(params=["v0", "v1"])
def trained(request: pytest.FixtureRequest) -> Task:
    """Two epochs, of which steps 3 and 6 of 7 are measured: an epoch can be interrupted between the two."""
    return task(request.param, {"ema": 0.9} if request.param == "v1" else {})


@pytest.fixture(autouse=True)
def two_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trainer, "measured_steps", lambda *_: frozenset({2, 5}))


def not_measured(monkeypatch: pytest.MonkeyPatch, engine: Engine) -> Engine:
    """The engine, which isn't measured, and of which no snapshots are taken."""
    monkeypatch.setattr(trainer, "measured_steps", lambda *_: frozenset())
    monkeypatch.setattr(engine, "evaluate_units", lambda indices: (engine.evaluate(indices), ()))
    monkeypatch.setattr(type(engine), "layers", ())
    plan = partial(plan_snapshots, engine)
    monkeypatch.setattr(trainer, "plan_snapshots", lambda _, task: replace(plan(task), epochs=frozenset()))
    return engine


def test_measuring_changes_no_bit_of_the_training(trained: Task, monkeypatch: pytest.MonkeyPatch) -> None:
    measured = drive(make_engine(trained), trained)
    plain = drive(not_measured(monkeypatch, make_engine(trained)), trained)
    assert measured.of(Dynamics)
    assert len(measured.store.snapshots) == 3
    assert not plain.of(Dynamics)
    assert not plain.store.snapshots
    assert measured.outcome.weights
    assert plain.outcome.weights
    assert_same_tensors(measured.outcome.weights, plain.outcome.weights)
    validations = [[one.validation_loss for one in ran.of(events.Epoch)] for ran in (measured, plain)]
    assert validations[0] == validations[1]


def same_snapshots(one: Ran, other: Ran) -> bool:
    pairs = zip(one.store.snapshots, other.store.snapshots, strict=True)
    return all(
        (a.epoch, a.weights.tobytes(), a.probabilities.tobytes())
        == (b.epoch, b.weights.tobytes(), b.probabilities.tobytes())
        for a, b in pairs
    )


def test_a_resumed_run_measures_the_same(trained: Task, tmp_path: Any) -> None:
    """Interrupted in the second epoch between its measured steps, and saved to disk in between."""
    whole = drive(make_engine(trained), trained)
    stop = on(StepMetrics, Command.STOP_NOW, where=lambda event: event.step == 7 + 4)
    first = drive(make_engine(trained), trained, stop)
    saved = first.store.checkpoints[-1]
    assert len(saved.position.norms) == 1
    start = read_checkpoint(write_checkpoint(tmp_path, saved))
    assert start.position == saved.position
    second = drive(make_engine(trained), trained, start=start, store=MemoryStore(snapshots=first.store.snapshots))
    assert [*first.of(Dynamics), *second.of(Dynamics)] == whole.of(Dynamics)
    assert [event.step for event in whole.of(Dynamics)] == [7, 14]
    assert same_snapshots(second, whole)


def test_a_checkpoint_of_an_earlier_version_has_no_norms(tmp_path: Any) -> None:
    saved = Checkpoint(Position(epoch_totals=Totals(1.0, 0.0, 2, 3)), {"weight": np.zeros(2)})
    folder = write_checkpoint(tmp_path, saved)
    state = folder / "state.json"
    state.write_text(state.read_text().replace('"norms": []', '"later": 1').replace(',\n    "later": 1', ""))
    assert "norms" not in state.read_text()
    assert read_checkpoint(folder).position == saved.position


def epochs_of(*layers: list[LayerDynamics]) -> Iterator[Dynamics]:
    for number, rows in enumerate(layers, 1):
        yield Dynamics(number, 10 * number, tuple(rows))


def alerts_of(*layers: list[LayerDynamics]) -> list[Alert]:
    monitor = LossMonitor()
    return [alert for event in epochs_of(*layers) for alert in monitor.observe(event)]


def test_a_dead_layer_raises_an_alert_once() -> None:
    alive, dead = LayerDynamics("conv1", 1.0, 1e-3, 0.9), LayerDynamics("hidden1", 1.0, 1e-3, 0.94)
    assert alerts_of([alive]) == []
    (alert,) = alerts_of([alive, dead], [alive, dead])
    assert alert.kind == "dead_units"
    assert "94% of the units of hidden1" in alert.message


@pytest.mark.parametrize(
    ("layers", "expected"),
    [
        ([(1.0, 1e-3)] * 3 + [(101.0, 1e-3), (99.0, 1e-3)], ""),
        ([(1.0, 1e-3)] * 2 + [(101.0, 1e-3)] * 2, ""),  # too few epochs to know what is usual
        ([(1.0, 1e-3)] * 3 + [(101.0, 1e-3)], ""),  # too few that are large
        ([(1.0, 1e-3)] * 3 + [(101.0, 1e-3)] * 2, "gradient norm of out in epoch 5 is 101, usually 1"),
        ([(0.0, 1e-3)] * 3 + [(1.0, 1e-3)] * 2, ""),
        ([(1.0, 0.2)] * 2 + [(1.0, 0.1)], ""),
        ([(1.0, 0.2)] * 2 + [(1.0, 0.12)], "the weights of out change by 12% in a step, for 3 epochs now"),
        ([(1.0, None)] * 4, ""),
    ],
)
def test_an_exploding_layer_raises_an_alert(layers: list[tuple[float, float | None]], expected: str) -> None:
    found = alerts_of(*([LayerDynamics("out", *measures)] for measures in layers))
    assert [alert.kind for alert in found] == ["exploding"] * bool(expected)
    assert not expected or expected in found[0].message


def test_epochs_that_a_resume_took_back_count_no_more_for_alerts() -> None:
    monitor = LossMonitor()
    large = [LayerDynamics("out", 1.0, 0.2)]
    first, second, third = epochs_of(large, large, large)
    assert [monitor.observe(event) for event in (first, second, events.Resumed(10, 1), second)] == [[], [], [], []]
    assert [alert.kind for alert in monitor.observe(third)] == ["exploding"]


def test_measures_that_are_not_finite_are_left_out() -> None:
    norms = [((math.nan, math.inf), (1.0, 1 / 3))]
    event = dynamics_of(2, 20, ("a", "b"), norms, (None, 0.25))
    assert event.layers == (LayerDynamics("a"), LayerDynamics("b", 1.0, 0.333333, 0.25))
    assert dynamics_of(2, 20, ("a",), [], (0.5,)).layers == (LayerDynamics("a", None, None, 0.5),)


def test_which_epochs_have_snapshots() -> None:
    assert snapshot_epochs(30, 40) == set(range(31))
    for most in (5, 12, 40):
        kept = snapshot_epochs(500, most)
        assert len(kept) <= most
        assert kept >= {0, 1, 3, 10, 500}


def test_which_units_and_images_have_snapshots() -> None:
    assert evenly_spaced(6000, 100).tolist() == list(range(0, 6000, 60))
    assert evenly_spaced(7, 100).tolist() == list(range(7))
    assert evenly_spaced(7, 0).tolist() == []


@pytest.mark.parametrize(("version", "epochs"), [("v0", 2), ("v0", 30), ("v0", 1000), ("v1", 1000)])
def test_the_snapshots_of_a_run_take_at_most_2_mb(version: str, epochs: int) -> None:
    planned = task(version, {"epochs": epochs}, data=dataset(1000))
    plan = plan_snapshots(make_engine(planned), planned)
    row = 784 if version == "v0" else 9
    bytes_each = 2 * (len(plan.units) * row + len(plan.images) * 10)
    assert len(plan.images) == 100
    assert len(plan.units) >= 16
    assert bytes_each * len(plan.epochs) < 1_950_000


def test_wide_layers_and_many_classes_leave_room_for_the_epochs_that_matter() -> None:
    class Wide:
        def weights(self) -> dict[str, Any]:
            return {"bias": np.zeros(9), "first.weight": np.zeros((4, 2_000_000), np.int8)}

    many = replace(dataset(1000), classes=tuple(map(str, range(1000))))
    planned = task("v0", {"epochs": 50}, data=many)
    plan = plan_snapshots(Wide(), planned)  # type: ignore[arg-type]
    assert plan.layer == "first.weight"
    assert plan.epochs == {0, 1, 3, 10, 50}
    assert len(plan.units) == 0


def test_a_snapshot_holds_what_the_scored_network_predicts() -> None:
    trained = task("v0", {"ema": 0.9})
    ran = drive(make_engine(trained), trained)
    assert ran.outcome.weights
    last, plan = ran.store.snapshots[-1], plan_snapshots(make_engine(trained), trained)
    assert np.array_equal(last.weights, ran.outcome.weights["layers.0.weight"][plan.units].astype(np.float16))
    validated = trained.dataset.train.images[trained.validation_indices]
    engine = make_engine(trained)
    engine.load_state(ran.outcome.weights)
    assert np.array_equal(last.probabilities, engine.predict(validated).astype(np.float16))


def test_a_custom_module_is_measured_like_any_other() -> None:
    settings = config("v1").hyperparameters
    engine = TorchEngine(Mixed(), settings, 0, *pictures(20), "cpu", plain=True)
    assert engine.layers == ("conv", "norm", "hidden", "again", "output")
    norms = engine.measured_step(BATCH, 0.1, 1, 0)
    assert all(math.isfinite(gradient) and math.isfinite(ratio) for gradient, ratio in norms)
