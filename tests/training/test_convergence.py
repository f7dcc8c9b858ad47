"""The four versions learn the real images. The bounds were measured, with room to spare; see each test."""

from __future__ import annotations

import pytest

from fmnist_tui.data import Dataset
from fmnist_tui.runs.cpus import available_cpus
from fmnist_tui.training import events
from fmnist_tui.training.config import TrainingConfig
from fmnist_tui.training.recipes import configure
from fmnist_tui.training.task import make_engine, make_task

from .fakes import Ran, drive


def trained(config: TrainingConfig, data: Dataset) -> Ran:
    task = make_task(config, data)
    return drive(make_engine(task), task)


def test_v0_passes_85_percent_in_two_epochs(fashion_mnist: Dataset) -> None:
    """Measured: 0.879 after the second epoch; 0.1 would be guessing."""
    config = configure("v0", "tuned", {"epochs": 2}, device="cpu", threads=available_cpus())
    ran = trained(config, fashion_mnist)
    first, second = ran.of(events.Epoch)
    assert second.train_loss < first.train_loss
    assert second.validation_accuracy > 0.86
    assert ran.outcome.scores is not None
    assert ran.outcome.scores.accuracy > 0.85
    assert ran.outcome.scores.nll < 0.5


@pytest.mark.parametrize("version", ["v1", "v2", "v3"])
def test_a_cnn_learns_from_two_thousand_images(version: str, fashion_mnist: Dataset) -> None:
    """Measured after two epochs of 29 steps."""
    changes = {"epochs": 2, "batch_size": 64}
    config = configure(
        version, "tuned", changes, device="cpu", threads=available_cpus(), limit=2000, score_test=False
    )
    ran = trained(config, fashion_mnist)
    first, second = ran.of(events.Epoch)
    assert second.train_loss < 0.8 * first.train_loss
    assert second.validation_accuracy > 0.6
    assert ran.outcome.reason == "completed"


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize(("version", "bound"), [("v0", 0.88), ("v1", 0.86), ("v2", 0.86), ("v3", 0.86)])
def test_longer_runs_come_further(version: str, bound: float, fashion_mnist: Dataset) -> None:
    changes = {"epochs": 6} if version == "v0" else {"epochs": 2}
    limit = None if version == "v0" else 20_000
    config = configure(version, "tuned", changes, device="cpu", threads=available_cpus(), limit=limit)
    ran = trained(config, fashion_mnist)
    assert ran.outcome.scores is not None
    assert ran.outcome.scores.accuracy > bound
