"""Measures the time to an accuracy: trains until all targets are reached, or reads the logs of runs made here."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any

import msgspec

from fmnist_tui.analysis.eligibility import Fingerprints, training_exclusion_reason
from fmnist_tui.analysis.leaderboard import Entry, EpochTime, Training
from fmnist_tui.data import Dataset
from fmnist_tui.host.node import host_name
from fmnist_tui.runs.conditions import conditions_here
from fmnist_tui.runs.event_log import LogReader
from fmnist_tui.runs.run import Run
from fmnist_tui.text import grouped, percent
from fmnist_tui.training import events
from fmnist_tui.training.config import TrainingConfig
from fmnist_tui.training.events import Event
from fmnist_tui.training.recipes import MODEL
from fmnist_tui.training.store import MemoryStore
from fmnist_tui.training.task import make_engine, make_task
from fmnist_tui.training.trainer import train

RECIPE = "tuned"
Report = Callable[[str, str], object]
"""Called after each log interval with what is trained ("v0, seed 0: epoch 2 of 12") and how far the epoch is."""
_SLOWED = {
    "gpu_shared": "shared its GPU with others",
    "too_many_threads": "had more threads than CPUs",
    "fewer_threads": "shared its CPUs with others",
}
"""Alerts after which a run's times aren't those of the machine."""


def measure(
    configs: Sequence[TrainingConfig],
    dataset: Dataset,
    targets: Sequence[float],
    report: Report,
    keep: Callable[[Entry], object],
) -> None:
    """Train one model in this process, without checkpoints and test scoring, until all targets are reached.

    Args:
        configs: One for each seed, with device and threads resolved.
        dataset: What it is trained on.
        targets: Validation accuracies, 0 to 1.
        report: For progress.
        keep: Called once with all trainings. If an exception, such as KeyboardInterrupt, ends the measurement, with
            those that have ended or reached a target by then, if there are any.
    """
    trainings: list[Training] = []
    try:
        for config in configs:
            epochs: list[EpochTime] = []
            complete = False
            try:
                complete = _train(config, dataset, max(targets), report, epochs)
            finally:
                training = Training(config.seed, tuple(epochs), complete)
                if complete or training.best_accuracy >= min(targets):
                    trainings.append(training)
    finally:
        if trainings:
            keep(_entry(configs[0], dataset, trainings))


def _train(config: TrainingConfig, dataset: Dataset, target: float, report: Report, epochs: list[EpochTime]) -> bool:
    """Append each epoch that ends; return whether training came to its end, not reaching the target before."""
    what = f"{config.version}, seed {config.seed}"
    report(what, "building network")
    task = make_task(config, dataset)
    engine = make_engine(task)
    best = 0.0
    for event in train(engine, task, lambda: None, MemoryStore()):
        if isinstance(event, events.StepMetrics):
            steps = f"step {grouped(event.step)} of {grouped(task.total_steps)}"
            accuracy = f", best validation accuracy {percent(best)}" if best else ""
            report(f"{what}: epoch {event.epoch} of {config.hyperparameters.epochs}", steps + accuracy)
        elif isinstance(event, events.Epoch):
            epochs.append(_epoch_time(event))
            best = max(best, event.validation_accuracy)
            if best >= target:
                return False
    return True


def _epoch_time(event: events.Epoch) -> EpochTime:
    return EpochTime(event.seconds, event.validation_seconds, event.validation_accuracy)


def _entry(config: TrainingConfig, dataset: Dataset, trainings: Sequence[Training]) -> Entry:
    here = conditions_here(config)
    return Entry(
        machine=here.host,
        date=datetime.now(UTC).isoformat(timespec="seconds"),
        model=config.version,
        code=config.source.sha256 if config.source else "",
        recipe=config.recipe,
        settings=_changed(config),
        data=dataset.name,
        data_fingerprint=dataset.train.fingerprint,
        device=here.device,
        device_name=here.device_name,
        threads=here.threads,
        versions=dict(here.versions),
        trainings=tuple(trainings),
    )


def _changed(config: TrainingConfig) -> dict[str, Any]:
    """The settings that differ from the recipe's, and those of the model that differ from its own, as JSON has them."""
    recipe = asdict(config.model.recipe(config.recipe))
    own = {name: value for name, value in asdict(config.hyperparameters).items() if value != recipe[name]}
    own |= {f"{MODEL}{name}": value for name, value in config.model_options.items()}
    return {name: list(value) if isinstance(value, tuple) else value for name, value in own.items()}


