"""Images and run directories made by hand, the same on every machine."""

from __future__ import annotations

import fcntl
import io
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
from data import samples
from numpy.typing import NDArray

from fmnist_tui.analysis.probes.cache import basis_of, save
from fmnist_tui.analysis.probes.permuted import Permuted
from fmnist_tui.analysis.probes.shifts import Shifts
from fmnist_tui.data import ImageSet, official
from fmnist_tui.files import write_json
from fmnist_tui.runs.directory import RunDirectory
from fmnist_tui.runs.event_log import Logged, encode
from fmnist_tui.runs.fold import Snapshot, SnapshotFold
from fmnist_tui.runs.heartbeat import write_heartbeat
from fmnist_tui.runs.lock import current_attempt
from fmnist_tui.runs.run import read_run
from fmnist_tui.training.events import Epoch, Event, RunFinished, RunStarted, Stage, StepMetrics
from fmnist_tui.training.metrics import score
from fmnist_tui.training.recipes import configure, settle_for_fashion_mnist

EPOCHS = 4
STEPS = 50
"""Of an epoch; each is a window."""


def image_set(labels: Sequence[int]) -> ImageSet:
    """One image a label, each of one grey: its own index."""
    images = np.empty((len(labels), 28, 28), np.uint8)
    images[:] = np.arange(len(labels), dtype=np.uint8)[:, None, None]
    return ImageSet.of(images, np.array(labels, np.uint8))


def write_idx(folder: Path, train: Sequence[int], test: Sequence[int]) -> Path:
    """A folder of IDX files with images of these labels."""
    return samples.write_idx(folder, image_set(train), image_set(test))


def training(version: str = "v0", epochs: int = EPOCHS, asked: int = EPOCHS) -> list[Event]:
    """The events of `epochs` epochs out of `asked`: falling losses, rising accuracies."""
    log: list[Event] = [RunStarted(version, asked * STEPS, STEPS, asked, 266_610, 4711)]
    for number in range(1, epochs + 1):
        first = (number - 1) * STEPS
        log += [window(step) for step in range(first + 1, first + STEPS + 1)]
        log += [Stage("validating"), epoch(number)]
    return log


def window(step: int, loss: float | None = None) -> StepMetrics:
    """The window of one step; noisy in a way that is always the same."""
    noise = 0.1 * np.sin(7.0 * step)
    value = float(2.5 / (1 + step / 20) + noise + 0.2) if loss is None else loss
    accuracy = float(np.clip(1 - 0.8 / (1 + step / 25) - noise / 4, 0, 1))
    return StepMetrics(step, (step - 1) // STEPS + 1, value, accuracy, 0.05, 20_000.0)


def epoch(number: int) -> Epoch:
    """The end of an epoch; the third is the best."""
    accuracy = (0.70, 0.78, 0.84, 0.83)[number - 1]
    loss = (1.2, 0.9, 0.7, 0.72)[number - 1]
    return Epoch(number, number * STEPS, 0.8, 0.75, loss, accuracy, loss / 2, 3.0, 0.5, is_best=number <= 3)


def run_json(version: str, seed: int, recipe: str = "tuned") -> dict[str, Any]:
    """What a trainer writes at its start: a recipe as it is, on the official data."""
    train, test = official.FASHION_MNIST.fingerprints
    config = configure(version, recipe, {}, seed=seed, device="cpu", threads=1)
    config = replace(config, hyperparameters=settle_for_fashion_mnist(config.hyperparameters))
    return {
        "format": 1,
        **config.to_json(),
        "data": {
            "name": official.NAME,
            "train_fingerprint": train,
            "test_fingerprint": test,
            "train_images": 60_000,
            "test_images": 10_000,
        },
    }


def write_log(run: RunDirectory, log: Sequence[Event]) -> None:
    """The event log, a tenth of a second an event."""
    run.path.mkdir(parents=True, exist_ok=True)
    run.events.write_bytes(b"".join(encode(Logged(event, 1000.0 + seq / 10, seq)) for seq, event in enumerate(log)))


def started(run: RunDirectory, *events: Event) -> RunDirectory:
    """The run, with these events in its log after the first one."""
    write_log(run, [RunStarted("v0", EPOCHS * STEPS, STEPS, EPOCHS, 1, 1), *events])
    return run


def write_run(
    runs: Path,
    version: str = "v0",
    *,
    seed: int = 0,
    wrong: int = 150,
    recipe: str = "tuned",
    log: Sequence[Event] = (),
) -> RunDirectory:
    """An eligible run, with `wrong` of 1,000 test images wrong; a higher seed is newer."""
    run = RunDirectory(runs / f"{version}-20260102-{seed:06d}-00ff")
    write_log(run, log or [*training(version), RunFinished("completed", scored=True)])
    write_json(run.run_json, run_json(version, seed, recipe))
    table, labels = predictions(wrong)
    scores = {f"test_{name}": value for name, value in asdict(score(table, labels)).items()}
    ended = {"reason": "completed", "version": version, "seed": seed, "epochs": EPOCHS, "steps": EPOCHS * STEPS}
    write_json(run.result, {**ended, **scores, "seconds": 12.0})
    buffer = io.BytesIO()
    np.savez(buffer, allow_pickle=False, probabilities=table, labels=labels)
    run.predictions.write_bytes(buffer.getvalue())
    return run


def keep_analyses(runs: Sequence[RunDirectory]) -> None:
    """Gives the runs a model, and keeps shifts with all of them and trainings on permuted pixels with v0 and v1."""
    for place, run in enumerate(runs):
        run.model.write_bytes(b"weights")
        basis = basis_of(read_run(run))
        assert basis
        start, step = 0.85 + 0.02 * place, 0.1 - 0.02 * place
        accuracies = tuple(round(start - step * by, 4) for by in range(5))
        save(run, "shifts", basis, Shifts(10_000, accuracies, accuracies, accuracies, accuracies))
        if run.run_id.startswith(("v0", "v1")):
            save(run, "permuted", basis, Permuted(5, 10_000, 10_000, 0, start, start, start, start - 0.08 * place))


def predictions(wrong: int) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
    """Probabilities and labels of 1,000 images, the first `wrong` of them predicted as the next class."""
    labels = (np.arange(1000) % 10).astype(np.uint8)
    table = np.full((1000, 10), 0.02, np.float32)
    table[np.arange(1000), (labels + (np.arange(1000) < wrong)) % 10] = 0.82
    return table, labels


@contextmanager
def held(run: RunDirectory) -> Iterator[None]:
    """Holds the run's lock and beats once, as its trainer does."""
    handle = os.open(run.lock, os.O_RDWR | os.O_CREAT)
    fcntl.flock(handle, fcntl.LOCK_EX)
    write_heartbeat(run, current_attempt(run), starting=True)  # no process whose use of the machine could be shown
    try:
        yield
    finally:
        os.close(handle)


def snapshot_of(log: Sequence[Event], seconds: float = 0.1) -> Snapshot:
    """The snapshot after these events, `seconds` apart."""
    fold = SnapshotFold("v0-20260102-000000-00ff")
    for seq, event in enumerate(log):
        fold.add(Logged(event, 1000.0 + seconds * seq, seq))
    return fold.snapshot()
