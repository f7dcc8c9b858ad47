"""Waiting for a device: one training at a time on each, in the order in which they were asked for."""

from __future__ import annotations

import os
import platform
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from fmnist_tui.runs.directory import RunDirectory, RunError, list_runs
from fmnist_tui.runs.lock import beats_here, is_held, try_exclusive
from fmnist_tui.runs.request import read_request
from fmnist_tui.runs.status import Status, status_of
from fmnist_tui.training.config import TrainingConfig


def device_to_wait_for(config: TrainingConfig) -> str:
    """The name of the device whose turn a training needs, guessed without importing PyTorch.

    A wrong guess (a GPU whose driver doesn't work) costs nothing but another lock's name.
    """
    if config.version == "v0" or config.device == "cpu":
        return "cpu"
    if config.device == "cuda":
        return "cuda-0"
    if config.device != "auto":
        return config.device.replace(":", "-")
    if Path("/dev/nvidia0").exists():
        return "cuda-0"
    return "mps" if platform.system() == "Darwin" and platform.machine() == "arm64" else "cpu"


def take_turn(run: RunDirectory, config: TrainingConfig) -> int | None:
    """Takes the device if it is free and no older run waits for it here: a file descriptor to close, or None."""
    device = device_to_wait_for(config)
    if _older_waits(run, device):
        return None
    return try_exclusive(run.path.parent / ".devices" / f"{socket.gethostname()}-{device}.lock")


@contextmanager
def holding(handle: int) -> Iterator[None]:
    """Gives a device back at the block's end."""
    try:
        yield
    finally:
        os.close(handle)


def _older_waits(run: RunDirectory, device: str) -> bool:
    mine = read_request(run).created
    for other in list_runs(run.path.parent):
        if other == run or not is_held(other) or not beats_here(other) or status_of(other) is not Status.QUEUED:
            continue
        try:
            request = read_request(other)
        except RunError:
            continue
        if request.created < mine and device_to_wait_for(request.config) == device:
            return True
    return False
