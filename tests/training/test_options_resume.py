"""Each setting trains differently from the default, and a run that has it resumes bit for bit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fmnist_tui.training import trainer
from fmnist_tui.training.checkpoint import load_newest, write_checkpoint
from fmnist_tui.training.engine import OPTIMIZER
from fmnist_tui.training.task import Task, make_engine

from .fakes import MemoryStore, drive
from .samples import assert_same_tensors, task

NUMPY: list[dict[str, Any]] = [
    {"nesterov": True},
    {"weight_decay": 0.1},
    {"clip": 0.5},
    {"ema": 0.9},
    {"schedule": "linear", "warm_up": 0.2},
    {"schedule": "step"},
    {"flip": "on", "crop": 3},
    {"erase": 0.5, "cutout": 6},
    {"mixup": 0.4},
    {"model.hidden": (9, 5), "model.activation": "tanh"},
]
TORCH: list[dict[str, Any]] = [
    {"optimizer": "sgd"},
    {"optimizer": "sgd", "momentum": 0.9, "nesterov": True},
    {"optimizer": "muon"},
    {"beta1": 0.8, "beta2": 0.9, "epsilon": 1e-4},
    {"clip": 0.5},
    {"ema": 0.9},
    {"optimizer": "muon", "ema": 0.9, "clip": 1.0, "erase": 0.5, "cutout": 6, "mixup": 0.4, "crop": 2, "shift": 0},
    {"precision": "bf16"},
    {"model.norm": "layer", "model.dropout": 0.2, "model.blocks": 1, "model.activation": "gelu"},
]


@pytest.fixture(autouse=True)
def checkpoints_everywhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """One at each window's end and at each epoch's."""
    monkeypatch.setattr(trainer, "CHECKPOINT_SECONDS", 0.0)


def small(version: str, changes: dict[str, Any]) -> Task:
    """A narrow network on 27 images."""
    width = {"model.width": 4} if version != "v0" else {}
    return task(version, {**width, **changes}, limit=30, window=2)


@pytest.mark.parametrize(
    ("version", "changes"),
    [*(("v0", changes) for changes in NUMPY), *(("v1", changes) for changes in TORCH)],
    ids=str,
)
def test_a_run_with_the_setting_resumes_bit_for_bit(version: str, changes: dict[str, Any], tmp_path: Path) -> None:
    made, plain = small(version, changes), small(version, {})
    whole, other = (drive(make_engine(one), one) for one in (made, plain))
    found, usual = whole.outcome.weights or {}, other.outcome.weights or {}
    assert any(name not in found or found[name].tobytes() != value.tobytes() for name, value in usual.items())
    write_checkpoint(tmp_path, whole.store.checkpoints[1])
    read = load_newest(tmp_path)
    assert read is not None
    assert 0 < read.position.step < made.total_steps
    store = MemoryStore()
    resumed = drive(make_engine(made), made, start=read, store=store)
    assert_same_tensors(store.checkpoints[-1].tensors, whole.store.checkpoints[-1].tensors)
    assert_same_tensors(resumed.outcome.weights or {}, found)
    assert resumed.outcome.scores == whole.outcome.scores


@pytest.mark.parametrize("version", ["v0", "v1"])
def test_the_averaged_weights_are_scored_and_saved_and_the_others_train_on(version: str) -> None:
    made, plain = small(version, {"ema": 0.9}), small(version, {})
    whole, other = (drive(make_engine(one), one) for one in (made, plain))
    scored, trained = whole.outcome.weights or {}, whole.store.checkpoints[-1].tensors
    assert_same_tensors(
        {name: value for name, value in trained.items() if not name.startswith(OPTIMIZER)}, other.outcome.weights or {}
    )
    name = next(name for name in scored if name.endswith("weight"))
    assert scored[name].tobytes() == trained[f"{OPTIMIZER}average.{name}"].tobytes() != trained[name].tobytes()
    engine = make_engine(plain)
    engine.load_state(scored)
    probabilities = np.concatenate([engine.predict(made.dataset.test.images[:20])])
    np.testing.assert_array_equal(probabilities, whole.outcome.probabilities)


def test_running_statistics_are_averaged_like_the_weights() -> None:
    engine = make_engine(small("v1", {"ema": 0.9}))
    states = [engine.state()]
    for step in range(3):
        engine.step(np.arange(8), 0.01, 1, step)
        states.append(engine.state())
    expected = states[0]["norm1.running_mean"]
    for step, state in enumerate(states[1:]):
        weight = 1 - min(0.9, (1 + step) / (10 + step))
        expected = expected + weight * (state["norm1.running_mean"] - expected)
    np.testing.assert_allclose(engine.weights()["norm1.running_mean"], expected, rtol=1e-5)
    assert engine.weights()["norm1.num_batches_tracked"] == 3
