"""Training a run and writing down its events: the same in a trainer process and in a thread of the app."""

from __future__ import annotations

import os
import traceback
from collections.abc import Callable, Generator, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from fmnist_tui.data import DataError, Dataset
from fmnist_tui.errors import RunError
from fmnist_tui.files import exists, open_append, sweep_temporary
from fmnist_tui.host.filesystems import is_remote
from fmnist_tui.host.gpu import others_on, others_text
from fmnist_tui.host.gpus import query
from fmnist_tui.models.registry import BUILT_IN
from fmnist_tui.runs.access import refused
from fmnist_tui.runs.conditions import (
    ExactSteps,
    changes,
    conditions_at_start,
    conditions_here,
    inexact_text,
    too_many_threads,
)
from fmnist_tui.runs.control import Inbox
from fmnist_tui.runs.directory import RunDirectory
from fmnist_tui.runs.event_log import EventLog, LogReader
from fmnist_tui.runs.heartbeat import ticking
from fmnist_tui.runs.lock import Superseded, check_attempt
from fmnist_tui.runs.log_order import current
from fmnist_tui.runs.manifest import Manifest, read_manifest
from fmnist_tui.runs.model_code import check_code, inexact_code
from fmnist_tui.runs.notifications import Announcer
from fmnist_tui.runs.request import (
    Request,
    command_of,
    read_request,
    read_until,
    settled_config,
    uses_graph,
    write_run_json,
)
from fmnist_tui.runs.resources import ResourceMeter
from fmnist_tui.runs.resume import load_images
from fmnist_tui.runs.run import has_steps
from fmnist_tui.runs.run_writer import RunWriter, explain_error, first_line, is_out_of_gpu_memory
from fmnist_tui.runs.start import resolve_device
from fmnist_tui.training import events
from fmnist_tui.training.alerts import LossMonitor
from fmnist_tui.training.blas_threads import ThreadWatch, fewer_threads
from fmnist_tui.training.checkpoint import Checkpoint, CheckpointError, load_newest
from fmnist_tui.training.config import ConfigError, NoDeviceError, TrainingConfig
from fmnist_tui.training.engine import Engine
from fmnist_tui.training.events import Event, StageKind
from fmnist_tui.training.replay import replays_exactly
from fmnist_tui.training.streams import STREAM_NUMBER
from fmnist_tui.training.task import Task, announcements, make_engine, make_task
from fmnist_tui.training.trainer import train

if TYPE_CHECKING:
    from fmnist_tui.runs.queue.sharing import DeviceShare

_PACKAGE = Path(__file__).parents[1]
_MODELS = _PACKAGE / "models"
_FLUSH_SECONDS = 2.0
_NO_EXACT_RESUME = (
    "exact resume isn't available: a step that is replayed from saved parameters, buffers and optimiser has another "
    "result, so the model keeps state elsewhere, or its computation varies"
)
_NO_ROOM_FOR_ALL = (
    "the GPU's memory isn't enough for all runs on it: this one continues from its newest checkpoint once it has a GPU "
    "for itself"
)
_EXPECTED = (ConfigError, DataError, RunError)


@dataclass(frozen=True)
class Trainer:
    """Who trains a run, and on which device.

    Attributes:
        attempt: The trainer's number.
        inbox: The commands to it.
        turn: Waits for a device, for a run that is trained in the app: yields events, and returns the device and its
            key, or None if the run was stopped while it waited. None if the device has been acquired already.
        device: The acquired device, as in a configuration; "" for the one in the configuration.
        device_id: The GPU's key, or "".
        meter: Measures what the process uses, for the log.
        share: Tells how many runs share the device; None where that isn't known.
        requeue: Called after the run has run out of GPU memory: queues it again, and returns the event to log, or None
            if that wouldn't help.
    """

    attempt: int
    inbox: Inbox
    turn: Callable[[], Generator[Event, None, tuple[str, str] | None]] | None = None
    device: str = ""
    device_id: str = ""
    meter: ResourceMeter = field(default_factory=ResourceMeter)
    share: DeviceShare | None = None
    requeue: Callable[[], events.Queued | None] | None = None


