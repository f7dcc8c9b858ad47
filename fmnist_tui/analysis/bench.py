"""Measures how fast the versions train on this machine: the engines themselves, without log and checkpoints.

The images are random: nothing depends on what is on them but what is learnt. So no data has to be there.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fmnist_tui.analysis.speed import Benchmark, Peak, Quartiles, Speed
from fmnist_tui.analysis.turns import Tell, Work, rates
from fmnist_tui.data import Dataset, ImageSet
from fmnist_tui.models.catalogue import VERSION_NAMES, version
from fmnist_tui.runs.resolving import resolved
from fmnist_tui.training.config import INSTALL_PYTORCH, ConfigError, check_device
from fmnist_tui.training.engine import Engine, Indices
from fmnist_tui.training.matrix_product import CPU_SIDE, GPU_SIDE, flops, products
from fmnist_tui.training.recipes import configure
from fmnist_tui.training.streams import epoch_order
from fmnist_tui.training.task import make_engine, make_task

Floats = NDArray[np.float64]

IMAGES = 60_000
COMMON_BATCH = 64
"""Measured beside a version's own batch size, so that versions can be compared."""
_CALM = 0.1
"""Of the recipe's learning rate: labels that mean nothing must not make the loss run away."""


@dataclass(frozen=True)
class _Cell:
    """A version on a device at a batch size."""

    version: str
    device: str
    batch_size: int


def bench(
    devices: Sequence[str], threads: int, seconds: float, tell: Tell, machine: Mapping[str, str], images: int = IMAGES
) -> Benchmark:
    """Measures v0 on the CPU and v1 to v3 on each of the devices.

    Args:
        devices: As PyTorch calls them; "cpu" stands for v0's place as well.
        threads: CPU threads.
        seconds: How long to measure, roughly; importing PyTorch and building networks comes on top.
        tell: Told what is measured now, and which share of all is done.
        machine: What the devices are called.
        images: How many there are to learn from.
    """
    left_out = _left_out()
    names = [name for name in VERSION_NAMES if name not in left_out]
    dataset = _random_images(images)
    works: dict[_Cell | str, Work] = {}
    for device in devices if len(names) > 1 else [device for device in devices if device == "cpu"]:
        works[device] = Work(f"matrix product on {device}", products(device, threads, _side(device)))
        for name in names:
            if name != "v0" or device == "cpu":
                tell(0.0, f"building {name} on {device}")
                works |= _engine_at_its_batch_sizes(name, device, threads, dataset)
    found = dict(zip(works, rates(list(works.values()), seconds, tell), strict=True))
    peaks = {device: np.array(rate) * flops(_side(device)) for device, rate in found.items() if isinstance(device, str)}
    return Benchmark(
        machine,
        threads,
        f"{images} random images",
        tuple(Peak(device, Quartiles.of(list(peak / 1e9))) for device, peak in peaks.items()),
        tuple(_speed(cell, np.array(rate), peaks) for cell, rate in found.items() if isinstance(cell, _Cell)),
        left_out,
    )


def devices_here() -> list[str]:
    """The CPU, then the GPU that trainings would take, if PyTorch is here and finds one."""
    if _why_no_torch():
        return ["cpu"]
    from fmnist_tui.training.devices import resolve

    return list(dict.fromkeys(["cpu", resolve("auto")]))


def chosen_devices(wanted: Sequence[str]) -> list[str]:
    """Those asked for, each once, seen to be there.

    Raises:
        ConfigError: One isn't, or isn't a device's name.
    """
    if list(wanted) == ["cpu"]:
        return ["cpu"]
    for device in wanted:
        check_device("v1", device)
    if why := _why_no_torch():
        raise ConfigError(f"{why}; without it there is --device cpu alone")
    from fmnist_tui.training.devices import resolve

    return list(dict.fromkeys(resolve(device) for device in wanted))


def _left_out() -> dict[str, str]:
    why = _why_no_torch()
    return {name: why for name in VERSION_NAMES if why and name != "v0"}


def _why_no_torch() -> str:
    """Why v1 to v3 can't be measured, or ""."""
    if importlib.util.find_spec("torch") is None:
        return f"PyTorch isn't installed; {INSTALL_PYTORCH}"
    try:
        resolved(configure("v1", "tuned", {}, device="cpu"))
    except ConfigError as error:
        return str(error)
    return ""


def _random_images(count: int) -> Dataset:
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (count, 28, 28), np.uint8)
    train = ImageSet.of(images, rng.integers(0, 10, count, np.uint8))
    return Dataset("random", tuple("0123456789"), train, train, "drawn at random", flips=True)


def _engine_at_its_batch_sizes(name: str, device: str, threads: int, dataset: Dataset) -> dict[_Cell | str, Work]:
    """One engine, whose batch size is that of each step."""
    config = configure(name, "tuned", {}, device=device, threads=threads)
    task = make_task(config, dataset)
    engine = make_engine(task)
    order = epoch_order(0, 1, task.train_indices)
    rate = config.hyperparameters.learning_rate * _CALM
    sizes = dict.fromkeys((config.hyperparameters.batch_size, COMMON_BATCH))
    return {
        _Cell(name, device, size): Work(f"{name} on {device}, batch {size}", _steps(engine, order, size, rate))
        for size in sizes
    }


def _steps(engine: Engine, order: Indices, size: int, rate: float) -> Callable[[int], None]:
    batches = _endless_batches(order, size)

    def step(times: int) -> None:
        for _ in range(times):
            number, batch = next(batches)
            engine.step(batch, rate, 1, number)
        engine.take_totals()  # waits for the device

    return step


def _endless_batches(order: Indices, size: int) -> Iterator[tuple[int, Indices]]:
    """Whole batches alone, each with its number; images come again where there are fewer than a batch takes."""
    order = np.resize(order, max(size, len(order)))
    while True:
        for number in range(len(order) // size):
            yield number, order[number * size : (number + 1) * size]


def _speed(cell: _Cell, steps_per_second: Floats, peaks: Mapping[str, Floats]) -> Speed:
    images = steps_per_second * cell.batch_size
    shares = images * 2.0 * version(cell.version).training_multiply_adds / peaks[cell.device]
    return Speed(
        cell.version,
        cell.device,
        cell.batch_size,
        Quartiles.of(list(images)),
        1000.0 / float(np.median(steps_per_second)),
        float(np.median(shares)),
    )


def _side(device: str) -> int:
    return CPU_SIDE if device == "cpu" else GPU_SIDE
