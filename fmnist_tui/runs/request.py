"""What was asked for: request.json, there before anything else."""

from __future__ import annotations

import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from fmnist_tui.files import read_json, write_json
from fmnist_tui.runs.directory import RunDirectory, RunError, create_run
from fmnist_tui.training.config import ConfigError, TrainingConfig

FORMAT = 1


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
        raise RunError(f"{run.request}: {error}") from None
    data, argv, created = record.get("data"), record.get("argv"), record.get("created")
    if not (isinstance(data, str | None) and isinstance(argv, list) and isinstance(created, float)):
        raise RunError(f"{run.request} is missing or damaged, so the run can't be trained; start a new one")
    return Request(config, data, tuple(argv), created)