def undisturbed_epochs(log: Iterable[Event]) -> tuple[list[EpochTime], str]:
    """The epochs in the log of a completed run, and why their times can't be used, or "".

    An interrupted run may have trained an epoch in two parts, and whoever pauses a run uses the machine for something
    else.
    """
    epochs: list[events.Epoch] = []
    starts = 0
    for event in log:
        match event:
            case events.RunStarted():
                starts += 1
            case events.Resumed():
                return [], "interrupted"
            case events.Paused():
                return [], "paused"
            case events.Alert() if event.kind in _SLOWED:
                return [], _SLOWED[event.kind]
            case events.Epoch():
                epochs.append(event)
    if starts > 1:
        return [], "interrupted"
    if not epochs or [one.epoch for one in epochs] != list(range(1, len(epochs) + 1)):
        return [], "its log is incomplete"
    return [_epoch_time(one) for one in epochs], ""


@dataclass
class RunTimes:
    """What the logs of runs say.

    Attributes:
        entries: One for each model and device.
        excluded: Why other runs weren't used, by run id.
    """

    entries: list[Entry] = field(default_factory=list)
    excluded: dict[str, str] = field(default_factory=dict)


def times_of_runs(runs: Iterable[Run], data: Fingerprints) -> RunTimes:
    """The times in the logs of runs that were completed on this machine, without interruption or pause.

    The recipe must be the unmodified tuned one, on all training images of the data. Of each model and device, the
    newest run of each seed is used if it was made with the same versions of the libraries as the newest run.

    Args:
        runs: Newest first.
        data: The fingerprints of the data set.
    """
    times = RunTimes()
    found: dict[tuple[object, ...], list[Entry]] = {}
    for run in runs:
        read = _read(run, data)
        if isinstance(read, Entry):
            alike = found.setdefault(read.key, [])
            if read.versions != (alike or [read])[0].versions:
                read = "made with other versions of the libraries than the newest run"
            elif read.trainings[0].seed in [one.trainings[0].seed for one in alike]:
                read = "there is a newer run of its seed"
            else:
                alike.append(read)
                continue
        times.excluded[run.run_id] = read
    for alike in found.values():
        trainings = sorted((one.trainings[0] for one in alike), key=lambda training: training.seed)
        times.entries.append(msgspec.structs.replace(alike[0], trainings=tuple(trainings)))
    return times


def _read(run: Run, data: Fingerprints) -> Entry | str:
    """The run as an entry of its own, or why it can't be used."""
    manifest = run.manifest
    if reason := training_exclusion_reason(run, RECIPE, data):
        return reason
    if manifest.host != host_name():
        return f"made on {manifest.host or 'an unknown machine'}"
    if run.seed is None or len(run.devices) != 1:
        return "its seed or device is unknown"
    logged = list(LogReader(run.directory.events, steps=False))
    epochs, reason = undisturbed_epochs(one.event for one in logged)
    if reason:
        return reason
    return Entry(
        machine=manifest.host,
        date=datetime.fromtimestamp(logged[-1].time, UTC).isoformat(timespec="seconds"),
        model=run.version,
        code=run.code,
        recipe=run.recipe,
        data=run.data_name,
        data_fingerprint=run.fingerprints[0],
        device=manifest.device,
        device_name=manifest.device_name,
        threads=manifest.threads,
        versions=dict(manifest.versions),
        trainings=(Training(run.seed, tuple(epochs), complete=True, run=run.run_id),),
    )
