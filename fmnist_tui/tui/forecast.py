"""What is known before a training starts: what earlier runs reached, and how long it will take on this machine."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace

from fmnist_tui.analysis.comparison import Comparison, compare
from fmnist_tui.analysis.estimate import Estimate, estimate, matrix_peak
from fmnist_tui.analysis.record import RunRecord
from fmnist_tui.models.catalogue import VERSION_NAMES
from fmnist_tui.runs.machine.devices import device_names
from fmnist_tui.runs.machine.machine import this_machine
from fmnist_tui.runs.queue import device_to_wait_for
from fmnist_tui.training.config import TrainingConfig
from fmnist_tui.training.recipes import RECIPES, configure, hyperparameters
from fmnist_tui.tui.progress import clock

_IMAGES = 60_000
"""Of Fashion-MNIST, where the data isn't there yet."""
DEVICES = ("auto", "cpu", "cuda", "mps")
"""What can be asked for."""
_TRAINED = 0.9
"""The share of them that isn't set aside for validation."""


@dataclass(frozen=True)
class Known:
    """What was found out; empty at first.

    Attributes:
        records: All runs.
        comparisons: One for each recipe.
        peak: Multiply-adds a second of the CPUs, 0 before they were timed.
        devices: The names of this machine's devices: "cpu", "cuda-0".
        places: Which of them a version trains on, by version and asked device.
    """

    records: tuple[RunRecord, ...] = ()
    comparisons: tuple[Comparison, ...] = ()
    peak: float = 0.0
    devices: tuple[tuple[str, str], ...] = ()
    places: Mapping[tuple[str, str], str] = field(default_factory=dict)


def look_around(records: Sequence[RunRecord], known: Known, tell: Callable[[Known], object]) -> None:
    """Compares the runs, and looks at the machine where that wasn't done yet; from a thread."""
    comparisons = tuple(compare(records, recipe) for recipe in RECIPES)
    known = replace(known, records=tuple(records), comparisons=comparisons)
    tell(known)
    if not known.peak:
        devices = tuple(device_names(this_machine()).items())
        tell(replace(known, peak=matrix_peak(), devices=devices, places=dict(_places())))


def forecast(configs: Sequence[TrainingConfig], known: Known, images: int | None) -> str:
    """How long, and on which device: "about 1:40, on cpu (2 CPUs, AMD EPYC)"; "" before anything is known.

    Args:
        configs: What will be trained, one after the other.
        known: What was found out.
        images: How many training images there are, where the data is there.
    """
    if not known.peak or not configs:
        return ""
    places = {_place(config, known) for config in configs}
    names = dict(known.devices)
    where = " and ".join(f"{place} ({names[place]})" if place in names else place for place in sorted(places))
    found = [_estimate(config, known, images or _IMAGES) for config in configs]
    told = [one for one in found if one is not None]
    if len(told) < len(found):
        return f"on {where}; how long is known after the first run there"
    seconds = clock(sum(one.seconds for one in told))
    guessed = "" if all(one.measured for one in told) else ", a guess until a run was timed here"
    return f"about {seconds}{guessed}, on {where}"


def uncounted(configs: Sequence[TrainingConfig]) -> str:
    """Why such runs will not count in the results: "Won't count in the results: epochs 3"; "" where they will."""
    config = next((one for one in configs if one.modified or one.limit is not None), None)
    if config is None:
        return ""
    recipe = asdict(hyperparameters(config.version, config.recipe))
    own = {name: value for name, value in asdict(config.hyperparameters).items() if value != recipe[name]}
    if config.limit is not None:
        own["limit"] = config.limit
    told = ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in own.items())
    return f"Won't count in the results: {told}"


def _places() -> Iterator[tuple[tuple[str, str], str]]:
    """Asks the machine, which takes its time."""
    for version in VERSION_NAMES:
        for device in DEVICES:
            yield (version, device), device_to_wait_for(configure(version, RECIPES[0], {}, device=device))


def _place(config: TrainingConfig, known: Known) -> str:
    return known.places.get((config.version, config.device), config.device)


def _estimate(config: TrainingConfig, known: Known, images: int) -> Estimate | None:
    trained = round(_TRAINED * min(config.limit or images, images))
    device = _place(config, known).replace("-", ":")
    host = socket.gethostname()
    found = estimate(config, trained, device, known.records, host, known.peak)
    if found is None and config.device == "auto":  # a GPU that PyTorch can't use: earlier runs took the CPU
        on_cpu = estimate(config, trained, "cpu", known.records, host, known.peak)
        return on_cpu if on_cpu and on_cpu.measured else None
    return found
