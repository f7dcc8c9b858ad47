"""Drives one training into its run directory: the same in a trainer process and in a thread of the app."""

from __future__ import annotations

import time
import traceback
from collections.abc import Generator, Iterator
from contextlib import closing, suppress

from fmnist_tui.data import DataError, Dataset, load
from fmnist_tui.files import read_json, sweep_temporary
from fmnist_tui.runs.control import Inbox
from fmnist_tui.runs.directory import RunDirectory, RunError
from fmnist_tui.runs.event_log import EventLog, LogReader
from fmnist_tui.runs.faults import first_line, machine_fault
from fmnist_tui.runs.keeper import RunKeeper
from fmnist_tui.runs.lock import holding
from fmnist_tui.runs.places import cache_folder
from fmnist_tui.runs.queue import Turn, device_to_wait_for, settled_config, take_turn
from fmnist_tui.runs.request import Request, command_of, read_request
from fmnist_tui.runs.resolving import resolved
from fmnist_tui.runs.run_json import write_run_json
from fmnist_tui.runs.status import LOADING_STAGE, QUEUED_STAGE
from fmnist_tui.runs.summary import has_steps
from fmnist_tui.training import events
from fmnist_tui.training.alerts import Watch
from fmnist_tui.training.announcing import announcements
from fmnist_tui.training.checkpoint import Checkpoint, CheckpointError, take_newest
from fmnist_tui.training.config import ConfigError, TrainingConfig
from fmnist_tui.training.control import Command
from fmnist_tui.training.events import Event
from fmnist_tui.training.streams import STREAM_NUMBER
from fmnist_tui.training.task import Task, make_engine, make_task
from fmnist_tui.training.trainer import train

_TURN_POLL = 0.2
_EXPECTED = (ConfigError, DataError, RunError)


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
        message = f"can't write {run.events} ({error.strerror}); see to that, then: fmnist-tui resume {run.run_id}"
        _note(run, message)
        return events.RunFinished("failed", resumable=True, message=message)
    for whole in (run.run_json, run.model, run.predictions, run.result):
        sweep_temporary(whole)
    with closing(log):
        watch = _primed(run)
        for event in _guarded(run, inbox):
            log.append(event)
            for alert in watch.see(event):
                log.append(alert)
            last = event
        log.sync()
    assert isinstance(last, events.RunFinished)  # noqa: S101 - `_guarded` ends with one in every case
    return last


def _primed(run: RunDirectory) -> Watch:
    """A watch that has seen what earlier trainers of the run told."""
    watch = Watch()
    for logged in LogReader(run.events).read():
        watch.see(logged.event)
    return watch


def _guarded(run: RunDirectory, inbox: Inbox) -> Iterator[Event]:
    """The run's events; whatever goes wrong becomes a last event that says so."""
    try:
        yield from _events(run, inbox)
    except _EXPECTED as error:
        yield events.RunFinished("failed", resumable=True, message=str(error))
    except Exception as error:  # noqa: BLE001 - the edge of the trainer: the reason must reach the log
        _note(run, traceback.format_exc())
        message = machine_fault(error) or f"{type(error).__name__}: {first_line(error)}"
        yield events.RunFinished("failed", resumable=True, message=f"{message} (details: {run.train_log})")


def _note(run: RunDirectory, text: str) -> None:
    """Into the trainer's log; a full disk, which may be what went wrong, must not hide what did."""
    with suppress(OSError), run.train_log.open("a") as file:
        file.write(f"{text.rstrip()}\n")


def _events(run: RunDirectory, inbox: Inbox) -> Iterator[Event]:
    try:
        request = read_request(run)
    except RunError:
        yield events.Stage(LOADING_STAGE)  # another trainer's first words, without which the last ones mean nothing
        raise
    turn = yield from _wait_for_turn(run, settled_config(run, request), inbox)
    if turn is None:
        yield events.StopRequested("now")
        yield events.RunFinished("stopped", resumable=True)
        return
    with holding(turn.handle):
        yield from _train(run, request, inbox, turn.place)


def _wait_for_turn(run: RunDirectory, config: TrainingConfig, inbox: Inbox) -> Generator[Event, None, Turn | None]:
    """Waits until a device is free; None where somebody asked to stop first."""
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


def _train(run: RunDirectory, request: Request, inbox: Inbox, place: str) -> Iterator[Event]:
    yield events.Stage(LOADING_STAGE)
    dataset = load(request.data, cache_folder(), verify=True)
    if request.config.version != "v0":
        yield events.Stage("importing PyTorch")
    task = _task(run, request, dataset, place)
    yield from _left_out_gpu(request.config, task.config)
    begun = has_steps(run)
    if begun:
        yield events.Stage("reading checkpoint")
    else:
        yield from announcements(task, request.config.hyperparameters)
    start = _newest_checkpoint(run, request)
    if start is None and begun:
        yield events.Alert("no_checkpoint", "nothing was saved yet, so training starts again from the first epoch")
    yield events.Stage("building network")
    engine = make_engine(task)
    with closing(RunKeeper(run, task.config)) as keeper:
        yield from train(engine, task, inbox, keeper, start)


def _left_out_gpu(asked: TrainingConfig, resolved: TrainingConfig) -> Iterator[Event]:
    """Says why a GPU that is there trains nothing, where whatever is best was asked for."""
    if asked.version == "v0" or asked.device != "auto" or resolved.device != "cpu":
        return
    from fmnist_tui.training.devices import count_gpus

    if why := count_gpus()[1]:
        yield events.Alert(
            "gpu_left_out", f"trains on the CPU: {why}; `fmnist-tui doctor` says what to do about the GPU"
        )


def _newest_checkpoint(run: RunDirectory, request: Request) -> Checkpoint | None:
    try:
        return take_newest(run.checkpoints)
    except CheckpointError as error:
        raise RunError(f"{error}, and there is no older one; start anew with: {command_of(request)}") from error


def _task(run: RunDirectory, request: Request, dataset: Dataset, place: str) -> Task:
    """The task as run.json fixed it, or, at the first start, as it will."""
    if not run.run_json.exists():
        task = make_task(resolved(request.config, place), dataset)
        write_run_json(run, request, task)
        return task
    known = read_json(run.run_json) or {}
    data, window = known.get("data"), known.get("window")
    try:
        config = TrainingConfig.from_json(known)
    except ConfigError:
        config = None
    if config is None or not isinstance(data, dict) or not isinstance(window, int):
        advice = f"start anew with: {command_of(request)}"
        raise RunError(f"{run.run_json} is damaged, so the run can't go on; {advice}")
    if (data.get("train_fingerprint"), data.get("test_fingerprint")) != dataset.fingerprints:
        advice = "put its images back there, or start a new run"
        raise RunError(f"run {run.run_id} was trained on other data than {dataset.source} holds now; {advice}")
    if known.get("random_stream") != STREAM_NUMBER:
        why = "was started by another version of this program and can't go on bit for bit"
        raise RunError(f"run {run.run_id} {why}; start anew with: {command_of(request)}")
    try:
        return make_task(resolved(config, place), dataset, window)
    except ConfigError as error:
        advice = f"go on where it can be, or start anew with: {command_of(request)}"
        raise RunError(f"run {run.run_id} can't be trained on {config.device} here ({error}); {advice}") from error
