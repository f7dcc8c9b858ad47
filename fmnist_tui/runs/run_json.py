"""What is run, once device and data are known: run.json, written once by the first trainer."""

from __future__ import annotations

import os
from typing import Any

from fmnist_tui.data import Dataset
from fmnist_tui.files import write_json
from fmnist_tui.runs.conditions import Conditions
from fmnist_tui.runs.directory import RunDirectory
from fmnist_tui.runs.request import Request
from fmnist_tui.training.streams import STREAM_NUMBER
from fmnist_tui.training.task import Task

FORMAT = 1


def write_run_json(run: RunDirectory, request: Request, task: Task, conditions: Conditions) -> None:
    """Writes down what is run: configuration with device and threads resolved, data, versions, machine."""
    content: dict[str, Any] = {
        "format": FORMAT,
        **task.config.to_json(),
        "window": task.window,
        "random_stream": STREAM_NUMBER,
        "data": _data(task.dataset, request.data),
        "train_images": len(task.train_indices),
        "validation_images": len(task.validation_indices),
        "versions": dict(conditions.versions),
        "device_name": conditions.device_name or None,
        "device_id": conditions.device_id or None,
        "cpus": conditions.cpus,
        "host": conditions.host,
        "pid": os.getpid(),
        "argv": list(request.argv),
        "created": request.created,
    }
    write_json(run.run_json, content)


def _data(dataset: Dataset, folder: str | None) -> dict[str, Any]:
    """What a run remembers of its data."""
    return {
        "name": dataset.name,
        "folder": folder,
        "source": dataset.source,
        "train_fingerprint": dataset.train.fingerprint,
        "test_fingerprint": dataset.test.fingerprint,
        "train_images": len(dataset.train),
        "test_images": len(dataset.test),
        "flips": dataset.flips,
    }
