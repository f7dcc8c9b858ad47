"""Drives one training into its run directory: the same in a trainer process and in a thread of the app."""

from __future__ import annotations

import os
import threading
import traceback
from collections.abc import Callable, Generator, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from fmnist_tui.data import DataError, Dataset
from fmnist_tui.errors import RunError
from fmnist_tui.files import exists, open_append, read_json, sweep_temporary
from fmnist_tui.host.filesystems import is_remote
from fmnist_tui.host.gpu import others_on, others_text
from fmnist_tui.host.gpus import query_gpus
from fmnist_tui.runs.access import refused
from fmnist_tui.runs.conditions import (
    Course,
    changes,
    conditions_at_start,
    conditions_here,
    inexact_text,
    too_many_threads,
)
from fmnist_tui.runs.control import Inbox
from fmnist_tui.runs.directory import RunDirectory
from fmnist_tui.runs.event_log import EventLog, LogReader
from fmnist_tui.runs.lock import Superseded, check_attempt
from fmnist_tui.runs.log_order import current
from fmnist_tui.runs.request import Request, command_of, read_request, settled_config
from fmnist_tui.runs.resume import fingerprints_of, load_images
from fmnist_tui.runs.run_json import write_run_json
from fmnist_tui.runs.run_writer import RunKeeper, first_line, machine_fault
from fmnist_tui.runs.start_checks import resolved
from fmnist_tui.runs.summary import has_steps
from fmnist_tui.training import events
from fmnist_tui.training.alerts import LossMonitor
from fmnist_tui.training.checkpoint import Checkpoint, CheckpointError, load_newest
from fmnist_tui.training.config import ConfigError, NoDeviceError, TrainingConfig
from fmnist_tui.training.events import LOADING_STAGE, Event
from fmnist_tui.training.streams import STREAM_NUMBER
from fmnist_tui.training.task import Task, announcements, make_engine, make_task
from fmnist_tui.training.trainer import train

_FLUSH_SECONDS = 2.0
_EXPECTED = (ConfigError, DataError, RunError)


@dataclass(frozen=True)
class Trainer:
    """Who trains a run, and on what.

    Attributes:
        attempt: The trainer's number.
        inbox: What people ask of it.
        turn: Waits for a device, for a run that is trained in the app; yields what it has to say, returns the device
            and its key, or None where the run was stopped before its turn came. None where the device is already ours.
        device: The device that it has, as a configuration names it, "" for whatever the configuration says.
        device_id: The GPU's key, or "".
    """

    attempt: int
    inbox: Inbox
    turn: Callable[[], Generator[Event, None, tuple[str, str] | None]] | None = None
    device: str = ""
    device_id: str = ""


def drive(run: RunDirectory, trainer: Trainer) -> events.RunFinished:
    """Trains `run` to its end and writes each event down; returns the last one.

    Args:
        run: A run with a request, whose lock the caller holds. Where it has checkpoints, training goes on from the
            newest.
        trainer: The trainer's number, commands and device.
    """
    last: Event = events.RunFinished("failed")
    check = partial(check_attempt, run, trainer.attempt)
    try:
        log = EventLog(run.events, trainer.attempt, check)
    except OSError as error:
        message = str(refused(f"write {run.events}", run.path, error, f"fmnist-tui resume {run.run_id}"))
        _note(run, message)
        return events.RunFinished("failed", resumable=True, message=message)
    try:
        with closing(log), flushing(run.path, log):
            check()
            for whole in (run.run_json, run.model, run.predictions, run.result):
                sweep_temporary(whole)
            monitor, course = _primed(run)
            for event in _guarded(run, trainer, course):
                log.append(event)
                for alert in monitor.observe(event):
                    log.append(alert)
                last = event
            log.sync()
    except Superseded as error:  # nothing more may be written: the log is another trainer's
        _note(run, str(error))
        return events.RunFinished("failed", message=str(error))
    assert isinstance(last, events.RunFinished)  # noqa: S101 - `_guarded` ends with one in every case
    return last


