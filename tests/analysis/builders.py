"""Run directories as trainers leave them, made for the tests."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fmnist_tui.data import official
from fmnist_tui.runs.directory import RunDirectory
from fmnist_tui.runs.event_log import Logged, encode
from fmnist_tui.training.events import Epoch, Event, RunFinished, RunStarted, StepMetrics
from fmnist_tui.training.recipes import hyperparameters, settle_for_fashion_mnist

LABELS = (np.arange(100) % 10).astype(np.uint8)
STEPS_PER_EPOCH = 10


def make_run(
    runs: Path,
    version: str = "v0",
    *,
    seed: int = 0,
    config: dict[str, Any] | None = None,
    result: dict[str, Any] | None = None,
    validation: Sequence[float] = (0.8, 0.9),
    right: NDArray[np.bool_] | None = None,
    finished: RunFinished | None = None,
) -> RunDirectory:
    """A finished run that counts, but for what `config` and `result` put in place.

    `seed` also dates it: a higher one is newer. `validation` has the accuracy of each epoch. `right` says which
    test images it gets right; without it there is no predictions.npz.
    """
    run = RunDirectory(runs / f"{version}-20260102-{seed:06d}-00ff")
    run.path.mkdir(parents=True)
    run.run_json.write_text(json.dumps(run_json(version, seed) | (config or {})))
    run.result.write_text(json.dumps(result_json(version, seed) | (result or {})))
    write_log(run, [*training(version, validation), finished or RunFinished("completed", scored=True)])
    if right is not None:
        run.predictions.write_bytes(npz(probabilities=probabilities(right), labels=LABELS))
    return run


def run_json(version: str, seed: int) -> dict[str, Any]:
    """What the trainer writes for the tuned recipe on the official data."""
    train, test = official.FASHION_MNIST.fingerprints
    return {
        "format": 1,
        "version": version,
        "recipe": "tuned",
        "modified": False,
        "hyperparameters": asdict(settle_for_fashion_mnist(hyperparameters(version, "tuned"))),
        "seed": seed,
        "limit": None,
        "score_test": True,
        "device": "cpu",
        "data": {
            "name": official.NAME,
            "train_fingerprint": train,
            "test_fingerprint": test,
            "train_images": 60_000,
            "test_images": 10_000,
        },
    }


def result_json(version: str, seed: int) -> dict[str, Any]:
    """The result of a completed run."""
    scores = {"test_accuracy": 0.9, "test_nll": 0.3, "test_brier": 0.15, "test_ece": 0.02}
    return {"reason": "completed", "version": version, "seed": seed, **scores, "epochs": 2, "steps": 20}


def training(version: str, validation: Sequence[float]) -> list[Event]:
    """The events of a training up to its end: two windows of five steps an epoch."""
    epochs = len(validation)
    log: list[Event] = [RunStarted(version, epochs * STEPS_PER_EPOCH, STEPS_PER_EPOCH, epochs, 1, 1)]
    for number, accuracy in enumerate(validation, start=1):
        end = number * STEPS_PER_EPOCH
        log += [window(step, loss=1 / step) for step in (end - 5, end)]
        log.append(epoch(number, accuracy))
    return log


def window(step: int, loss: float = 0.5) -> StepMetrics:
    """A window that ends at `step`."""
    return StepMetrics(step, (step - 1) // STEPS_PER_EPOCH + 1, loss, 0.75, 0.01, 1000.0)


def epoch(number: int, accuracy: float, seconds: float = 2.0) -> Epoch:
    """The end of an epoch with this validation accuracy."""
    return Epoch(number, number * STEPS_PER_EPOCH, 0.4, 0.8, 0.5, accuracy, 0.5, seconds, 0.25, is_best=True)


def write_log(run: RunDirectory, log: Sequence[Event]) -> None:
    """The event log, one second an event."""
    run.events.write_bytes(b"".join(encode(Logged(event, 1000.0 + seq, seq)) for seq, event in enumerate(log)))


def probabilities(right: NDArray[np.bool_]) -> NDArray[np.float32]:
    """0.82 for the label where it is right, for the next class where it is wrong; 0.02 for each other class."""
    table = np.full((len(right), 10), 0.02, np.float32)
    table[np.arange(len(right)), (LABELS + ~right) % 10] = 0.82
    return table


def npz(**arrays: NDArray[Any]) -> bytes:
    """The bytes of a predictions.npz."""
    buffer = io.BytesIO()
    np.savez(buffer, allow_pickle=False, **arrays)
    return buffer.getvalue()
