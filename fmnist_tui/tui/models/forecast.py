"""What is known before a training starts: what earlier runs reached, and how long it will take on this machine."""

from __future__ import annotations

import socket
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace

from fmnist_tui.analysis.comparison import Comparison, compare
from fmnist_tui.analysis.estimate import Estimate, estimate, matrix_peak
from fmnist_tui.doctor.devices import device_names
from fmnist_tui.host.machine import this_machine
from fmnist_tui.runs.queue.devices import needed_device
from fmnist_tui.runs.run import Run
from fmnist_tui.text import duration
from fmnist_tui.training.config import TrainingConfig
from fmnist_tui.training.recipes import RECIPES, hyperparameters, settle_for_fashion_mnist

_IMAGES = 60_000
"""Training images of Fashion-MNIST, assumed until the data is loaded."""
DEVICES = ("auto", "cpu", "cuda", "mps")
"""Devices to choose from."""
_N_TRAIN = 0.9
"""Fraction of the training images that isn't set aside for validation."""


@dataclass(frozen=True)
class Known:
    """What the forecasts are based on; empty until it is loaded.

    Attributes:
        records: All runs.
        comparisons: One for each recipe.
        peak: MACs per second of the CPUs, 0 until they are timed.
        devices: This machine's devices, "cpu" or "cuda:0", each with its title.
    """

    records: tuple[Run, ...] = ()
    comparisons: tuple[Comparison, ...] = ()
    peak: float = 0.0
    devices: tuple[tuple[str, str], ...] = ()


def load_known(records: Sequence[Run], known: Known, publish: Callable[[Known], object]) -> None:
    """Compares the runs, and times the machine if that wasn't done before; called in a thread."""
    comparisons = tuple(compare(records, recipe) for recipe in RECIPES)
    known = replace(known, records=tuple(records), comparisons=comparisons)
    publish(known)
    if not known.peak:
        devices = tuple(device_names(this_machine()).items())
        publish(replace(known, peak=matrix_peak(), devices=devices))


def forecast(configs: Sequence[TrainingConfig], known: Known, images: int | None) -> str:
    """How long, and on which device: "≈ 1 min 40 s on cpu (2 CPUs, AMD EPYC)"; "" until that is known.

    Args:
        configs: What will be trained, one after the other.
        known: What the forecast is based on.
        images: Number of training images, if the data is loaded.
    """
    if not known.peak or not configs:
        return ""
    devices = {_device(config, known) for config in configs}
    titles = dict(known.devices)
    where = " and ".join(f"{device} ({titles[device]})" if device in titles else device for device in sorted(devices))
    estimates = [_estimate(config, known, images or _IMAGES) for config in configs]
    found = [one for one in estimates if one is not None]
    if len(found) < len(estimates):
        return f"On {where}; duration unknown until a run has finished there"
    seconds = duration(sum(one.seconds for one in found))
    rough = "" if all(one.measured for one in found) else " (rough, not yet timed here)"
    return f"≈ {seconds}{rough} on {where}"


def exclusion(configs: Sequence[TrainingConfig]) -> str:
    """Why such runs will be excluded: "Excluded from results (changed: epochs 3)"; "" if they will be eligible."""
    changed = next(filter(None, map(_changed, configs)), None)
    if changed is None:
        return ""
    listed = ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in changed.items())
    return f"Excluded from results (changed: {listed})"


def _changed(config: TrainingConfig) -> dict[str, object]:
    """Settings that differ from the recipe's for Fashion-MNIST, and the limit."""
    recipe = asdict(settle_for_fashion_mnist(hyperparameters(config.version, config.recipe)))
    settings = asdict(settle_for_fashion_mnist(config.hyperparameters))
    changed = {name: value for name, value in settings.items() if value != recipe[name]}
    return changed if config.limit is None else {**changed, "limit": config.limit}


def _estimate(config: TrainingConfig, known: Known, images: int) -> Estimate | None:
    n_train = round(_N_TRAIN * min(config.limit or images, images))
    device = _device(config, known)
    host = socket.gethostname()
    found = estimate(config, n_train, device, known.records, host, known.peak)
    if (
        found is None and config.device == "auto"
    ):  # PyTorch may not be able to use the GPU; then earlier runs used the CPU
        on_cpu = estimate(config, n_train, "cpu", known.records, host, known.peak)
        return on_cpu if on_cpu and on_cpu.measured else None
    return found


def _device(config: TrainingConfig, known: Known) -> str:
    """The device as run.json names it; the first GPU if any will do."""
    device = needed_device(config, has_gpus=any(name.startswith("cuda") for name, _ in known.devices))
    return "cuda:0" if device == "cuda" else device
