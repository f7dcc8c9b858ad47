"""What was asked for (request.json), and what is run once device and data are known (run.json)."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import socket
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fmnist_tui import __version__
from fmnist_tui.data import Dataset
from fmnist_tui.files import read_json, write_json
from fmnist_tui.runs.directory import RunDirectory, RunError, create_run
from fmnist_tui.training.config import ConfigError, TrainingConfig
from fmnist_tui.training.streams import STREAM_NUMBER

if TYPE_CHECKING:
    from fmnist_tui.training.task import Task

FORMAT = 1
_LIBRARIES = ("numpy", "scipy", "torch")


@dataclass(frozen=True)
class Request:
    """A training as somebody asked for it.

    Attributes:
        config: Device and threads may still be "auto" and 0.
        data: The data folder, "demo", or None for the usual places.
        argv: The command that asked.
        created: When (unix seconds); runs that wait for one device go in this order.
    """

    config: TrainingConfig
    data: str | None
    argv: tuple[str, ...]
    created: float


def request_run(runs: Path, config: TrainingConfig, data: str | None) -> RunDirectory:
    """Makes a run directory that holds the request; nothing runs yet.

    Raises:
        RunError: The folder can't be written.
    """
    run = create_run(runs, config.version)
    content = {"format": FORMAT, **config.to_json(), "data": data, "argv": sys.argv, "created": time.time()}
    try:
        write_json(run.request, content)
    except OSError as error:
        raise RunError(f"can't write to {run.path} ({error.strerror}); choose another folder with --runs") from None
    return run


def read_request(run: RunDirectory) -> Request:
    """The request of a run.

    Raises:
        RunError: It is missing or damaged.
    """
    record = read_json(run.request)
    if record is None:
        raise RunError(f"{run.request} is missing or damaged, so the run can't be trained; start a new one")
    try:
        config = TrainingConfig.from_json(record)
    except ConfigError as error:
        raise RunError(f"{run.request}: {error}") from None
    data, argv, created = record.get("data"), record.get("argv"), record.get("created")
    if not (isinstance(data, str | None) and isinstance(argv, list) and isinstance(created, float)):
        raise RunError(f"{run.request} is missing or damaged, so the run can't be trained; start a new one")
    return Request(config, data, tuple(argv), created)


def write_run_json(run: RunDirectory, request: Request, task: Task) -> None:
    """Writes down what is run: configuration with device and threads resolved, data, versions, host."""
    content: dict[str, Any] = {
        "format": FORMAT,
        **task.config.to_json(),
        "window": task.window,
        "random_stream": STREAM_NUMBER,
        "data": describe_data(task.dataset, request.data),
        "train_images": len(task.train_indices),
        "validation_images": len(task.validation_indices),
        "versions": {"python": platform.python_version(), "fmnist-tui": __version__, **_versions()},
        "host": socket.gethostname(),
        "pid": os.getpid(),
        "argv": list(request.argv),
        "created": request.created,
    }
    write_json(run.run_json, content)


def describe_data(dataset: Dataset, folder: str | None) -> dict[str, Any]:
    """What a run remembers of its data."""
    return {
        "name": dataset.name,
        "folder": folder,
        "source": dataset.source,
        "train_fingerprint": dataset.train.fingerprint,
        "test_fingerprint": dataset.test.fingerprint,
        "train_images": len(dataset.train),
        "test_images": len(dataset.test),
    }


def _versions() -> dict[str, str | None]:
    """Versions of the libraries by their metadata, without importing them."""
    found: dict[str, str | None] = {}
    for name in _LIBRARIES:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            found[name] = None
    return found
