"""What is known before a training starts: what earlier runs reached, and how long it will take on this machine."""

from __future__ import annotations

import socket
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace

from fmnist_tui.analysis.comparison import Comparison, compare
from fmnist_tui.analysis.estimate import Estimate, estimate, matrix_peak
from fmnist_tui.analysis.record import RunRecord
from fmnist_tui.doctor.devices import device_names
from fmnist_tui.host.machine import this_machine
from fmnist_tui.runs.queue.devices import needed_device
from fmnist_tui.text import duration
from fmnist_tui.training.config import TrainingConfig
from fmnist_tui.training.recipes import RECIPES, hyperparameters, settle_for_fashion_mnist

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
        devices: The names of this machine's devices: "cpu", "cuda:0".
    """

    records: tuple[RunRecord, ...] = ()
    comparisons: tuple[Comparison, ...] = ()
    peak: float = 0.0
    devices: tuple[tuple[str, str], ...] = ()


def look_around(records: Sequence[RunRecord], known: Known, tell: Callable[[Known], object]) -> None:
    """Compares the runs, and looks at the machine where that wasn't done yet; from a thread."""
    comparisons = tuple(compare(records, recipe) for recipe in RECIPES)
    known = replace(known, records=tuple(records), comparisons=comparisons)
    tell(known)
    if not known.peak:
        devices = tuple(device_names(this_machine()).items())
        tell(replace(known, peak=matrix_peak(), devices=devices))


def forecast(configs: Sequence[TrainingConfig], known: Known, images: int | None) -> str:
    """How long, and on which device: "about 1:40, on cpu (2 CPUs, AMD EPYC)"; "" before anything is known.

    Args:
        configs: What will be trained, one after the other.
        known: What was found out.
        images: How many training images there are, where the data is there.
    """
    if not known.peak or not configs:
        return ""
    places = {_device(config, known) for config in configs}
    names = dict(known.devices)
    where = " and ".join(f"{place} ({names[place]})" if place in names else place for place in sorted(places))
    found = [_estimate(config, known, images or _IMAGES) for config in configs]
    told = [one for one in found if one is not None]
    if len(told) < len(found):
        return f"on {where}; how long is known after the first run there"
    seconds = duration(sum(one.seconds for one in told))
    guessed = "" if all(one.measured for one in told) else ", a guess until a run was timed here"
    return f"about {seconds}{guessed}, on {where}"


def uncounted(configs: Sequence[TrainingConfig]) -> str:
    """Why such runs will not count in the results: "Won't count in the results: epochs 3"; "" where they will."""
    own = next(filter(None, map(_own, configs)), None)
    if own is None:
        return ""
    told = ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in own.items())
    return f"Won't count in the results: {told}"


def _own(config: TrainingConfig) -> dict[str, object]:
    """What differs from the recipe on Fashion-MNIST, which alone counts, and the limit."""
    recipe = asdict(settle_for_fashion_mnist(hyperparameters(config.version, config.recipe)))
    settings = asdict(settle_for_fashion_mnist(config.hyperparameters))
    own = {name: value for name, value in settings.items() if value != recipe[name]}
    return own if config.limit is None else {**own, "limit": config.limit}


def _estimate(config: TrainingConfig, known: Known, images: int) -> Estimate | None:
    trained = round(_TRAINED * min(config.limit or images, images))
    device = _device(config, known)
    host = socket.gethostname()
    found = estimate(config, trained, device, known.records, host, known.peak)
    if found is None and config.device == "auto":  # a GPU that PyTorch can't use: earlier runs took the CPU
        on_cpu = estimate(config, trained, "cpu", known.records, host, known.peak)
        return on_cpu if on_cpu and on_cpu.measured else None
    return found


def _device(config: TrainingConfig, known: Known) -> str:
    """The device as run.json names it; where any GPU will do, the first."""
    device = needed_device(config, has_gpus=any(name.startswith("cuda") for name, _ in known.devices))
    return "cuda:0" if device == "cuda" else device
