"""How long one waits for the app and for commands, with files in the page cache; what an idle app sends."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from tui.samples import write_run
from tui.terminal import installed_command

from benchmarks.bench import Bench
from benchmarks.measured import Measured, largest_of, median_of
from benchmarks.measuring import Rows
from benchmarks.watching import app, seconds_until
from fmnist_tui.models.registry import BUILT_IN

_SEEDS = 3
_LAST_WORDS = b"Quit"
"""The first frame is whole when its last line is there."""
_COMMANDS = {"start-runs": ("runs",), "start-results": ("results",), "start-help": ("--help",)}


def measure(bench: Bench) -> Rows:
    """The group's rows, on a folder with a dozen finished runs."""
    for version in BUILT_IN:
        for seed in range(_SEEDS):
            write_run(bench.folder / "finished", version, seed=seed)
    yield "start-app", partial(_repeated, bench, partial(_first_paint, bench))
    for key, arguments in _COMMANDS.items():
        yield key, partial(_repeated, bench, partial(whole_command, bench, arguments, bench.folder / "finished"))
    yield "bytes-idle", lambda: largest_of(_idle_bytes(bench), "the most of the four screens")


def _repeated(bench: Bench, start: Callable[[], float]) -> Measured:
    for _ in range(bench.sizes.warm_starts):
        start()
    return median_of([start() for _ in range(bench.sizes.starts)], f"{len(BUILT_IN) * _SEEDS} finished runs")


def _first_paint(bench: Bench) -> float:
    since = time.perf_counter()
    with app(bench, "--runs", str(bench.folder / "finished")) as terminal:
        return seconds_until(terminal, _LAST_WORDS, since, 0)


def whole_command(bench: Bench, arguments: tuple[str, ...], runs: Path) -> float:
    """Seconds from the start to the end of a command on a folder of runs."""
    environment = {**bench.environment, "FMNIST_TUI_RUNS": str(runs)}
    since = time.perf_counter()
    subprocess.run([installed_command(), *arguments], env=environment, stdout=subprocess.DEVNULL, check=True)
    return time.perf_counter() - since


def _idle_bytes(bench: Bench) -> list[float]:
    """Bytes a second on each of the screens, once it has come to rest."""
    found = []
    with app(bench, "--runs", str(bench.folder / "finished")) as terminal:
        terminal.wait_for("train: 1-")
        for key in ("1", "2", "3", "4"):
            terminal.press(key)
            terminal.sent_in(bench.sizes.settle_seconds)
            begun = time.perf_counter()
            found.append(len(terminal.sent_in(bench.sizes.idle_seconds)) / (time.perf_counter() - begun))
    return found
