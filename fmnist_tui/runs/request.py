"""Writing what was requested (request.json, before anything else) and what is trained (run.json, once it is known)."""

from __future__ import annotations

import os
import shlex
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fmnist_tui.data.location import DEMO
from fmnist_tui.errors import RunError
from fmnist_tui.files import exists, read_json, write_atomically, write_json
from fmnist_tui.models.source import recorded_text
from fmnist_tui.runs.access import refused
from fmnist_tui.runs.conditions import Conditions, conditions_at_start, threads_here
from fmnist_tui.runs.directory import RunDirectory, create_run, time_in
from fmnist_tui.runs.manifest import read_manifest, requested_folder, with_current_model
from fmnist_tui.training.config import ConfigError, TrainingConfig
from fmnist_tui.training.recipes import MODEL, options_for, settle_for_fashion_mnist
from fmnist_tui.training.streams import STREAM_NUMBER

if TYPE_CHECKING:  # needs NumPy, which requests don't
    from fmnist_tui.models.hyperparameters import Hyperparameters
    from fmnist_tui.training.engine import GraphUse
    from fmnist_tui.training.task import Task

FORMAT = 1
_PRIVATE, _HIDDEN = ("--notify", "--on-end"), "..."
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
    """A training as it was requested.

    Attributes:
        config: Device and threads may still be "auto" and 0.
        data: The data folder, "demo", or None for the usual locations; if the images were moved, where they are now.
        argv: The command line.
        created: When (unix seconds); runs that wait for the same device start in this order.
    """

    config: TrainingConfig
    data: str | None
    argv: tuple[str, ...]
    created: float


def request_run(runs: Path, config: TrainingConfig, data: str | None) -> RunDirectory:
    """Create a run directory with the request, and the text of a custom model; nothing runs yet.

    Raises:
        SourceError: The code of the model has changed since it was checked.
        RunError: The folder can't be written.
    """
    text = None if config.source is None else recorded_text(config.source)
    run = create_run(runs, config.version)
    content = {"format": FORMAT, **config.to_json(), "data": data, "argv": _recorded(sys.argv), "created": time.time()}
    if (order := time_in(run.run_id)) > content["created"]:  # the clock was set back since the newest run
        content["order"] = order
    try:
        write_json(run.request, content)
        if text is not None:
            write_atomically(run.model_text, text)
    except (OSError, ValueError) as error:  # ValueError: a path that isn't text
        with suppress(OSError):
            run.request.unlink(missing_ok=True)
            run.path.rmdir()
        why = error.strerror if isinstance(error, OSError) else error
        raise RunError(f"can't write to {run.path} ({why}); choose another folder with --runs") from None
    return run


def _recorded(argv: Sequence[str]) -> list[str]:
    """The arguments without what --notify and --on-end were given, which may be secret: others may read the run."""
    kept: list[str] = []
    for one in argv:
        name, equals, _ = one.partition("=")
        if kept and kept[-1] in _PRIVATE:
            kept.append(_HIDDEN)
        else:
            kept.append(f"{name}={_HIDDEN}" if equals and name in _PRIVATE else one)
    return kept


def read_request(run: RunDirectory) -> Request:
    """Read the request of a run.

    Raises:
        RunError: It is missing or damaged.
    """
    content = read_json(run.request)
    record = None if content is None else with_current_model(run, content)
    if record is None:
        raise RunError(f"{run.request} is missing or damaged, so the run can't be trained; start a new run")
    try:
        config = TrainingConfig.from_json(record)
    except ConfigError as error:
        raise RunError(f"{run.request} is damaged ({error}), so the run can't be trained; start a new run") from None
    data, argv, created = requested_folder(run, record), record.get("argv"), record.get("created")
    if not (isinstance(record.get("data"), str | None) and isinstance(argv, list) and isinstance(created, float)):
        raise RunError(f"{run.request} is missing or damaged, so the run can't be trained; start a new run")
    return Request(config, data, tuple(argv), created)


def write_until(run: RunDirectory, epoch: int) -> None:
    """Make the run's next trainers save and end after this epoch, without scoring; all else is as without it.

    Raises:
        RunError: It can't be written.
    """
    try:
        write_json(run.until_json, {"epoch": epoch})
    except OSError as error:
        raise refused(f"write {run.until_json}", run.path, error) from None


def read_until(run: RunDirectory) -> int | None:
    """The epoch after which the run's trainer ends for now; None if it trains to the end.

    Raises:
        RunError: The file is damaged.
    """
    if not exists(run.until_json):
        return None
    epoch = (read_json(run.until_json) or {}).get("epoch")
    if not isinstance(epoch, int) or isinstance(epoch, bool) or epoch < 1:
        raise RunError(f"{run.until_json} is damaged; remove it to train all epochs")
    return epoch