def run_training(run: RunDirectory, trainer: Trainer) -> events.RunFinished | events.Queued:
    """Train a run to its end and log all events; return the last one, which is `Queued` if it has been queued again.

    Args:
        run: A run with a request, whose lock the caller holds. If it has checkpoints, training continues from the
            newest one.
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
        with closing(log), closing(trainer.meter), flushing(run.path, log):
            check()
            for whole in (run.run_json, run.model, run.snapshots, run.predictions, run.result):
                sweep_temporary(whole)
            watch, exact_steps = _primed(run)
            announcer = Announcer(run)
            for event in _guarded(run, trainer, exact_steps):
                if used := trainer.meter.sample():
                    log.append(used)
                log.append(event)
                for alert in watch.observe(event):
                    log.append(alert)
                if trainer.share and isinstance(event, events.StepMetrics) and (sharing := trainer.share.look()):
                    log.append(sharing)
                announcer.see(event)
                last = event
            log.sync()
    except Superseded as error:  # the log is another trainer's now
        _note(run, str(error))
        return events.RunFinished("failed", message=str(error))
    if isinstance(last, events.Queued):
        return last
    assert isinstance(last, events.RunFinished)  # noqa: S101 - `_guarded` ends with one in every other case
    announcer.end(last)
    return last


@contextmanager
def flushing(folder: Path, log: EventLog) -> Iterator[None]:
    """On a network file system, send what is logged to the server every two seconds: others see it only then."""
    if not is_remote(folder):
        yield
        return

    def flush() -> bool:
        log.flush_remote()
        return True

    try:
        with ticking(flush, _FLUSH_SECONDS, "flush"):
            yield
    finally:
        log.flush_remote()


def _primed(run: RunDirectory) -> tuple[LossMonitor, ExactSteps]:
    """The alerts' state after the events of the run's earlier trainers, and which of its steps are exact."""
    watch, exact_steps = LossMonitor(), ExactSteps()
    for logged in current(LogReader(run.events, steps=False)):
        watch.observe(logged.event)
        exact_steps.see(logged.event)
    return watch, exact_steps


def _guarded(run: RunDirectory, trainer: Trainer, exact_steps: ExactSteps) -> Iterator[Event]:
    """The run's events; any error becomes a last event that describes it."""
    try:
        yield from _events(run, trainer, exact_steps)
    except Superseded:
        raise
    except _EXPECTED as error:
        yield events.RunFinished("failed", resumable=True, message=str(error))
    except Exception as error:  # noqa: BLE001 - the edge of the trainer: the reason must reach the log
        _note(run, traceback.format_exc())
        if is_out_of_gpu_memory(error) and trainer.requeue and (queued := trainer.requeue()):
            yield events.Alert("out_of_memory", f"{_NO_ROOM_FOR_ALL} ({first_line(error)})")
            yield queued
            return
        message = explain_error(error) or f"{_line_of(run, error)}{type(error).__name__}: {first_line(error)}"
        yield events.RunFinished("failed", resumable=True, message=f"{message} (details: {run.train_log})")


def _line_of(run: RunDirectory, error: Exception) -> str:
    """The line of the model's code that raised an error, as "net.py:12: "; "" if it was none."""
    source = read_manifest(run).source
    if source is None:
        files = [(Path(frame.filename), frame.lineno) for frame in traceback.extract_tb(error.__traceback__)]
        own = [f"{file.relative_to(_PACKAGE.parent)}:{line}: " for file, line in files if _MODELS in file.parents]
        return own[-1] if own else ""
    from fmnist_tui.models.user_code import Place

    line = Place(source).line_of(error)
    return f"{line}: " if line else ""


def _note(run: RunDirectory, text: str) -> None:
    """Append to the trainer's log; a full disk must not hide the error being reported."""
    with suppress(OSError), open_append(run.train_log) as file:
        file.write(f"{text.rstrip()}\n".encode(errors="backslashreplace"))


