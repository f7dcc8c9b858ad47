"""How long one waits where there is much: many runs, a long log."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
from tui.samples import write_log, write_run
from tui.terminal import installed_command

from benchmarks.bench import Bench
from benchmarks.measured import Measured, median_of
from benchmarks.measuring import Once, Rows
from benchmarks.rows.start import whole_command
from benchmarks.watching import app, memory_of
from fmnist_tui.files import write_json
from fmnist_tui.models.registry import BUILT_IN
from fmnist_tui.runs.directory import RunDirectory
from fmnist_tui.runs.event_log import Logged, encode
from fmnist_tui.training.events import Epoch, Event, RunFinished, RunStarted, StepMetrics

CURVE = re.compile(b"\xe2[\xa0-\xa3]")
"""The beginning of a braille character, which only charts have."""
_STEPS = 100
"""Log intervals of an epoch of the long log."""
_PATIENCE = 120.0


def measure(bench: Bench) -> Rows:
    """The group's rows."""
    many = Once(lambda: copied_runs(bench.folder / "many", bench.sizes.many_runs))
    most = Once(lambda: copied_runs(bench.folder / "most", bench.sizes.most_runs))
    log = Once(lambda: long_run(bench.folder / "long", bench.sizes.log_bytes))
    attached = Once(lambda: [attach(bench, log()) for _ in range(bench.sizes.attaches)])
    yield "results-many", lambda: _repeated(bench, partial(whole_command, bench, ("results",), many()))
    yield "runs-most", lambda: _repeated(bench, partial(whole_command, bench, ("runs",), most()))
    yield "attach-curve", lambda: median_of([seconds for seconds, _ in attached()])
    yield "attach-memory", lambda: median_of([float(memory) for _, memory in attached()])


def _repeated(bench: Bench, command: Callable[[], float]) -> Measured:
    command()
    return median_of([command() for _ in range(bench.sizes.attaches)])


def copied_runs(runs: Path, count: int) -> Path:
    """A folder with so many finished runs, which differ in their ids alone."""
    first = [write_run(runs, version) for version in BUILT_IN][:count]
    for number in range(len(first), count):
        run = first[number % len(first)]
        version, day, _, fraction = run.run_id.split("-")
        shutil.copytree(run.path, runs / f"{version}-{day}-{number // len(first):06d}-{fraction}")
    return runs


def scored_runs(runs: Path, images: int, classes: int) -> Path:
    """A folder with two runs that were scored on so many images of so many classes."""
    labels = np.arange(images) % classes
    for version, wrong in (("v0", images // 5), ("v1", images // 10)):
        run = write_run(runs, version)
        table = np.full((images, classes), 0.2 / (classes - 1), np.float32)
        table[np.arange(images), (labels + (np.arange(images) < wrong)) % classes] = 0.8
        kind = np.uint8 if classes <= 256 else np.uint16
        np.savez(run.predictions, allow_pickle=False, probabilities=table, labels=labels.astype(kind))
        manifest, result = (json.loads(file.read_text("utf-8")) for file in (run.run_json, run.result))
        manifest["data"] |= {"test_images": images, "classes": [f"class {number}" for number in range(classes)]}
        write_json(run.run_json, manifest)
        write_json(run.result, {**result, "test_accuracy": 1 - wrong / images, "test_images": images})
    return runs


def most_memory_of(bench: Bench, arguments: tuple[str, ...], runs: Path) -> int:
    """The most bytes (resident) that a command on a folder of runs held."""
    environment = {**bench.environment, "FMNIST_TUI_RUNS": str(runs)}
    process = subprocess.Popen([installed_command(), *arguments], env=environment, stdout=subprocess.DEVNULL)
    _, _, usage = os.wait4(process.pid, 0)
    process.returncode = 0  # it was waited for
    return usage.ru_maxrss * 1024


def long_run(runs: Path, size: int, steps: int = _STEPS) -> RunDirectory:
    """A finished run with a log of so many bytes: an epoch each `steps` log intervals."""
    run = write_run(runs)
    count = size // len(encode(Logged(_step(100_000, 1_000), 1e9, 100_000, 1)))
    epochs = max(1, count // steps)
    write_log(run, [RunStarted("v0", epochs * steps, steps, epochs, 266_610, 1)])
    with run.events.open("ab") as log:
        for number in range(1, epochs + 1):
            last = number * steps
            events: list[Event] = [_step(step, number) for step in range(last - steps + 1, last + 1)]
            events.append(Epoch(number, last, 0.8, 0.75, 0.7, 0.83, 0.35, 3.0, 0.5, is_best=number == 1))
            log.writelines(encode(Logged(event, 1e9 + number, number, 1)) for event in events)
        log.write(encode(Logged(RunFinished("completed", scored=True), 2e9, epochs + 1, 1)))
    return run


def _step(step: int, epoch: int) -> StepMetrics:
    return StepMetrics(step, epoch, 0.2 + 20 / (step + 9), 0.87654321, 0.05, 20_123.4)


def attach(bench: Bench, run: RunDirectory) -> tuple[float, int]:
    """Seconds from the start of `attach` to the first curve, and the most resident bytes while the log is read."""
    since, patience = time.perf_counter(), time.monotonic() + _PATIENCE
    with app(bench, "attach", run.run_id, "--runs", str(run.path.parent)) as terminal:
        while not CURVE.search(terminal.sent):
            assert time.monotonic() < patience, f"no curve is drawn; the screen:\n{terminal.text()}"
            terminal.sent_in(0.005)
        seconds, memory = time.perf_counter() - since, 0
        terminal.wait_for("finished")
        until = time.monotonic() + 2 * bench.sizes.settle_seconds
        while time.monotonic() < until:
            terminal.sent_in(0.05)
            memory = max(memory, memory_of(terminal.process.pid))
        return seconds, memory
