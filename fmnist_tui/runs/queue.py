"""Waiting for a device: one training at a time on each, in the order in which they were asked for."""

from __future__ import annotations

import os
import platform
import socket
from dataclasses import dataclass
from pathlib import Path

from fmnist_tui.files import read_json
from fmnist_tui.runs.directory import RunDirectory, RunError, list_runs
from fmnist_tui.runs.lock import beats_here, is_held, try_exclusive
from fmnist_tui.runs.request import Request, read_request
from fmnist_tui.runs.status import Status, status_of
from fmnist_tui.training.config import ConfigError, TrainingConfig


@dataclass(frozen=True)
class Turn:
    """A device that is had.

    Attributes:
        place: Its name among those to wait for.
        handle: The descriptor whose closing gives it back.
    """

    place: str
    handle: int


def settled_config(run: RunDirectory, request: Request) -> TrainingConfig:
    """What the run trains with: as its first trainer settled it, or, before that, as it was asked for."""
    try:
        return TrainingConfig.from_json(read_json(run.run_json) or {})
    except ConfigError:
        return request.config


def device_to_wait_for(config: TrainingConfig) -> str:
    """The name of the device whose turn a training needs, or of the first of those that will do."""
    return places_to_wait_for(config)[0]


def places_to_wait_for(config: TrainingConfig) -> tuple[str, ...]:
    """The names of the devices of which any one will do, guessed without importing PyTorch.

    A wrong guess (a GPU whose driver doesn't work) costs nothing but another lock's name.
    """
    if config.version == "v0" or config.device == "cpu":
        return ("cpu",)
    if config.device == "cuda":
        return _gpus() or ("cuda-0",)
    if config.device != "auto":
        return (config.device.replace(":", "-"),)
    if gpus := _gpus():
        return gpus
    return ("mps",) if platform.system() == "Darwin" and platform.machine() == "arm64" else ("cpu",)


def take_turn(run: RunDirectory, config: TrainingConfig) -> Turn | None:
    """Takes a device if one is free and no older run waits for it here."""
    taken = _awaited_by_older(run)
    for place in places_to_wait_for(config):
        if place in taken:
            continue
        handle = try_exclusive(run.path.parent / ".devices" / f"{socket.gethostname()}-{place}.lock")
        if handle is not None:
            return Turn(place, handle)
    return None


def _gpus() -> tuple[str, ...]:
    """NVIDIA's GPUs that this process may use, as far as device files and the environment tell."""
    there = len(list(Path("/dev").glob("nvidia[0-9]*")))
    allowed = os.environ.get("CUDA_VISIBLE_DEVICES")
    count = there if allowed is None else min(there, len([word for word in allowed.split(",") if word.strip()]))
    return tuple(f"cuda-{index}" for index in range(count))


def _awaited_by_older(run: RunDirectory) -> set[str]:
    """The devices for which runs wait that were asked for before this one."""
    mine = read_request(run).created
    awaited: set[str] = set()
    for other in list_runs(run.path.parent):
        if other == run or not is_held(other) or not beats_here(other) or status_of(other) is not Status.QUEUED:
            continue
        try:
            request = read_request(other)
        except RunError:
            continue
        if request.created < mine:
            awaited.update(places_to_wait_for(settled_config(other, request)))
    return awaited