def _events(run: RunDirectory, trainer: Trainer, exact_steps: ExactSteps) -> Iterator[Event]:
    try:
        request = read_request(run)
    except RunError:
        yield events.Stage(StageKind.LOADING_DATA)  # every trainer begins with it
        raise
    if trainer.turn is not None:
        free = yield from trainer.turn()
        if free is None:
            yield events.StopRequested("now")
            yield events.RunFinished("stopped", resumable=True)
            return
        trainer = replace(trainer, device=free[0], device_id=free[1])
    yield from _train(run, request, trainer, exact_steps)


def _train(run: RunDirectory, request: Request, trainer: Trainer, exact_steps: ExactSteps) -> Iterator[Event]:
    yield events.Stage(StageKind.LOADING_DATA)
    until = read_until(run)
    dataset = load_images(run, request.data)
    check_code(run)
    if request.config.model.needs_torch:
        yield events.Stage(StageKind.IMPORTING_PYTORCH)
    check = partial(check_attempt, run, trainer.attempt)
    check()
    began = conditions_at_start(run)
    task = _task(run, request, dataset, trainer.device)
    can_resume_exactly = True
    if began is None:
        task = yield from _on_fewer_threads(request, task)
        task, can_resume_exactly = yield from _check_model(task)
    now = conditions_here(task.config, trainer.device_id)
    yield from _left_out_gpu(request.config, task.config)
    if slow := too_many_threads(now):
        yield events.Alert("too_many_threads", slow)
    begun = has_steps(run)
    if begun:
        yield events.Stage(StageKind.READING_CHECKPOINT)
    else:
        yield from announcements(task, request.config.hyperparameters)
    start = _newest_checkpoint(run, request, check)
    task = _on_the_same_threads(task, start)
    if start is None and begun:
        yield events.Alert("no_checkpoint", "no checkpoint was saved, so training starts over from the first epoch")
    inexact = ""
    if began is not None:
        changed = changes(began, now, task.config, request.config.device) + inexact_code(read_manifest(run))
        inexact = inexact_text(began, now, changed, again=start is None)
    if inexact:
        yield events.Alert("resume_inexact", inexact)
    exact = not inexact and (start is None or exact_steps.is_exact(start.position.step))
    yield events.Stage(StageKind.BUILDING_NETWORK)
    engine = make_engine(task, graph=uses_graph(run))
    if began is None:
        write_run_json(run, request, task, now, can_resume_exactly=can_resume_exactly, graph=engine.graph)
    yield from _graph_use(engine)
    yield from _shared_gpu(task.config.device, trainer)
    with closing(RunWriter(run, task.config, check, exact=exact)) as keeper:
        watch = ThreadWatch(task.config.threads) if _chooses_threads(request) else None
        yield from train(engine, task, trainer.inbox, keeper, start, exact=exact, until=until, threads=watch)


def _chooses_threads(request: Request) -> bool:
    """Whether the run takes fewer threads than CPUs where those are faster: v0 may, if no number was named."""
    return request.config.threads == 0 and not request.config.model.needs_torch


def _on_fewer_threads(request: Request, task: Task) -> Generator[Event, None, Task]:
    fewer = fewer_threads(task.config.threads) if _chooses_threads(request) else None
    if fewer is None:
        return task
    yield events.Alert("fewer_threads", fewer.text)
    return task.with_threads(fewer.threads)


def _on_the_same_threads(task: Task, start: Checkpoint | None) -> Task:
    """The task on as many threads as the checkpoint's trainer would have gone on with, unless there are fewer here."""
    threads = start.position.threads if start else 0
    return task.with_threads(threads) if 0 < threads < task.config.threads else task


