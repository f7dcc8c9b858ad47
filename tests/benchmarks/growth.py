"""How speed changes with the size of things; no targets."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from functools import partial

import psutil

from benchmarks.bench import Bench
from benchmarks.measured import median_of
from benchmarks.rows.scale import attach, copied_runs, long_run, most_memory_of, scored_runs
from benchmarks.rows.start import whole_command
from benchmarks.spec import Spec
from benchmarks.table import as_text
from benchmarks.watching import attached, endless_training
from fmnist_tui.runs.fold import read_epochs

_ROUNDS = 3
_BATCHES = (16, 32, 64, 128, 256, 512, 1024)
_SHARES = (10, 5, 2, 1)
_TERMINALS = ((60, 18), (80, 24), (120, 40), (200, 60))
_IMAGES = {"v0": 50_000, "v3": 2_000}
"""Of a turn."""


def growth(bench: Bench) -> str:
    """Tables over batch sizes, threads, shares of the data and terminal sizes."""
    sections = []
    for version in ("v0", "v3"):
        batches = [bench.spec(version, batch) for batch in _BATCHES if batch <= len(bench.dataset.train) // 2]
        threads = [bench.spec(version, threads=count) for count in _threads(bench)]
        shares = [bench.spec(version, limit=len(bench.dataset.train) // share) for share in _SHARES]
        sections += [
            _section(f"{version} by batch size", [str(spec.batch_size) for spec in batches], _speeds(bench, batches)),
            _section(f"{version} by threads", [str(spec.threads) for spec in threads], _speeds(bench, threads)),
            _section(f"{version} by images", [str(spec.limit) for spec in shares], _speeds(bench, shares)),
        ]
    return "\n\n".join([*sections, _terminals(bench), *scales(bench)])


def scales(bench: Bench) -> list[str]:
    """How long one waits with many runs, long logs, many epochs, many test images and many classes."""
    sizes = bench.sizes
    counts = [sizes.most_runs // 100, sizes.most_runs // 10, sizes.most_runs]
    rows: list[tuple[str, ...]] = [("runs", "`runs`", "`results`")]
    for count in filter(None, counts):
        runs = copied_runs(bench.folder / f"runs-{count}", count)
        waits = [_median(partial(whole_command, bench, (name,), runs)) for name in ("runs", "results")]
        rows.append((str(count), *(f"{seconds:.2f} s" for seconds in waits)))
    sections = [as_text(rows)]
    rows = [("log", "epochs", "first curve", "memory")]
    for size in (sizes.log_bytes // 100, sizes.log_bytes // 10, sizes.log_bytes):
        for steps in (100, 10):
            run = long_run(bench.folder / f"log-{size}-{steps}", size, steps)
            found = [attach(bench, run) for _ in range(_ROUNDS)]
            seconds, memory = (median_of(values).value for values in zip(*found, strict=True))
            epochs = sum(1 for _ in read_epochs(run))
            rows.append((f"{size / 1e6:g} MB", f"{epochs:,}", f"{seconds:.2f} s", f"{memory / 1e6:.0f} MB"))
    sections.append(as_text(rows))
    rows = [("test images", "classes", "`results`", "its memory")]
    for images, classes in sizes.scored:
        runs = scored_runs(bench.folder / f"scored-{images}-{classes}", images, classes)
        seconds = _median(partial(whole_command, bench, ("results", "--all"), runs))
        memory = most_memory_of(bench, ("results", "--all"), runs)
        rows.append((f"{images:,}", f"{classes:,}", f"{seconds:.2f} s", f"{memory / 1e6:.0f} MB"))
    return [*sections, as_text(rows)]


def _median(command: Callable[[], float]) -> float:
    return median_of([command() for _ in range(_ROUNDS)]).value


def _threads(bench: Bench) -> list[int]:
    """1, 2, 4 and so on, and all."""
    powers = [1 << power for power in range(bench.threads.bit_length())]
    return sorted({*powers, bench.threads})


def _speeds(bench: Bench, specs: Sequence[Spec]) -> list[str]:
    """Images a second; the order turns from round to round."""
    found: dict[Spec, list[float]] = {spec: [] for spec in specs}
    for number in range(_ROUNDS):
        for spec in reversed(specs) if number % 2 else specs:
            images = min(_IMAGES[spec.name], 20 * spec.batch_size) if bench.sizes.shared else _IMAGES[spec.name]
            steps = max(1, images // spec.batch_size)
            found[spec].append(steps * spec.batch_size / bench.workers.seconds(spec, steps))
    bench.workers.close()
    return [f"{median_of(speeds).value:,.0f}" for speeds in found.values()]


def _section(title: str, sizes: Sequence[str], speeds: Sequence[str]) -> str:
    return as_text([(title, *sizes), ("images/s", *speeds)])


def _terminals(bench: Bench) -> str:
    """What the live screen sends and takes of a CPU."""
    rows: list[tuple[str, ...]] = [("terminal", "bytes/s", "of a CPU")]
    seconds = bench.sizes.live_seconds
    with endless_training(bench, "v0") as pace:
        for size in _TERMINALS:
            with attached(bench, pace.run, size) as terminal:
                process = psutil.Process(terminal.process.pid)
                before, begun = sum(process.cpu_times()[:2]), time.perf_counter()
                sent = len(terminal.sent_in(seconds))
                taken = time.perf_counter() - begun
                busy = (sum(process.cpu_times()[:2]) - before) / taken
            rows.append((f"{size[0]}x{size[1]}", f"{sent / taken:,.0f}", f"{busy * 100:.1f}%"))
    return as_text(rows)
