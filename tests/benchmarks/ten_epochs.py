"""Ten epochs of v3 and of the origin's procedure, each as one process from start to result: most of an hour."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

from tui.terminal import installed_command

from benchmarks.bench import Bench

_ROOT = Path(__file__).parents[2]


def whole_pair(bench: Bench) -> str:
    """How long both take, and how much faster ours is."""
    limit = ["--limit", str(bench.sizes.limit), "--epochs", "1"] if bench.sizes.shared else []
    options = ["--recipe", "origin", "--device", "cpu", "--threads", str(bench.threads), *limit]
    ours = _seconds(bench, [installed_command(), "train", "v3", *options])
    amount = [str(bench.sizes.limit), "1"] if bench.sizes.shared else ["0", "10"]
    origin = [sys.executable, "-m", "tests.benchmarks.origin", str(bench.data), str(bench.threads), *amount]
    theirs = _seconds(bench, origin)
    return f"v3: {ours:.1f} s, the origin's procedure: {theirs:.1f} s, {theirs / ours:.2f}x"


def _seconds(bench: Bench, command: list[str]) -> float:
    begun = time.perf_counter()
    subprocess.run(command, cwd=_ROOT, env=bench.environment, stdout=subprocess.DEVNULL, check=True)
    return time.perf_counter() - begun
