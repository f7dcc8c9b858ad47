"""Scored runs on the demo set, so that the app has their images; it is known which images they get wrong."""

from __future__ import annotations

import io
import json
from dataclasses import asdict
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fmnist_tui.data import Dataset, demo
from fmnist_tui.files import write_json
from fmnist_tui.runs.directory import RunDirectory
from fmnist_tui.training.metrics import score

from .samples import write_run


def dataset() -> Dataset:
    """The demo set."""
    return demo.draw()


def write_demo_run(runs: Path, version: str, *, seed: int = 0, wrong: int) -> RunDirectory:
    """A completed run that gets the first `wrong` of the 500 test images wrong."""
    run = write_run(runs, version, seed=seed)
    config = json.loads(run.run_json.read_bytes())
    train, test = dataset().fingerprints
    config["data"] = {"name": "demo", "train_fingerprint": train, "test_fingerprint": test, "test_images": 500}
    write_json(run.run_json, config)
    table, labels = probabilities(wrong), dataset().test.labels
    result = json.loads(run.result.read_bytes())
    scores = {f"test_{name}": value for name, value in asdict(score(table, labels)).items()}
    write_json(run.result, result | scores)
    buffer = io.BytesIO()
    np.savez(buffer, allow_pickle=False, probabilities=table, labels=labels)
    run.predictions.write_bytes(buffer.getvalue())
    run.model.write_bytes(b"weights")
    return run


def probabilities(wrong: int) -> NDArray[np.float32]:
    """Image i is wrong where i < `wrong`: predicted as one of the next three classes; confidences are 0.45 to 0.94."""
    index, labels = np.arange(500), dataset().test.labels.astype(np.int64)
    confidence = 0.45 + 0.49 * (index * 37 % 500) / 500
    predicted = (labels + (index < wrong) * (1 + index % 3)) % 10
    table = np.repeat(((1 - confidence) / 9)[:, None], 10, axis=1)
    table[index, labels] += 0.1 * (predicted != labels)
    table[index, predicted] = confidence
    normalized: NDArray[np.float32] = (table / table.sum(axis=1, keepdims=True)).astype(np.float32)
    return normalized
