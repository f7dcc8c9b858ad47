"""What was asked for: request.json, there before anything else."""

from __future__ import annotations

import shlex
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from fmnist_tui.data.sources import DEMO
from fmnist_tui.errors import RunError
from fmnist_tui.files import read_json, write_json
from fmnist_tui.runs.conditions import conditions_at_start, threads_here
from fmnist_tui.runs.directory import RunDirectory, create_run, time_in
from fmnist_tui.training.augment import flips
from fmnist_tui.training.config import ConfigError, TrainingConfig
from fmnist_tui.training.recipes import hyperparameters, settle_for_fashion_mnist

FORMAT = 1
_CHANGES = {"epochs": "epochs", "batch-size": "batch_size", "lr": "learning_rate"}
_USUAL = {
    "recipe": "tuned",
    "seed": 0,
    "limit": None,
    "device": "auto",
    "threads": 0,
    "data": None,
    "flip": "auto",
}


@dataclass(frozen=True)
class Request:
    """A training as somebody asked for it.

    Attributes:
        config: Device and threads may still be "auto" and 0.
        data: The data folder, "demo", or None for the usual places; if the images were moved, where they are now.
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
    if (order := time_in(run.run_id)) > content["created"]:  # the clock was set back since the newest run
        content["order"] = order
    try:
        write_json(run.request, content)
    except (OSError, ValueError) as error:  # ValueError: a path that isn't text
        with suppress(OSError):
            run.path.rmdir()
        why = error.strerror if isinstance(error, OSError) else error
        raise RunError(f"can't write to {run.path} ({why}); choose another folder with --runs") from None
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
        raise RunError(f"{run.request} is damaged ({error}), so the run can't be trained; start a new one") from None
    data, argv, created = recorded_folder(run, record), record.get("argv"), record.get("created")
    if not (isinstance(record.get("data"), str | None) and isinstance(argv, list) and isinstance(created, float)):
        raise RunError(f"{run.request} is missing or damaged, so the run can't be trained; start a new one")
    return Request(config, data, tuple(argv), created)


def recorded_folder(run: RunDirectory, request: Mapping[str, Any] | None) -> str | None:
    """Where the images of a run were seen last: the folder, "demo", or None for the usual places.

    Args:
        run: The run.
        request: What request.json holds.
    """
    moved = read_json(run.data_json) or {}
    folder = moved.get("folder", 0)
    if not isinstance(folder, str | None) or folder == "":
        folder = (request or {}).get("data")
    return folder if isinstance(folder, str) and folder else None


def settled_config(run: RunDirectory, request: Request) -> TrainingConfig:
    """What the run trains with here: as its first trainer settled it, or, before that, as it was asked for.

    The number of threads is one for this machine; whether the device is there is for others to find out.
    """
    start = conditions_at_start(run)
    try:
        config = TrainingConfig.from_json(read_json(run.run_json) or {})
    except ConfigError:
        return request.config
    return replace(config, threads=threads_here(start, request.config.threads)) if start else config


def _flip(request: Request) -> str:
    """What --flip has to say for the same augmentation."""
    config = request.config
    usual = hyperparameters(config.version, config.recipe)
    own = config.hyperparameters
    if request.data in (None, DEMO):  # garments, which are flipped anyway
        usual, own = settle_for_fashion_mnist(usual), settle_for_fashion_mnist(own)
    return "auto" if own.augment == usual.augment else "on" if flips(own.augment) else "off"


def command_of(request: Request) -> str:
    """The command that asks for the same training; what is as it would be anyway is left out."""
    config, usual = request.config, hyperparameters(request.config.version, request.config.recipe)
    changed = {name: getattr(config.hyperparameters, field) for name, field in _CHANGES.items()}
    options = {name: value for name, value in changed.items() if value != getattr(usual, _CHANGES[name])}
    options |= {"recipe": config.recipe, "seed": config.seed, "limit": config.limit, "device": config.device}
    options |= {"threads": config.threads, "data": request.data, "flip": _flip(request)}
    given = [f"--{name} {shlex.quote(str(value))}" for name, value in options.items() if value != _USUAL.get(name)]
    return " ".join([f"fmnist-tui train {config.version}", *given, *(["--no-test"] * (not config.score_test))])