def write_graph(run: RunDirectory, *, use: bool) -> None:
    """Make the run's next trainers replay steps on an NVIDIA GPU as a CUDA graph, or not.

    Raises:
        RunError: It can't be written.
    """
    try:
        if use:
            run.graph_json.unlink(missing_ok=True)
        else:
            write_json(run.graph_json, {"use": False})
    except OSError as error:
        raise refused(f"write {run.graph_json}", run.path, error) from None


def uses_graph(run: RunDirectory) -> bool:
    """Whether the run's trainers use CUDA graphs, where they can."""
    return not exists(run.graph_json) or (read_json(run.graph_json) or {}).get("use") is not False


def settled_config(run: RunDirectory, request: Request) -> TrainingConfig:
    """What the run trains with here: as its first trainer completed the settings, or, before that, as requested.

    The number of threads is the one for this machine; whether the device exists here is checked elsewhere.
    """
    start = conditions_at_start(run)
    try:
        config = read_manifest(run).config() if start else request.config
    except ConfigError:
        return request.config
    return replace(config, threads=threads_here(start, request.config.threads)) if start else config


def write_run_json(
    run: RunDirectory,
    request: Request,
    task: Task,
    conditions: Conditions,
    *,
    can_resume_exactly: bool = True,
    graph: GraphUse | None = None,
) -> None:
    """Write what is trained: the configuration with device and threads resolved, data, versions, machine.

    Args:
        run: The run.
        request: What was requested.
        task: What is trained.
        conditions: Where.
        can_resume_exactly: Whether a custom model passed its check.
        graph: Whether the first trainer uses a CUDA graph.
    """
    dataset = task.dataset
    content: dict[str, Any] = {
        "format": FORMAT,
        **task.config.to_json(),
        "window": task.window,
        "random_stream": STREAM_NUMBER,
        "data": {
            "name": dataset.name,
            "folder": request.data,
            "source": dataset.source,
            "train_fingerprint": dataset.train.fingerprint,
            "test_fingerprint": dataset.test.fingerprint,
            "train_images": len(dataset.train),
            "test_images": len(dataset.test),
            "flips": dataset.flips,
            "shape": list(dataset.shape),
            "classes": list(dataset.classes),
        },
        "train_images": len(task.train_indices),
        "validation_images": len(task.validation_indices),
        "versions": dict(conditions.versions),
        "device_name": conditions.device_name or None,
        "device_id": conditions.device_id or None,
        "cuda_graph": None if graph is None else asdict(graph),
        "cpus": conditions.cpus,
        "host": conditions.host,
        "pid": os.getpid(),
        "argv": list(request.argv),
        "created": request.created,
    }
    if task.config.source is not None:
        content["model"] = {**content["model"], "exact_resume": can_resume_exactly}
    write_json(run.run_json, content)


def command_of(request: Request) -> str:
    """The command that requests the same training, without options that have their default values."""
    config, usual = request.config, request.config.model.recipe(request.config.recipe)
    changed = {name: getattr(config.hyperparameters, field) for name, field in _CHANGES.items()}
    options = {name: value for name, value in changed.items() if value != getattr(usual, _CHANGES[name])}
    options |= {"recipe": config.recipe, "seed": config.seed, "limit": config.limit, "device": config.device}
    others = _other_changes(request, usual)
    options |= {"threads": config.threads, "data": request.data, "flip": others.pop("flip", "auto")}
    given = [f"--{name} {shlex.quote(str(value))}" for name, value in options.items() if value != _USUAL.get(name)]
    given += [f"--set {shlex.quote(f'{name}={value}')}" for name, value in others.items()]
    model = shlex.quote(config.source.argument) if config.source else config.version
    return " ".join([f"fmnist-tui train {model}", *given, *(["--no-test"] * (not config.score_test))])


def _other_changes(request: Request, usual: Hyperparameters) -> dict[str, str]:
    """Settings without an option of their own that differ from the recipe's, and flips, as they are typed."""
    config, own = request.config, request.config.hyperparameters
    if request.data in (None, DEMO):  # garments, for which 0.1.0 wrote what is left to the data as numbers
        usual, own = settle_for_fashion_mnist(usual), settle_for_fashion_mnist(own)
    values = {**asdict(own), **{f"{MODEL}{name}": value for name, value in config.model_options.items()}}
    known = asdict(usual)
    return {
        option.name: option.write(values[option.name])
        for option in options_for(config.model)
        if option.name in values and option.name not in _CHANGES.values()
        if option.name not in known or values[option.name] != known[option.name]
    }
