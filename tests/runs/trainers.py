"""Real trainers for the tests: small configurations, starting, watching, comparing what was learnt."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import numpy as np
import safetensors.numpy
from waiting import wait_until

from fmnist_tui.runs.directory import RunDirectory
from fmnist_tui.runs.event_log import Logged, LogReader
from fmnist_tui.runs.fold import read_snapshot
from fmnist_tui.runs.launch import launch
from fmnist_tui.runs.request import request_run
from fmnist_tui.training.checkpoint import checkpoint_folders
from fmnist_tui.training.config import TrainingConfig
from fmnist_tui.training.engine import Tensors
from fmnist_tui.training.events import Event, RunFinished
from fmnist_tui.training.recipes import configure

PATIENCE = 40.0
"""Seconds that a trainer may take to do what it should; others use the machine too."""

SHORT_V0 = configure("v0", "tuned", {"epochs": 3, "batch_size": 4}, seed=7, threads=1)
"""Three epochs of 450 steps in windows of 4, the last of an epoch shorter; about a second."""

ENDLESS_V0 = configure("v0", "tuned", {"epochs": 10_000, "batch_size": 16}, threads=1)
"""Nobody waits for its end."""

SHORT_V3 = configure("v3", "tuned", {"epochs": 2, "batch_size": 4}, seed=7, limit=100, device="cpu", threads=1)
"""Two epochs of 23 steps, with dropout and augmentation; about a second beside the import of PyTorch."""

FILES = {
    "request.json",
    "run.json",
    "events.jsonl",
    "lock",
    "heartbeat",
    "checkpoints",
    "model.safetensors",
    "snapshots.safetensors",
    "predictions.npz",
    "result.json",
    "train.log",
}
"""What a finished run's folder holds."""

E = TypeVar("E", bound=Event)


def request(runs: Path, config: TrainingConfig) -> RunDirectory:
    """A run on the demo set that nobody trains yet."""
    return request_run(runs, config, "demo")


def finish(run: RunDirectory) -> int:
    """Trains the run in a process of its own; returns its exit status."""
    with running(run) as trainer:
        return trainer.wait(PATIENCE)


@contextmanager
def running(run: RunDirectory) -> Iterator[subprocess.Popen[bytes]]:
    """A live trainer process; it doesn't outlive the block."""
    trainer = launch(run)
    try:
        yield trainer
    finally:
        trainer.kill()
        trainer.wait()


class Watch:
    """Reads a run's log as it grows."""

    def __init__(self, run: RunDirectory) -> None:
        self._reader = LogReader(run.events)
        self._unread: deque[Logged] = deque()

    def next(self, kind: type[E]) -> E:
        """Waits for the next event of this kind; those before it are passed over."""
        until = time.monotonic() + PATIENCE
        while True:
            self._unread.extend(self._reader.read())
            while self._unread:
                event = self._unread.popleft().event
                if isinstance(event, kind):
                    return event
                assert not isinstance(event, RunFinished), f"the run ended before a {kind.__name__}: {event}"
            assert time.monotonic() < until, f"waited in vain for a {kind.__name__}"
            time.sleep(0.01)

    def new(self) -> list[Event]:
        """What was written since the last call, without waiting."""
        unread = [*self._unread, *self._reader.read()]
        self._unread.clear()
        return [logged.event for logged in unread]


def learning(run: RunDirectory) -> dict[str, Any]:
    """What a reader of the log sees of the learning itself, without times and speeds."""
    snapshot = read_snapshot(run)
    columns = ("step", "epoch", "loss", "accuracy", "learning_rate")
    curve = {name: getattr(snapshot.curve, name).tolist() for name in columns}
    return {
        **curve,
        "epochs": [msgspec.structs.replace(epoch, seconds=0.0, validation_seconds=0.0) for epoch in snapshot.epochs],
        "dynamics": snapshot.dynamics,
    }


def copy_of(run: RunDirectory, runs: Path) -> RunDirectory:
    """A copy of the run in another runs folder, where a test may change it."""
    copied = RunDirectory(runs / run.run_id)
    shutil.copytree(run.path, copied.path)
    return copied


def read_weights(run: RunDirectory) -> Tensors:
    """The weights that were scored."""
    tensors: Tensors = safetensors.numpy.load(run.model.read_bytes())
    return tensors


def weights_differ(one: RunDirectory, other: RunDirectory) -> list[str]:
    """The tensors of the two scored models that are not equal bit for bit."""
    mine, yours = read_weights(one), read_weights(other)
    return [name for name in mine.keys() | yours.keys() if not np.array_equal(mine[name], yours[name])]


def checkpoint_steps(run: RunDirectory) -> list[int]:
    """The steps of the checkpoints on the disk, newest first."""
    return [int(folder.name.removeprefix("step-")) for folder in checkpoint_folders(run.checkpoints)]


def events_of(run: RunDirectory) -> list[Event]:
    """The whole log."""
    return [logged.event for logged in LogReader(run.events).read()]


def time_of(run: RunDirectory, kind: type[Event]) -> float:
    """When the first event of this kind was logged, in Unix seconds."""
    return next(logged.time for logged in LogReader(run.events).read() if isinstance(logged.event, kind))


def change(path: Path, edit: Callable[[dict[str, Any]], None]) -> None:
    """Rewrites a JSON file."""
    record = json.loads(path.read_text())
    edit(record)
    path.write_text(json.dumps(record))


def one_line(finished: RunFinished) -> str:
    """The message of a failure that can be mended; it is one line."""
    assert finished.reason == "failed"
    assert finished.resumable
    assert len(finished.message.splitlines()) == 1
    return finished.message


def assert_undisturbed(run: RunDirectory, reference: RunDirectory) -> None:
    """Log, weights, predictions and snapshots are those of a run that nothing befell."""
    assert learning(run) == learning(reference)
    assert not weights_differ(run, reference)
    assert run.predictions.read_bytes() == reference.predictions.read_bytes()
    assert run.snapshots.read_bytes() == reference.snapshots.read_bytes()


def kill_somewhere(run: RunDirectory, chance: np.random.Generator) -> None:
    """Starts a trainer and kills it soon after its first word, often while it writes a checkpoint."""
    before = log_size(run)
    with running(run) as trainer:
        wait_until(lambda: log_size(run) > before or trainer.poll() is not None, "the trainer logged something")
        time.sleep(chance.uniform(0.0, 0.6))
        if chance.random() < 0.7:
            trainer.send_signal(signal.SIGUSR1)
            time.sleep(chance.uniform(0.0, 0.03))


def log_size(run: RunDirectory) -> int:
    return run.events.stat().st_size if run.events.exists() else 0
