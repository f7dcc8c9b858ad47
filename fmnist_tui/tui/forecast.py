"""What is known before a training starts: what earlier runs reached, and how long it will take on this machine."""

from __future__ import annotations

import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from fmnist_tui.analysis.comparison import Comparison, compare
from fmnist_tui.analysis.estimate import estimate, matrix_peak
from fmnist_tui.analysis.record import RunRecord, read_records
from fmnist_tui.runs.directory import RunError
from fmnist_tui.runs.machine.devices import device_names
from fmnist_tui.runs.machine.machine import this_machine
from fmnist_tui.runs.queue import device_to_wait_for
from fmnist_tui.training.config import TrainingConfig
from fmnist_tui.training.recipes import RECIPES
from fmnist_tui.tui.progress import in_words

_IMAGES = 54_000
"""Training images of Fashion-MNIST, less those set aside for validation."""


@dataclass(frozen=True)
class Known:
    """What was found out; empty at first.

    Attributes:
        records: All runs.
        comparisons: One for each recipe.
        peak: Multiply-adds a second of the CPUs, 0 before they were timed.
        devices: The names of this machine's devices: "cpu", "cuda-0".
    """

    records: tuple[RunRecord, ...] = ()
    comparisons: tuple[Comparison, ...] = ()
    peak: float = 0.0
    devices: tuple[tuple[str, str], ...] = ()


def look_around(runs: Path, known: Known, tell: Callable[[Known], object]) -> None:
    """Reads the runs anew, and the machine where that wasn't done yet; from a thread."""
    try:
        records = read_records(runs)
    except RunError:
        records = []
    comparisons = tuple(compare(records, recipe, everything=False) for recipe in RECIPES)
    tell(Known(tuple(records), comparisons, known.peak, known.devices))
    if not known.peak:
        devices = tuple(device_names(this_machine()).items())
        tell(Known(tuple(records), comparisons, matrix_peak(), devices))


def forecast(configs: Sequence[TrainingConfig], known: Known) -> str:
    """How long, and on which device: "about 1:40 on cpu (2 CPUs, AMD EPYC)"; "" before anything is known."""
    if not known.peak or not configs:
        return ""
    places = {device_to_wait_for(config) for config in configs}
    names = dict(known.devices)
    where = " and ".join(f"{place} ({names[place]})" if place in names else place for place in sorted(places))
    host = socket.gethostname()
    found = [
        estimate(config, min(config.limit or _IMAGES, _IMAGES), _device(config), known.records, host, known.peak)
        for config in configs
    ]
    told = [one for one in found if one is not None]
    if len(told) < len(found):
        return f"on {where}; how long is known after the first run there"
    seconds = in_words(sum(one.seconds for one in told))
    guessed = "" if all(one.measured for one in told) else ", a guess until a run was timed here"
    return f"about {seconds}{guessed}, on {where}"


def _device(config: TrainingConfig) -> str:
    return device_to_wait_for(config).replace("-", ":")
