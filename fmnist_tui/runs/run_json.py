"""What is run, once device and data are known: run.json, written once by the first trainer."""

from __future__ import annotations

import os
import platform
import socket
from typing import Any

from fmnist_tui import __version__
from fmnist_tui.data import Dataset
from fmnist_tui.files import write_json
from fmnist_tui.runs.directory import RunDirectory
from fmnist_tui.runs.machine.devices import cpu_row
from fmnist_tui.runs.machine.machine import Machine, this_machine
from fmnist_tui.runs.request import Request
from fmnist_tui.training.streams import STREAM_NUMBER
from fmnist_tui.training.task import Task

FORMAT = 1
_LIBRARIES = ("numpy", "scipy", "torch")


def write_run_json(run: RunDirectory, request: Request, task: Task) -> None:
    """Writes down what is run: configuration with device and threads resolved, data, versions, machine."""
    machine = this_machine()
    libraries = {name: machine.version_of(name) for name in _LIBRARIES}
    content: dict[str, Any] = {
        "format": FORMAT,
        **task.config.to_json(),
        "window": task.window,
        "random_stream": STREAM_NUMBER,
        "data": _data(task.dataset, request.data),
        "train_images": len(task.train_indices),
        "validation_images": len(task.validation_indices),
        "versions": {"python": platform.python_version(), "fmnist-tui": __version__, **libraries},
        "device_name": _device_name(task.config.device, machine),
        "host": socket.gethostname(),
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


def _device_name(device: str, machine: Machine) -> str | None:
    """What its maker calls what is trained on; a GPU by PyTorch, which alone knows which of them it was given."""
    if device.startswith("cuda"):
        from fmnist_tui.training.devices import gpu_name

        return gpu_name(device)
    return cpu_row(machine).seen if device == "cpu" else None