def _check_model(task: Task) -> Generator[Event, None, tuple[Task, bool]]:
    """Check a model that is not built in, at the run's first start: fused layers and exact resuming.

    Returns:
        The task, with the first check's result, and the second one's.
    """
    if task.config.version in BUILT_IN:
        return task, True
    yield events.Stage("replaying a step")
    from fmnist_tui.training.fused_check import check_fused_layers

    task = check_fused_layers(task)
    exact = replays_exactly(task)
    if not exact:
        yield events.Alert("no_exact_resume", _NO_EXACT_RESUME)
    return task, exact


def _graph_use(engine: Engine) -> Iterator[Event]:
    """A line on whether steps are replayed as a CUDA graph, on an NVIDIA GPU."""
    if engine.graph is not None:
        yield events.Stage("CUDA graph: used" if engine.graph.used else f"CUDA graph: not used, {engine.graph.reason}")


def _shared_gpu(device: str, trainer: Trainer) -> Iterator[Event]:
    """An alert if others use the GPU; checked once this process uses it: two that start together both see it.

    From now on the meter measures it: NVML has just worked, in a process of its own, so it won't hang this one.
    """
    if not device.startswith("cuda"):
        return
    key = trainer.device_id
    report = query({}) if key else query(os.environ)  # ours may be the only one that is visible here
    mine = next((gpu for gpu in report.visible if gpu.key == key or (not key and device == f"cuda:{gpu.index}")), None)
    if mine and not report.fault:
        trainer.meter.watch_gpu(mine.key)
    if mine and (text := others_text(mine, others_on(mine, {os.getpid()}))):
        yield events.Alert("gpu_shared", text)


def _left_out_gpu(asked: TrainingConfig, resolved: TrainingConfig) -> Iterator[Event]:
    """An alert with the reason why an existing GPU isn't used, where the best device was requested."""
    if not asked.model.needs_torch or asked.device != "auto" or resolved.device != "cpu":
        return
    from fmnist_tui.training.devices import count_gpus

    if why := count_gpus()[1]:
        yield events.Alert(
            "gpu_left_out", f"training on the CPU: {why}; run `fmnist-tui doctor` for advice about the GPU"
        )


def _on_claimed(config: TrainingConfig, device: str) -> TrainingConfig:
    """With the acquired GPU; its index may differ from the requested one if CUDA sees only this GPU."""
    if config.device.startswith("cuda") and device.startswith("cuda"):
        return replace(config, device=device)
    return config


def _newest_checkpoint(run: RunDirectory, request: Request, check: Callable[[], None]) -> Checkpoint | None:
    try:
        return load_newest(run.checkpoints, check)
    except CheckpointError as error:
        raise RunError(f"{error}, and there is no older one; start a new run with: {command_of(request)}") from error


def _task(run: RunDirectory, request: Request, dataset: Dataset, device: str) -> Task:
    """The task according to run.json, adapted to this machine; at the first start, according to the request."""
    if not exists(run.run_json):
        return make_task(resolve_device(_on_claimed(request.config, device), device or "cuda:0"), dataset)
    manifest = read_manifest(run)
    if not _is_complete(manifest) or manifest.fingerprints is None or manifest.window is None:
        advice = f"start a new run with: {command_of(request)}"
        raise RunError(f"{run.run_json} is damaged, so the run can't be resumed; {advice}")
    if manifest.random_stream != STREAM_NUMBER:
        why = "was started by another version of this program and can't be resumed bit for bit"
        raise RunError(f"run {run.run_id} {why}; start a new run with: {command_of(request)}")
    return make_task(_resolved_here(settled_config(run, request), device), dataset, manifest.window)


def _is_complete(manifest: Manifest) -> bool:
    """Whether run.json has a complete configuration."""
    try:
        manifest.config()
    except ConfigError:
        return False
    return manifest.is_settled


def _resolved_here(config: TrainingConfig, device: str) -> TrainingConfig:
    """The configuration of a resumed run on this machine: with its device, or the best one available."""
    gpu = device or "cuda:0"
    try:
        return resolve_device(_on_claimed(config, device), gpu)
    except NoDeviceError:
        return resolve_device(replace(config, device="auto"), gpu)
