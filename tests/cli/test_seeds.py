"""`train --seeds`: the mean over seeds, while they train and at the end."""

from __future__ import annotations

import re
from pathlib import Path

from fmnist_tui.analysis.intervals import of_mean
from fmnist_tui.runs.directory import list_runs
from fmnist_tui.runs.run import read_run
from fmnist_tui.text import percent

from .commands import TINY
from .conftest import Fmnist


def test_the_mean_over_seeds_is_printed_with_its_interval(fmnist: Fmnist, runs: Path) -> None:
    outcome = fmnist("train", "v0", *TINY, "--seeds", "3", "--in-app", "--runs", runs)
    assert outcome.status == 0
    known = [read_run(run) for run in list_runs(runs)]
    epochs = [run.epochs[-1].validation_accuracy for run in known]
    over = [line for line in outcome.lines if re.match(r"v0  epoch 1: validation .* over [23] seeds$", line)]
    assert over[-1].startswith(f"v0  epoch 1: validation {percent(sum(epochs) / 3)}")
    assert over[-1].endswith("over 3 seeds")
    assert len(over) == 2  # when the second seed ended, and the third
    scores = [run.test_accuracy or 0.0 for run in known]
    interval = of_mean(scores)
    assert interval is not None
    mean = f"v0: test accuracy {percent(sum(scores) / 3)}"
    assert outcome.lines[-1].startswith(f"{mean} (95% CI {percent(max(interval.low, 0))} to {percent(interval.high)})")