@contextmanager
def flushing(folder: Path, log: EventLog) -> Iterator[None]:
    """On a network file system, sends what is logged to the server every two seconds: others see it only then."""
    if not is_remote(folder):
        yield
        return
    stop = threading.Event()

    def flush() -> None:
        while not stop.wait(_FLUSH_SECONDS):
            log.flush_remote()

    thread = threading.Thread(target=flush, name="flush", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
        log.flush_remote()


def _primed(run: RunDirectory) -> tuple[LossMonitor, Course]:
    """A loss monitor that has observed the events of the run's earlier trainers, and which of its steps are exact."""
    monitor, course = LossMonitor(), Course()
    for logged in current(LogReader(run.events, steps=False)):
        monitor.observe(logged.event)
        course.see(logged.event)
    return monitor, course


def _guarded(run: RunDirectory, trainer: Trainer, course: Course) -> Iterator[Event]:
    """The run's events; whatever goes wrong becomes a last event that says so."""
    try:
        yield from _events(run, trainer, course)
    except Superseded:
        raise
    except _EXPECTED as error:
        yield events.RunFinished("failed", resumable=True, message=str(error))
    except Exception as error:  # noqa: BLE001 - the edge of the trainer: the reason must reach the log
        _note(run, traceback.format_exc())
        message = machine_fault(error) or f"{type(error).__name__}: {first_line(error)}"
        yield events.RunFinished("failed", resumable=True, message=f"{message} (details: {run.train_log})")


def _note(run: RunDirectory, text: str) -> None:
    """Into the trainer's log; a full disk, which may be what went wrong, must not hide what did."""
    with suppress(OSError), open_append(run.train_log) as file:
        file.write(f"{text.rstrip()}\n".encode(errors="backslashreplace"))


def _events(run: RunDirectory, trainer: Trainer, course: Course) -> Iterator[Event]:
    try:
        request = read_request(run)
    except RunError:
        yield events.Stage(LOADING_STAGE)  # another trainer's first words, without which the last ones mean nothing
        raise
    if trainer.turn is not None:
        free = yield from trainer.turn()
        if free is None:
            yield events.StopRequested("now")
            yield events.RunFinished("stopped", resumable=True)
            return
        trainer = replace(trainer, device=free[0], device_id=free[1])
    yield from _train(run, request, trainer, course)


def _train(run: RunDirectory, request: Request, trainer: Trainer, course: Course) -> Iterator[Event]:
    yield events.Stage(LOADING_STAGE)
    dataset = load_images(run, request.data)
    if request.config.version != "v0":
        yield events.Stage("importing PyTorch")
    check = partial(check_attempt, run, trainer.attempt)
    check()
    began = conditions_at_start(run)
    task = _task(run, request, dataset, trainer.device)
    now = conditions_here(task.config, trainer.device_id)
    if began is None:
        write_run_json(run, request, task, now)
    yield from _left_out_gpu(request.config, task.config)
    if slow := too_many_threads(now):
        yield events.Alert("too_many_threads", slow)
    begun = has_steps(run)
    if begun:
        yield events.Stage("reading checkpoint")
    else:
        yield from announcements(task, request.config.hyperparameters)
    start = _newest_checkpoint(run, request, check)
    if start is None and begun:
        yield events.Alert("no_checkpoint", "nothing was saved yet, so training starts again from the first epoch")
    inexact = ""
    if began is not None:
        changed = changes(began, now, task.config, request.config.device)
        inexact = inexact_text(began, now, changed, again=start is None)
    if inexact:
        yield events.Alert("resume_inexact", inexact)
    exact = not inexact and (start is None or course.is_exact(start.position.step))
    yield events.Stage("building network")
    engine = make_engine(task)
    yield from _shared_gpu(task.config.device, trainer.device_id)
    with closing(RunKeeper(run, task.config, check, exact=exact)) as keeper:
        yield from train(engine, task, trainer.inbox, keeper, start, exact=exact)


def _shared_gpu(device: str, key: str) -> Iterator[Event]:
    """Reports who else uses the GPU; asked when this process is on it, so that of two who come at once each sees it."""
    if not device.startswith("cuda"):
        return
    known = query_gpus({}) if key else query_gpus(os.environ)  # ours may be the only one that is visible here
    mine = next((gpu for gpu in known if gpu.key == key or (not key and device == f"cuda:{gpu.index}")), None)
    if mine and (text := others_text(mine, others_on(mine, {os.getpid()}))):
        yield events.Alert("gpu_shared", text)


def _left_out_gpu(asked: TrainingConfig, resolved: TrainingConfig) -> Iterator[Event]:
    """Says why a GPU that is there trains nothing, where whatever is best was asked for."""
    if asked.version == "v0" or asked.device != "auto" or resolved.device != "cpu":
        return
    from fmnist_tui.training.devices import count_gpus

    if why := count_gpus()[1]:
        yield events.Alert(
            "gpu_left_out", f"trains on the CPU: {why}; `fmnist-tui doctor` says what to do about the GPU"
        )


def _on_claimed(config: TrainingConfig, device: str) -> TrainingConfig:
    """The GPU that the run has; its number may be another one than was asked for, where CUDA shows it alone."""
    if config.device.startswith("cuda") and device.startswith("cuda"):
        return replace(config, device=device)
    return config


def _newest_checkpoint(run: RunDirectory, request: Request, check: Callable[[], None]) -> Checkpoint | None:
    try:
        return load_newest(run.checkpoints, check)
    except CheckpointError as error:
        raise RunError(f"{error}, and there is no older one; start anew with: {command_of(request)}") from error


def _task(run: RunDirectory, request: Request, dataset: Dataset, device: str) -> Task:
    """The task as run.json fixed it, adapted to this machine, or, at the first start, as it will be fixed."""
    if not exists(run.run_json):
        return make_task(resolved(_on_claimed(request.config, device), device or "cuda:0"), dataset)
    known = read_json(run.run_json) or {}
    window = known.get("window")
    if not _is_whole(known) or fingerprints_of(run) is None or not isinstance(window, int):
        advice = f"start anew with: {command_of(request)}"
        raise RunError(f"{run.run_json} is damaged, so the run can't go on; {advice}")
    if known.get("random_stream") != STREAM_NUMBER:
        why = "was started by another version of this program and can't go on bit for bit"
        raise RunError(f"run {run.run_id} {why}; start anew with: {command_of(request)}")
    return make_task(_resolved_here(settled_config(run, request), device), dataset, window)


def _is_whole(record: dict[str, Any]) -> bool:
    """Whether run.json holds a configuration."""
    try:
        TrainingConfig.from_json(record)
    except ConfigError:
        return False
    return True


def _resolved_here(config: TrainingConfig, device: str) -> TrainingConfig:
    """What a run that was begun earlier trains with here: on its device, or, if that isn't here, on the best one."""
    place = device or "cuda:0"
    try:
        return resolved(_on_claimed(config, device), place)
    except NoDeviceError:
        return resolved(replace(config, device="auto"), place)
