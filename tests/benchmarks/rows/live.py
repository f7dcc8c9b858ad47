"""What the live screen costs, says and takes."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Collection, Mapping
from functools import partial
from pathlib import Path

import psutil
from tui.distant import Answer, DistantTerminal
from tui.terminal import Terminal, installed_command

from benchmarks.bench import Bench
from benchmarks.keys import time_keys
from benchmarks.measured import Measured, median_of, percentile_of
from benchmarks.measuring import Once, Rows
from benchmarks.pairs import in_pairs
from benchmarks.watching import SIZE, Pace, attached, endless_training, memory_of
from fmnist_tui.host.node import available_cpus

_PERCENT = 95
_SLOW = {"round_trip": 0.2, "bytes_per_second": 10e3}
REFERENCE = Path(__file__).parents[3] / "assets" / "reference" / "runs"


def measure_v0(bench: Bench) -> Rows:
    """The rows of v0's live screen."""
    with endless_training(bench, "v0") as pace:
        cost = Once(partial(_cost, bench, pace))
        yield "v0-live", lambda: cost()[0]
        yield "bytes-live", lambda: median_of([look.bytes_per_second for look in cost()[1]])
        yield "app-memory", lambda: median_of([float(look.memory) for look in cost()[1]])
        effective = Once(partial(_effective, bench))
        near = Once(lambda: _answers(bench, effective()))
        far = Once(lambda: _answers(bench, effective(), **_SLOW))
        yield "key", lambda: _latency(near(), lambda answer: answer.whole)
        yield "key-first", lambda: _latency(near(), lambda answer: answer.first)
        yield "key-far", lambda: _latency(far(), lambda answer: answer.first)
        yield "key-bytes", lambda: median_of([float(answer.size) for answer in near().values()])


def measure_v3(bench: Bench) -> Rows:
    """What the live screen costs v3."""
    with endless_training(bench, "v3") as pace:
        yield "v3-live", lambda: _cost(bench, pace)[0]


class Look:
    """A span of the app on the training screen.

    Attributes:
        bytes_per_second: What it sent to the terminal.
        memory: Resident bytes at the end.
        fraction: Of the machine's CPU time that the app took.
    """

    def __init__(self, terminal: Terminal, seconds: float) -> None:
        process, begun = psutil.Process(terminal.process.pid), time.perf_counter()
        before = sum(process.cpu_times()[:2])
        sent = len(terminal.sent_in(seconds))
        passed = time.perf_counter() - begun
        self.bytes_per_second = sent / passed
        self.memory = memory_of(terminal.process.pid)
        self.fraction = (sum(process.cpu_times()[:2]) - before) / passed / available_cpus()


def _cost(bench: Bench, pace: Pace) -> tuple[Measured, list[Look]]:
    """The fraction of the machine that the app takes while it shows the run, and what was seen of it meanwhile.

    What the training loses is in the note: on a shared machine, its noise is larger than the loss.
    """
    seen: list[Look] = []
    seconds = bench.sizes.live_seconds

    def with_app() -> float:
        with attached(bench, pace.run) as terminal:
            terminal.sent_in(3 * bench.sizes.settle_seconds)  # screens are built ahead
            return pace.images_per_second(lambda: seen.append(Look(terminal, seconds)))

    def without() -> float:
        time.sleep(bench.sizes.settle_seconds)
        return pace.images_per_second(lambda: time.sleep(seconds))

    pairs = in_pairs(with_app, without, bench.sizes.live_pairs)
    lost = median_of([1 - shown / headless for shown, headless in pairs])
    alone = median_of([pair[1] for pair in pairs]).value
    note = f"{alone:,.0f} images/s headless, of which it loses {lost.value:.1%} ({lost.low:.1%} to {lost.high:.1%})"
    return median_of([look.fraction for look in seen], note), seen


def _answers(bench: Bench, effective: Collection[str], **line: float) -> dict[str, Answer]:
    """The answers to all keys, by their names, with the reference runs beside the one that is being trained.

    Keys that show nothing are left out: what follows them is what the training shows next.
    """
    for run in REFERENCE.iterdir():
        shutil.copytree(run, bench.runs / run.name, dirs_exist_ok=True)
    found = {}
    for number, (name, answer) in enumerate(_pressed(bench, bench.environment, bench.sizes.presses, **line)):
        if name in effective:
            found[f"{name} {number}"] = answer
    return found


def _effective(bench: Bench) -> set[str]:
    """The names of the keys that are answered where nothing is trained."""
    runs = bench.folder / "reference"
    shutil.copytree(REFERENCE, runs, dirs_exist_ok=True)
    return {name for name, _ in _pressed(bench, {**bench.environment, "FMNIST_TUI_RUNS": str(runs)}, 1)}


def _pressed(bench: Bench, environment: dict[str, str], rounds: int, **line: float) -> list[tuple[str, Answer]]:
    terminal = DistantTerminal([installed_command()], SIZE, environment, **line)
    try:
        terminal.wait_for("Quit")
        terminal.sent_in(6 * bench.sizes.settle_seconds)  # screens are built ahead; a live run never lets it be silent
        sizes = bench.sizes
        return [one for _ in range(rounds) for one in time_keys(terminal, sizes.between_seconds, sizes.screens)]
    finally:
        terminal.close()


def _latency(answers: Mapping[str, Answer], seconds: Callable[[Answer], float]) -> Measured:
    slowest = sorted(answers, key=lambda name: seconds(answers[name]), reverse=True)[:3]
    named = ", ".join(f"{name.rpartition(' ')[0]}: {seconds(answers[name]) * 1e3:.0f} ms" for name in slowest)
    middle = median_of([seconds(answer) for answer in answers.values()]).value * 1e3
    values = [seconds(answer) for answer in answers.values()]
    return percentile_of(values, _PERCENT, f"the slowest: {named}; {middle:.0f} ms in the median")
