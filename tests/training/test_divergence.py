"""A training whose loss is not a number ends by itself, says so, and keeps what was good."""

from __future__ import annotations

import math
import warnings

import pytest

from fmnist_tui.training import events, trainer
from fmnist_tui.training.engine import Totals
from fmnist_tui.training.task import make_engine

from .fakes import FakeEngine, drive
from .samples import task


def test_a_diverged_run_raises_alerts_and_ends_without_weights_or_scores() -> None:
    ran = drive(FakeEngine(fault=(1, 4)), task(window=3))
    message = "the loss became nan by step 6"
    assert ran.names == ["RunStarted", "StepMetrics", "StepMetrics", "Alert", "RunFinished"]
    last_window = ran.of(events.StepMetrics)[-1]
    assert last_window.step == 6
    assert math.isnan(last_window.loss)
    assert ran.events[-2:] == [
        events.Alert("non_finite", message),
        events.RunFinished("diverged", scored=False, resumable=False, message=message),
    ]
    outcome = ran.outcome
    assert (outcome.reason, outcome.epochs, outcome.steps) == ("diverged", 0, 6)
    assert (outcome.weights, outcome.probabilities, outcome.labels, outcome.scores) == (None, None, None, None)


def test_no_checkpoint_follows_the_last_good_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trainer, "CHECKPOINT_SECONDS", 0.0)
    engine = FakeEngine(fault=(2, 1))
    ran = drive(engine, task(window=3))
    assert [checkpoint.position.step for checkpoint in ran.store.checkpoints] == [3, 6, 7, 7]
    assert ran.of(events.CheckpointSaved)[-1].step == 7
    assert (ran.outcome.epochs, ran.outcome.steps) == (1, 10)


def test_the_test_images_of_a_diverged_run_are_not_touched() -> None:
    engine = FakeEngine(fault=(2, 6))
    drive(engine, task())
    assert engine.predicted == []


@pytest.mark.parametrize(("loss", "nll"), [(math.nan, 1.0), (math.inf, 1.0), (1.0, math.nan)])
def test_a_validation_that_is_not_finite_ends_the_run_too(loss: float, nll: float) -> None:
    """The last step's update shows in no training loss; its weights must not be scored as a result."""
    engine = FakeEngine(validation=[Totals(loss, nll, 0, 6)])
    ran = drive(engine, task())
    assert ran.of(events.Alert)[0].kind == "non_finite"
    last = ran.events[-1]
    assert isinstance(last, events.RunFinished)
    assert last.reason == ran.outcome.reason == "diverged"
    assert engine.predicted == []
    assert ran.outcome.weights is None


@pytest.mark.parametrize("version", ["v0", "v1"])
def test_inputs_that_overflow_make_a_real_engine_diverge(version: str) -> None:
    made = task(version, {"input_scale": 1e38, "learning_rate": 100.0})
    ran = drive(make_engine(made), made)
    last = ran.events[-1]
    assert isinstance(last, events.RunFinished)
    assert last.reason == "diverged"
    assert len(ran.of(events.StepMetrics)) == 1


def test_a_diverging_v0_prints_no_warnings_of_numpys() -> None:
    """They would land in the middle of a screen; the alert says it all."""
    made = task(changes={"input_scale": 1e38})
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        ran = drive(make_engine(made), made)
    assert ran.outcome.reason == "diverged"
    assert [str(warning.message) for warning in warned] == []
