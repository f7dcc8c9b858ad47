"""Trainers and the app in a pseudo-terminal, for the rows that need them live."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import pairwise

import psutil
from runs.trainers import Watch, running
from tui.terminal import Terminal, installed_command

from benchmarks.bench import Bench
from fmnist_tui.runs.directory import RunDirectory
from fmnist_tui.runs.event_log import Logged, LogReader
from fmnist_tui.runs.launch import launch
from fmnist_tui.runs.request import request_run
from fmnist_tui.training.events import Epoch, Stage, StepMetrics
from fmnist_tui.training.recipes import configure

SIZE = (120, 40)
_PATIENCE = 120.0
_FEWEST = 3
"""Windows in a span."""
_CLOCK = 1e-3
"""Seconds: as finely as the log tells time."""


@dataclass
class Pace:
    """How fast a live trainer is, by its log.

    Attributes:
        run: The run.
        batch_size: Images a step.
    """

    run: RunDirectory
    batch_size: int
    _reader: LogReader = field(init=False)

    def __post_init__(self) -> None:
        self._reader = LogReader(self.run.events)

    def images_per_second(self, spend: Callable[[], object]) -> float:
        """Over the windows that end while `spend` goes on, and for as long after as it takes to have a few.

        Windows across an epoch's end are left out: validation comes as it comes.
        """
        self._reader.read()
        spend()
        until = time.monotonic() + _PATIENCE
        log = self._reader.read()
        while len(windows := list(_windows(log))) < _FEWEST:
            assert time.monotonic() < until, f"{self.run.run_id} takes no steps"
            time.sleep(0.1)
            log += self._reader.read()
        steps = sum(_step(later) - _step(sooner) for sooner, later in windows)
        return steps * self.batch_size / max(_CLOCK, sum(later.time - sooner.time for sooner, later in windows))


@contextmanager
def endless_training(bench: Bench, version: str) -> Iterator[Pace]:
    """A trainer process that takes steps; it doesn't outlive the block."""
    batch_size = bench.batch_size
    changes = {"epochs": 10_000, "batch_size": batch_size}
    recipe = "tuned" if version == "v0" else "origin"
    config = configure(version, recipe, changes, device="cpu", threads=bench.threads)
    run = request_run(bench.runs, config, str(bench.data))
    with running(run):
        Watch(run).next(StepMetrics)
        yield Pace(run, batch_size)


@dataclass(frozen=True)
class Whole:
    """A training from start to result.

    Attributes:
        start: Seconds from the start of its process to the end of the first window.
        importing: Seconds of these that PyTorch's import took; 0 for v0.
        end: Seconds from the end of the last epoch to the end of the process.
        memory: The most bytes that it held (resident).
    """

    start: float
    importing: float
    end: float
    memory: int


def whole_training(bench: Bench, version: str) -> Whole:
    """A short training in a process of its own, looked at while it runs."""
    changes = {"epochs": bench.sizes.epochs, "batch_size": bench.batch_size}
    recipe = "tuned" if version == "v0" else "origin"
    config = configure(version, recipe, changes, device="cpu", threads=bench.threads, limit=bench.sizes.limit)
    run = request_run(bench.runs, config, str(bench.data))
    memory, begun = 0, time.time()
    process = launch(run)
    try:
        watched = psutil.Process(process.pid)
        while process.poll() is None:
            memory = max(memory, _memory(watched))
            time.sleep(0.02)
        ended = time.time()
    finally:
        process.kill()
        process.wait()
    log = LogReader(run.events).read()
    steps = [logged.time for logged in log if isinstance(logged.event, StepMetrics)]
    last = [logged.time for logged in log if isinstance(logged.event, Epoch)][-1]
    return Whole(steps[0] - begun, _importing(log), ended - last, memory)


def _importing(log: list[Logged]) -> float:
    """From the event that says so to the next one."""
    spans = (after.time - before.time for before, after in pairwise(log) if before.event == Stage("importing PyTorch"))
    return sum(spans)


def memory_of(pid: int) -> int:
    """Resident bytes."""
    return _memory(psutil.Process(pid))


def _memory(process: psutil.Process) -> int:
    try:
        return int(process.memory_info().rss)
    except psutil.Error:  # it has just ended
        return 0


@contextmanager
def app(bench: Bench, *arguments: str, size: tuple[int, int] = SIZE) -> Iterator[Terminal]:
    """The app in a terminal; the process doesn't outlive the block."""
    terminal = Terminal([installed_command(), *arguments], size, bench.environment)
    try:
        yield terminal
    finally:
        terminal.close()


@contextmanager
def attached(bench: Bench, run: RunDirectory, size: tuple[int, int] = SIZE) -> Iterator[Terminal]:
    """The app on the training screen, past its start."""
    with app(bench, "attach", run.run_id, size=size) as terminal:
        terminal.wait_for("Loss (")
        terminal.sent_in(bench.sizes.settle_seconds)
        yield terminal


def seconds_until(terminal: Terminal, text: bytes, since: float, first: int, patience: float = _PATIENCE) -> float:
    """Seconds from `since` (of time.perf_counter) until the app had sent the text, from byte `first` on.

    Raises:
        TimeoutError: The text didn't come within `patience` seconds.
    """
    until = time.monotonic() + patience
    while text not in terminal.sent[first:]:
        assert terminal.process.poll() is None, f"the app ended before it showed {text!r}"
        if time.monotonic() > until:
            raise TimeoutError(f"waited in vain for {text!r}; the screen:\n{terminal.text()}")
        terminal.sent_in(0.002)
    return time.perf_counter() - since


def _windows(log: list[Logged]) -> Iterator[tuple[Logged, Logged]]:
    """Windows' ends that follow each other within an epoch."""
    for sooner, later in pairwise(log):
        if isinstance(sooner.event, StepMetrics) and isinstance(later.event, StepMetrics):
            yield sooner, later


def _step(logged: Logged) -> int:
    assert isinstance(logged.event, StepMetrics)
    return logged.event.step
