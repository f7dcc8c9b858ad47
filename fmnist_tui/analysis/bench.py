"""Measures how fast the models train on this machine: the engines alone, without log or screen."""

from __future__ import annotations

import importlib.util
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fmnist_tui.analysis.speed import Benchmark, Peak, Quartiles, Speed
from fmnist_tui.data import Dataset, ImageSet
from fmnist_tui.models.catalogue import VERSION_NAMES, version
from fmnist_tui.runs.start_checks import resolved
from fmnist_tui.training.blas_threads import bound_blas_threads
from fmnist_tui.training.config import INSTALL_PYTORCH, ConfigError, check_device
from fmnist_tui.training.engine import Engine, Indices
from fmnist_tui.training.recipes import configure
from fmnist_tui.training.streams import epoch_order
from fmnist_tui.training.task import make_engine, make_task

CPU_SIDE = 2048
GPU_SIDE = 4096
"""A GPU needs more to be busy with."""


def products(device: str, threads: int, side: int) -> Callable[[int], None]:
    """What multiplies two matrices (side, side) on `device` so many times, and returns when that is done.

    On the CPU by NumPy's BLAS, also where PyTorch brings another one, whose threads are bounded for the whole process;
    elsewhere by PyTorch.
    """
    if device == "cpu":
        return _by_numpy(threads, side)
    return _by_torch(device, side)


def flops(side: int) -> float:
    """Floating-point operations of one product: a multiplication and an addition for each of side**3 terms."""
    return 2.0 * side**3


def _by_numpy(threads: int, side: int) -> Callable[[int], None]:
    left = np.random.default_rng(0).random((side, side), np.float32)
    right, out = left.T.copy(), np.empty_like(left)

    bound_blas_threads(threads)

    def multiply(times: int) -> None:
        for _ in range(times):
            np.matmul(left, right, out=out)

    return multiply


def _by_torch(device: str, side: int) -> Callable[[int], None]:
    import torch

    left = torch.rand((side, side), device=device)
    right, out = torch.rand_like(left), torch.empty_like(left)

    def multiply(times: int) -> None:
        for _ in range(times):
            torch.matmul(left, right, out=out)
        float(out[0, 0])  # waits for the device

    return multiply


ROUNDS = 5
Tell = Callable[[float, str], object]


@dataclass(frozen=True)
class Work:
    """Something that can be done so many times, with a name to tell; it returns when it is done."""

    name: str
    do: Callable[[int], None]


def rates(works: Sequence[Work], seconds: float, tell: Tell) -> list[list[float]]:
    """How often a second each is done, in each of the rounds; the order turns round from round to round.

    Args:
        works: What to measure.
        seconds: How long it may take in all, roughly; a step that takes longer than its share takes what it takes.
        tell: Told what is measured now, and which share of all is done.

    Returns:
        For each of the works one rate a round: those in the same place were measured close together.
    """
    share = seconds / (len(works) * (ROUNDS + 1))
    times = []
    for place, work in enumerate(works):
        tell(place / len(works) / (ROUNDS + 1), f"warming up {work.name}")
        times.append(_times_in(work, share))
    found: list[list[float]] = [[] for _ in works]
    for number in range(ROUNDS):
        order = range(len(works))
        for done, place in enumerate(reversed(order) if number % 2 else order):
            tell((number + 1 + done / len(works)) / (ROUNDS + 1), works[place].name)
            found[place].append(_rate(works[place], times[place]))
    return found


def _rate(work: Work, times: int) -> float:
    work.do(1)  # finds the caches full of something else
    begun = time.perf_counter()
    work.do(times)
    return times / (time.perf_counter() - begun)


def _times_in(work: Work, seconds: float) -> int:
    """How often it can be done in that time, tried out; so it is warm."""
    times = 1
    work.do(times)
    while True:
        begun = time.perf_counter()
        work.do(times)
        taken = time.perf_counter() - begun
        if taken >= seconds / 4:
            return max(1, round(times * seconds / taken))
        times *= 2


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
