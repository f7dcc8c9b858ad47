"""Drives one training into its run directory: the same in a trainer process and in a thread of the app."""

from __future__ import annotations

import time
import traceback
from collections.abc import Generator, Iterator
from contextlib import closing, suppress
from dataclasses import replace

from fmnist_tui.data import DataError, Dataset, load
from fmnist_tui.files import read_json
from fmnist_tui.runs.control import Inbox
from fmnist_tui.runs.cpus import available_cpus
from fmnist_tui.runs.directory import RunDirectory, RunError
from fmnist_tui.runs.event_log import EventLog
from fmnist_tui.runs.keeper import RunKeeper
from fmnist_tui.runs.places import cache_folder
from fmnist_tui.runs.queue import device_to_wait_for, holding, take_turn
from fmnist_tui.runs.request import Request, read_request
from fmnist_tui.runs.run_json import write_run_json
from fmnist_tui.runs.status import QUEUED_STAGE
from fmnist_tui.training import events
from fmnist_tui.training.checkpoint import CheckpointError, read_newest
from fmnist_tui.training.config import ConfigError, TrainingConfig, check_device
from fmnist_tui.training.control import Command
from fmnist_tui.training.events import Event
from fmnist_tui.training.streams import STREAM_NUMBER
from fmnist_tui.training.task import Task, make_engine, make_task
from fmnist_tui.training.trainer import train

_TURN_POLL = 0.2
_EXPECTED = (ConfigError, DataError, CheckpointError, RunError)


def drive(run: RunDirectory, inbox: Inbox) -> events.RunFinished:
    """Trains `run` to its end and writes each event down; returns the last one.

    Args:
        run: A run with a request, whose lock the caller holds. Where it has checkpoints, training goes on from the
            newest.
        inbox: What people ask of the trainer.
    """
    last: Event = events.RunFinished("failed")
    try:
        log = EventLog(run.events)
    except OSError as error:
        message = f"can't write {run.events} ({error.strerror})"
        _note(run, message)
        return events.RunFinished("failed", resumable=True, message=message)
    with closing(log):
        for event in _guarded(run, inbox):
            log.append(event)
            last = event
        log.sync()
    assert isinstance(last, events.RunFinished)  # noqa: S101 - `_guarded` ends with one in every case
    return last


def _guarded(run: RunDirectory, inbox: Inbox) -> Iterator[Event]:
    """The run's events; whatever goes wrong becomes a last event that says so."""
    try:
        yield from _events(run, inbox)
    except _EXPECTED as error:
        yield events.RunFinished("failed", resumable=True, message=str(error))
    except Exception as error:  # noqa: BLE001 - the edge of the trainer: the reason must reach the log
        _note(run, traceback.format_exc())
        yield events.RunFinished(
            "failed", resumable=True, message=f"{type(error).__name__}: {_first_line(error)} (details: {run.train_log})"
        )


def _note(run: RunDirectory, text: str) -> None:
    """Into the trainer's log; a full disk, which may be what went wrong, must not hide what did."""
    with suppress(OSError), run.train_log.open("a") as file:
        file.write(f"{text.rstrip()}\n")


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [""])[0]


def _events(run: RunDirectory, inbox: Inbox) -> Iterator[Event]:
    request = read_request(run)
    turn = yield from _wait_for_turn(run, request.config, inbox)
    if turn is None:
        yield events.StopRequested("now")
        yield events.RunFinished("stopped", resumable=True)
        return
    with holding(turn):
        yield from _train(run, request, inbox)


def _wait_for_turn(run: RunDirectory, config: TrainingConfig, inbox: Inbox) -> Generator[Event, None, int | None]:
    """Waits until the device is free; None where somebody asked to stop first."""
    said = False
    later: list[Command] = []
    while True:
        while command := inbox():
            if command in (Command.STOP_NOW, Command.STOP_AFTER_EPOCH):
                return None
            later.append(command)
        if (turn := take_turn(run, config)) is not None:
            break
        if not said:
            yield events.Stage(f"{QUEUED_STAGE}{device_to_wait_for(config)}")
            said = True
        time.sleep(_TURN_POLL)
    for command in later:
        inbox.put(command)
    return turn


def _train(run: RunDirectory, request: Request, inbox: Inbox) -> Iterator[Event]:
    yield events.Stage("loading data")
    dataset = load(request.data, cache_folder())
    dataset.verify()
    if request.config.version != "v0":
        yield events.Stage("importing PyTorch")
    task = _task(run, request, dataset)
    yield events.Stage("reading checkpoint")
    start = read_newest(run.checkpoints)
    yield events.Stage("building network")
    engine = make_engine(task)
    with closing(RunKeeper(run, task.config)) as keeper:
        yield from train(engine, task, inbox, keeper, start)


def _task(run: RunDirectory, request: Request, dataset: Dataset) -> Task:
    """The task as run.json fixed it, or, at the first start, as it will."""
    known = read_json(run.run_json)
    if known is None and run.run_json.exists():
        raise RunError(f"{run.run_json} is damaged, so the run can't go on; start a new one")
    if known is None:
        task = make_task(_resolved(request.config), dataset)
        write_run_json(run, request, task)
        return task
    data = known.get("data", {})
    if (data.get("train_fingerprint"), data.get("test_fingerprint")) != dataset.fingerprints:
        advice = "put its images back there, or start a new run"
        raise RunError(f"run {run.run_id} was trained on other data than {dataset.source} holds now; {advice}")
    if known.get("random_stream") != STREAM_NUMBER:
        raise RunError(f"run {run.run_id} was started by another version of this program and can't go on bit for bit")
    return make_task(_resolved(TrainingConfig.from_json(known)), dataset, int(known["window"]))


def _resolved(config: TrainingConfig) -> TrainingConfig:
    check_device(config.version, config.device)
    device = "cpu"
    if config.version != "v0":
        from fmnist_tui.training.devices import resolve

        device = resolve(config.device)
    return replace(config, device=device, threads=config.threads or available_cpus())
