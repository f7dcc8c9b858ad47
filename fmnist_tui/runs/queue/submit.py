"""Submitting runs: each starts at once where its device is free, and waits in the queue otherwise."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from fmnist_tui.data.location import DEMO
from fmnist_tui.errors import RunError
from fmnist_tui.host.gpu import Gpu
from fmnist_tui.host.node import available_cpus, cpu_set
from fmnist_tui.host.processes import python_environment
from fmnist_tui.paths import private_temporary_folder, state_folder
from fmnist_tui.runs.conditions import conditions_at_start
from fmnist_tui.runs.directory import RunDirectory
from fmnist_tui.runs.manifest import read_manifest
from fmnist_tui.runs.queue.devices import candidates, needed_device, title_of, visible_gpus
from fmnist_tui.runs.queue.dispatch import ensure_dispatcher, start_ready, write_queued
from fmnist_tui.runs.queue.options import QueueOptions, queue_options, settled_options
from fmnist_tui.runs.queue.store import Entry, Queue, enqueued, this_queue
from fmnist_tui.runs.request import Request, read_request, settled_config
from fmnist_tui.training.config import TrainingConfig


@dataclass
class Submitted:
    """The outcome of submitting runs.

    Attributes:
        started: The runs that were started, with their processes.
        queued: The runs that wait.
        failed: Why others could not be started, a line each.
        warning: A line on a queue that had to be put elsewhere or has no dispatcher, or on GPUs that are left to
            other people; else "".
        is_here: Whether they run on this machine.
    """

    started: dict[RunDirectory, subprocess.Popen[bytes]] = field(default_factory=dict)
    queued: list[RunDirectory] = field(default_factory=list)
    failed: dict[RunDirectory, str] = field(default_factory=dict)
    warning: str = ""
    is_here: bool = True


def submit(runs: Sequence[RunDirectory], options: QueueOptions | None = None) -> Submitted:
    """Start each run whose device is free, and queue the others; a dispatcher then waits for them.

    Args:
        runs: The runs.
        options: How to queue them; None for what the user's settings say.

    Raises:
        RunError: There is no writable folder for a queue, or the settings can't be used.
    """
    submitted = Submitted()
    options = options or queue_options()
    wanted: list[tuple[RunDirectory, Request]] = []
    for run in runs:
        try:
            wanted.append((run, read_request(run)))
        except RunError as error:
            submitted.failed[run] = str(error)
    gpus = visible_gpus([settled_config(run, request) for run, request in wanted])
    options = settled_options(options, gpus)
    queue, submitted.warning = usable_queue()
    with queue.locked():
        environment = queue.save_environment(python_environment())
        new = [new_entry(run, request, gpus, options, environment) for run, request in wanted]
        ours = {entry.run: entry for entry in new}
        queue.write(enqueued(queue.read(), new))
        dispatched = start_ready(queue, only=set(ours))
        submitted.started = dispatched.started
        submitted.failed |= dispatched.failed
        submitted.warning = submitted.warning or dispatched.warning
        waiting = {entry.run for entry in queue.read()}
        submitted.queued = [run for run, _ in wanted if str(run.path.absolute()) in waiting]
        for run in list(submitted.queued):
            try:
                write_queued(run, queue, ours[str(run.path.absolute())].needs)
            except RunError as error:  # without it the run would not be shown as queued
                submitted.failed[run] = str(error)
                submitted.queued.remove(run)
                waiting.remove(str(run.path.absolute()))
        if submitted.failed:
            queue.write([entry for entry in queue.read() if entry.run in waiting])
        if waiting:
            try:
                ensure_dispatcher(queue)
            except OSError as error:
                why = f"the process that waits for the device can't be started ({error.strerror})"
                submitted.warning = f"{why}; any later command starts it"
    return submitted


def new_entry(
    run: RunDirectory,
    request: Request,
    gpus: Sequence[Gpu],
    options: QueueOptions,
    environment: str = "",
    in_app: str = "",
    **changes: Any,
) -> Entry:
    """The queue's entry for a run that this process requests; `changes` are further fields of it."""
    config, start, count = settled_config(run, request), conditions_at_start(run), available_cpus()
    keys = candidates(config, gpus, start, request.config.device)
    umask = os.umask(0o077)
    os.umask(umask)
    return Entry(
        run=str(run.path.absolute()),
        created=request.created,
        needs=needed_device(config, has_gpus=bool(gpus)) if start is None else title_of(keys),
        gpus=keys,
        cpus=cpu_set(),
        cpu_count=count,
        threads=0 if keys else min(config.threads or count, count),
        in_app=in_app,
        python=sys.executable,
        environment=environment,
        umask=umask,
        nice=os.nice(0),
        any_threads=start is None and not request.config.threads,
        per_gpu=options.per_gpu,
        avoid_busy=bool(options.avoid_busy),
        cpu_slots=options.cpu_slots,
        after=options.after,
        model=_model(config),
        images=_images(run, request, config),
        **changes,
    )


def _model(config: TrainingConfig) -> str:
    """What the memory and the speed of a training depend on."""
    settings = config.hyperparameters
    parts = [config.version, f"batch size {settings.batch_size}"]
    parts += [settings.precision] if settings.precision != "float32" else []
    return ", ".join([*parts, *(f"{name}={value}" for name, value in sorted(config.model_options.items()))])


def _images(run: RunDirectory, request: Request, config: TrainingConfig) -> int:
    """The number of training images in all epochs; 0 where it isn't known before the images are read."""
    usual = {None: 60_000, DEMO: 2_000}.get(request.data, 0)
    images = read_manifest(run).train_images or round(0.9 * (config.limit or usual))
    return images * config.hyperparameters.epochs


def usable_queue() -> tuple[Queue, str]:
    """The queue, and a warning if its folder can't be written: then the queue is in a private temporary folder.

    Raises:
        RunError: Neither can be written.
    """
    queue = this_queue(state_folder())
    try:
        with queue.locked():
            queue.write(queue.read())  # a full disk is noticed before anything is started
    except RunError as error:
        return this_queue(private_temporary_folder()), f"{error}; until then it is in a temporary folder"
    return queue, ""
